import { mergeUsage, type Usage } from '../../core/usage.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { weigh } from '../counter/estimate.ts'
import type { MeteredEventInfo, MeteredFormat } from './format.ts'
import { meteredFormats } from './formats.ts'

/** Events of no known format from where no model was asked, until it is given up: they are no model's answer. */
const MAX_UNKNOWN_EVENTS = 16

/** What is known of a model's answer, event by event. */
export class ResponseState {
  /** Undefined as long as nothing has come that only a model says. */
  format: MeteredFormat | undefined
  model: string | undefined
  id: string | undefined
  /** The provider's own end has come. */
  isComplete = false
  /** The provider has told of an error. */
  hasFailed = false
  /** Some of it could not be read: it may have been the usage. */
  isDamaged = false
  /** Nothing is to come any more that has to be read. */
  isOver = false
  events = 0
  /** What was said, by `weigh`. */
  weight = 0
  readonly #isModelRequest: boolean
  #wireUsage: object | undefined

  /** `isCall`: the request went to where a model is asked. */
  constructor(isCall: boolean) {
    this.#isModelRequest = isCall
  }

  /** Takes in an event, and gives its text where it says nothing else. `isLast`: it may have been cut. */
  addEvent(data: string, isLast: boolean): string | undefined {
    const facts = this.#parseEvent(data)
    if (!facts) {
      this.isDamaged ||= !isLast && /^[{[]/.test(data)
      return
    }
    const { model, id, usage, complete, final, failed, text = '' } = facts
    const isNews = this.#hasMetadata(facts)
    this.events++
    this.weight += weigh(text)
    this.model ||= model ?? undefined
    this.id ||= id ?? undefined
    if (usage) this.#wireUsage = mergeUsage(this.#wireUsage, usage)
    this.isComplete ||= complete === true
    this.hasFailed ||= failed === true
    this.isOver = final === true || (!this.format && !this.#isModelRequest && this.events >= MAX_UNKNOWN_EVENTS)
    return isNews ? undefined : text
  }

  /** The text of an event that says nothing else. */
  parseTextOnly(data: string): string | undefined {
    const facts = this.#parseEvent(data)
    return facts && !this.#hasMetadata(facts) ? facts.text : undefined
  }

  /** As reported so far; undefined where nothing was. */
  get usage(): Usage | undefined {
    const figures = Object.entries(this.#readWireUsage((wire) => this.format?.usage(wire)) ?? {}).filter(([, figure]) =>
      Number.isFinite(figure),
    )
    return figures.length > 0 ? Object.fromEntries(figures) : undefined
  }

  /** Of what was written to a cache, what it keeps for an hour; undefined where that is nothing. */
  get cacheWrite1hTokens(): number | undefined {
    return this.#readWireUsage((wire) => this.format?.cacheWrite1hTokens?.(wire)) || undefined
  }

  /** What is read from the provider's words. Nobody vouches for what servers write. */
  #readWireUsage<Result>(read: (wire: object) => Result): Result | undefined {
    try {
      return this.#wireUsage && read(this.#wireUsage)
    } catch {
      return undefined
    }
  }

  #parseEvent(data: string): MeteredEventInfo | undefined {
    if (data === '[DONE]') return { complete: true, final: true }
    const event: unknown = parseJson(data)
    if (typeof event !== 'object' || event === null) return
    this.format ??= meteredFormats.find((format) => format.detects(event as never, this.#isModelRequest))
    const facts = this.format?.read(event as never) ?? {}
    return 'error' in event && event.error ? { ...facts, failed: true } : facts
  }

  #hasMetadata({ model, id, usage, complete, final, failed }: MeteredEventInfo): boolean {
    return Boolean(usage || complete || final || failed || (model && !this.model) || (id && !this.id))
  }
}
