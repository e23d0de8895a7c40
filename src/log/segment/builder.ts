import type { Run, RunEvent } from '../../core/event.ts'
import { encoder } from '../../core/json/encoder.ts'
import { type JsonOptions, resolveStringLimit, stringify } from '../../core/json/stringify.ts'
import { levelOf, levels } from '../level.ts'
import type { LogMessage, LogRecord } from '../record.ts'
import type { Rules } from '../redact.ts'
import { isMergeableToken, SegmentBuffer } from './buffer.ts'

/** Makes drafts of records, and hands each over when it is full. A run is whole in its start, or where it is first told of, and an id from then on. */
export class SegmentBuilder {
  readonly #options: JsonOptions
  readonly #limit: number
  readonly #handOff: (draft: SegmentBuffer) => void
  #encode: (event: RunEvent) => string
  /** The name of the segment in which a run is whole. */
  #definingSegments = new WeakMap<Run, string>()
  #buffer: SegmentBuffer | undefined
  #writerId = ''
  #segmentCount = 0

  constructor(options: JsonOptions, hand: (draft: SegmentBuffer) => void) {
    this.#options = options
    this.#limit = resolveStringLimit(options)
    this.#handOff = hand
    this.#encode = encoder(options)
  }

  /** Says at which level the record was taken. */
  add(given: LogRecord, rules: Rules): number {
    const record = rules.keep ? rules.keep(given) : given
    if (!record) return 0
    // Not all who log have types: a record of a level that there is none of would never be asked for.
    const level = levels.indexOf('run' in record ? levelOf(record) : levels.includes(record.level) ? record.level : 'info')
    if ('run' in record) this.#addEvent(record, level, rules)
    else this.#addMessage(record, level, rules)
    if (this.#buffer?.isFull) this.finish()
    return level
  }

  #addEvent(event: RunEvent, level: number, rules: Rules): void {
    const { run, type, at } = event
    const whole = this.#definingSegments.get(run)
    if (type === 'token' && whole !== undefined && isMergeableToken(event)) {
      const draft = this.#bufferFor(event.token.length)
      draft.addToken(event, rules)
      draft.addRun(run, whole)
      return
    }
    const line = rules.clean(this.#encode(event))
    const draft = this.#bufferFor(line.length)
    const where = type === 'start' || whole === undefined ? draft.name : whole
    this.#definingSegments.set(run, where)
    if (type === 'delta') draft.partialLines.push({ index: draft.lines.length, run, rules })
    draft.addLine(line, at, level)
    draft.addRun(run, where)
  }

  // Whatever is given, what is read and imported is a record.
  #addMessage({ category, message, properties = {}, at }: LogMessage, level: number, rules: Rules): void {
    const time = Number.isFinite(at) ? (at as number) : Date.now()
    const text = typeof message === 'string' ? message : toMessageText(message)
    const rest = Array.isArray(properties) || Object(properties) !== properties ? { value: properties } : properties
    const [categories, said, more] = [[category].flat().map(String), text, rest].map((part) => this.#encodeValue(part))
    const line = rules.clean(`{"level":"${levels[level]}","at":${time},"category":${categories},"message":${said},"properties":${more}}`)
    this.#bufferFor(line.length).addLine(line, time, level)
  }

  // A text by itself costs a tenth.
  #encodeValue(given: unknown): string {
    return typeof given === 'string' && given.length <= this.#limit ? JSON.stringify(given) : stringify(given, this.#options)
  }

  #bufferFor(characters: number): SegmentBuffer {
    if (!this.#buffer?.hasRoom(characters)) this.finish()
    // Drawn with the first record: a Worker has no random numbers before its first request.
    this.#writerId ||= [...crypto.getRandomValues(new Uint32Array(3))].map((bits) => bits.toString(36)).join('')
    this.#buffer ??= new SegmentBuffer(`${this.#writerId}.${this.#segmentCount++}`)
    return this.#buffer
  }

  /** Hands over what there is. */
  finish(): void {
    const draft = this.#buffer
    this.#buffer = undefined
    if (draft) this.#handOff(draft)
  }

  /** Tells of all runs whole again: the segments in which they were may be gone. */
  resetRuns(): void {
    this.finish()
    this.#definingSegments = new WeakMap()
    this.#encode = encoder(this.#options)
  }
}

/** A value that is no text, in a line. */
export const toMessageText = (value: unknown): string =>
  value instanceof Error ? `${value.name}: ${value.message}` : stringify(value, { limit: 1_024 })
