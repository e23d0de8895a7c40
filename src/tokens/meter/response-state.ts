import { isCount, mergeUsage, possibleUsage, type Usage } from '../../core/usage.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { isDoneMark } from '../answer/openai-content.ts'
import { reportedError } from '../answer/reported-error.ts'
import { weigh } from '../counter/estimate.ts'
import type { MeteredEventInfo, MeteredFormat } from './format.ts'
import { meteredFormats } from './formats.ts'
import type { Framing } from './framing.ts'

/** After this many events of an unknown format, a response from a URL that is not a model's is not read further. */
const MAX_UNKNOWN_EVENTS = 16

/** The facts of a model's answer, collected event by event. */
export class ResponseState {
  /** Undefined until an event has identified the format. */
  format: MeteredFormat | undefined
  model: string | undefined
  id: string | undefined
  /** Whether the provider's end marker was received. */
  isComplete = false
  /** Whether the provider reported an error. */
  hasFailed = false
  /** Whether an event could not be read. It may have contained the usage. */
  isDamaged = false
  /** Whether figures of the usage that was read last cannot be true. */
  hasImpossibleUsage = false
  /** Whether the rest of the body need not be read. */
  isOver = false
  events = 0
  /** The weight of the output in parsed events, by `weigh`. */
  weight = 0
  /** The weight of the longest whole message in the stream. */
  wholeWeight = 0
  #wholeMessages = 0
  readonly #isModelRequest: boolean
  readonly #framing: Framing
  #wireUsage: object | undefined
  readonly #ownedUsage = new WeakSet()

  constructor(isModelRequest: boolean, framing: Framing) {
    this.#isModelRequest = isModelRequest
    this.#framing = framing
  }

  /** Adds an event. Returns its text if it contains nothing else. The last event of a body (`isLast`) may be cut. */
  addEvent(data: string, isLast: boolean): string | undefined {
    const facts = this.#parseEvent(data)
    if (!facts) {
      this.isDamaged ||= !isLast && /^[{[]/.test(data)
      return
    }
    const { model, id, usage, complete, final, failed, text = '', wholeText = '', isWhole } = facts
    const hasMetadata = this.#hasMetadata(facts)
    this.events++
    this.weight += weigh(text)
    this.wholeWeight = Math.max(this.wholeWeight, weigh(wholeText))
    if (isWhole) this.#wholeMessages++
    this.model ||= model ?? undefined
    this.id ||= id ?? undefined
    if (usage) this.#wireUsage = mergeUsage(this.#wireUsage, usage, this.#ownedUsage)
    this.isComplete ||= complete === true
    this.hasFailed ||= failed === true
    this.isOver = final === true || (!this.format && !this.#isModelRequest && this.events >= MAX_UNKNOWN_EVENTS)
    return hasMetadata ? undefined : text
  }

  /** Returns the text of an event that contains nothing else. */
  parseTextOnly(data: string): string | undefined {
    const facts = this.#parseEvent(data)
    return facts && !this.#hasMetadata(facts) ? facts.text : undefined
  }

  /** The usage reported so far; undefined if there is none. */
  get usage(): Usage | undefined {
    const usage = this.#readWireUsage((wire) => this.format?.usage(wire))
    const possible =
      usage &&
      possibleUsage(usage, () => {
        this.hasImpossibleUsage = true
      })
    return possible && Object.keys(possible).length > 0 ? possible : undefined
  }

  /** The tokens cached for one hour; undefined if there are none. */
  get cacheWrite1hTokens(): number | undefined {
    const tokens = this.#readWireUsage((wire) => this.format?.cacheWrite1hTokens?.(wire))
    return tokens && isCount(tokens) ? tokens : undefined
  }

  /** Reads the merged usage. Returns undefined if it does not have the documented types. */
  #readWireUsage<Result>(read: (wire: object) => Result): Result | undefined {
    try {
      return this.#wireUsage && read(this.#wireUsage)
    } catch {
      this.hasImpossibleUsage = true
      return undefined
    }
  }

  /** Called at the end of the body, if it ended by itself. */
  end(): void {
    // Without a known format, the body's end is the only end marker. A stream may be one whole message.
    this.isComplete ||= this.format ? this.#wholeMessages === 1 : this.events > 0
  }

  #parseEvent(data: string): MeteredEventInfo | undefined {
    if (isDoneMark(data)) return { complete: true, final: true }
    const event: unknown = parseJson(data)
    if (typeof event !== 'object' || event === null) return
    this.format ??= meteredFormats.find((format) => format.detects(event as never, this.#isModelRequest))
    const facts = this.format?.read(event as never, !this.#framing.isWhole) ?? {}
    // Only OpenAI's format has errors in other places; a format that is not known may have any.
    return ('error' in event && event.error) || (!this.format && reportedError(event)) ? { ...facts, failed: true } : facts
  }

  #hasMetadata({ model, id, usage, complete, final, failed, wholeText }: MeteredEventInfo): boolean {
    return Boolean(usage || complete || final || failed || wholeText || (model && !this.model) || (id && !this.id))
  }
}
