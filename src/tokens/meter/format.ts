import type { Usage } from '../../core/usage.ts'

/** The facts that one event of a stream, or a whole answer, contains. */
export interface MeteredEventInfo {
  readonly model?: string | null | undefined
  readonly id?: string | null | undefined
  /** In the provider's format. Reports are merged in this format, because figures of `Usage` are sums of several of its fields. */
  readonly usage?: object | null | undefined
  /** Whether it is the provider's end marker. */
  readonly complete?: boolean
  /** Whether it is the last event. */
  readonly final?: boolean
  /** Whether it reports an error. */
  readonly failed?: boolean
  /** The output that it adds: text, reasoning, tool arguments. */
  readonly text?: string
  /** The output so far, if it repeats that of earlier events. */
  readonly wholeText?: string
  /** Whether it is a whole message. A stream may consist of one. */
  readonly isWhole?: boolean
}

/** How to read the usage of a provider's answers. */
export interface MeteredFormat<Event = never> {
  /** The provider; undefined for a format of many providers. */
  readonly provider: string | undefined
  /** Whether a stream contains usage only if the request asked for it. */
  readonly isUsageOptional?: boolean
  /** Whether an event has this format (truthy). `isCall` says whether the request's URL is that of a model. */
  detects(event: Event, isCall: boolean): unknown
  /** `isStream`: whether the body is a stream of events, not one answer. */
  read(event: Event, isStream: boolean): MeteredEventInfo
  usage(wire: object): Usage | undefined
  /** The tokens cached for one hour. */
  cacheWrite1hTokens?(wire: object): number | undefined
}

/** Joins the strings among the values. */
export const joinTexts = (...texts: readonly unknown[]): string => texts.filter((text) => typeof text === 'string').join('')

/** Returns tool arguments as text. */
export const toolArgumentsToText = (args: unknown): string => (typeof args === 'string' ? args : args ? JSON.stringify(args) : '')
