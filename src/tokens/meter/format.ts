import type { Usage } from '../../core/usage.ts'

/** What one event of an answer, or a whole one, says of it. */
export interface MeteredEventInfo {
  readonly model?: string | null | undefined
  readonly id?: string | null | undefined
  /** In the provider's own words: they are merged before they are read, for our figures are sums of several. */
  readonly usage?: object | null | undefined
  /** The provider's own end. */
  readonly complete?: boolean
  /** Nothing comes after it. */
  readonly final?: boolean
  /** The provider gave up. */
  readonly failed?: boolean
  /** What it adds to the answer: text, reasoning, arguments of tools. */
  readonly text?: string
}

/** How a provider's answers say what they cost. */
export interface MeteredFormat<Event = never> {
  /** Whose format it is; undefined where many speak it. */
  readonly provider: string | undefined
  /** Whether a stream has its usage only where it was asked for. */
  readonly isUsageOptional?: boolean
  /** Whether an event is of this format. `isCall`: the request went to where a model is asked. */
  detects(event: Event, isCall: boolean): unknown
  read(event: Event): MeteredEventInfo
  usage(wire: object): Usage | undefined
  /** Of what was written to a cache, what it keeps for an hour. */
  cacheWrite1hTokens?(wire: object): number | undefined
}

/** Texts, wherever an event has them. */
export const joinTexts = (...texts: readonly unknown[]): string => texts.filter((text) => typeof text === 'string').join('')

/** Arguments of a tool, as text. */
export const toolArgumentsToText = (args: unknown): string => (typeof args === 'string' ? args : args ? JSON.stringify(args) : '')
