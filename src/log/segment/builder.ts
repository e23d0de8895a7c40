import type { Run, RunEvent } from '../../core/event.ts'
import { encoder } from '../../core/json/encoder.ts'
import { type JsonOptions, limitOf, stringify } from '../../core/json/stringify.ts'
import { levelOf, levels } from '../level.ts'
import type { LogMessage, LogRecord } from '../record.ts'
import type { Rules } from '../redact.ts'
import { Draft, isJoinable } from './buffer.ts'

/** Makes drafts of records, and hands each over when it is full. A run is whole in its start, or where it is first told of, and an id from then on. */
export class SegmentBuilder {
  readonly #options: JsonOptions
  readonly #limit: number
  readonly #hand: (draft: Draft) => void
  #encode: (event: RunEvent) => string
  /** The name of the segment in which a run is whole. */
  #whole = new WeakMap<Run, string>()
  #draft: Draft | undefined
  #writer = ''
  #made = 0

  constructor(options: JsonOptions, hand: (draft: Draft) => void) {
    this.#options = options
    this.#limit = limitOf(options)
    this.#hand = hand
    this.#encode = encoder(options)
  }

  /** Says at which level the record was taken. */
  add(given: LogRecord, rules: Rules): number {
    const record = rules.keep ? rules.keep(given) : given
    if (!record) return 0
    // Not all who log have types: a record of a level that there is none of would never be asked for.
    const level = levels.indexOf('run' in record ? levelOf(record) : levels.includes(record.level) ? record.level : 'info')
    if ('run' in record) this.#event(record, level, rules)
    else this.#message(record, level, rules)
    if (this.#draft?.isFull) this.seal()
    return level
  }

  #event(event: RunEvent, level: number, rules: Rules): void {
    const { run, type, at } = event
    const whole = this.#whole.get(run)
    if (type === 'token' && whole !== undefined && isJoinable(event)) {
      const draft = this.#draftWith(event.token.length)
      draft.token(event, rules)
      draft.mention(run, whole)
      return
    }
    const line = rules.clean(this.#encode(event))
    const draft = this.#draftWith(line.length)
    const where = type === 'start' || whole === undefined ? draft.name : whole
    this.#whole.set(run, where)
    if (type === 'delta') draft.pieces.push({ index: draft.lines.length, run, rules })
    draft.line(line, at, level)
    draft.mention(run, where)
  }

  // Whatever is given, what is read and imported is a record.
  #message({ category, message, properties = {}, at }: LogMessage, level: number, rules: Rules): void {
    const time = Number.isFinite(at) ? (at as number) : Date.now()
    const text = typeof message === 'string' ? message : textOf(message)
    const rest = Array.isArray(properties) || Object(properties) !== properties ? { value: properties } : properties
    const [categories, said, more] = [[category].flat().map(String), text, rest].map((part) => this.#value(part))
    const line = rules.clean(`{"level":"${levels[level]}","at":${time},"category":${categories},"message":${said},"properties":${more}}`)
    this.#draftWith(line.length).line(line, time, level)
  }

  // A text by itself costs a tenth.
  #value(given: unknown): string {
    return typeof given === 'string' && given.length <= this.#limit ? JSON.stringify(given) : stringify(given, this.#options)
  }

  #draftWith(characters: number): Draft {
    if (!this.#draft?.hasRoom(characters)) this.seal()
    // Drawn with the first record: a Worker has no random numbers before its first request.
    this.#writer ||= [...crypto.getRandomValues(new Uint32Array(3))].map((bits) => bits.toString(36)).join('')
    this.#draft ??= new Draft(`${this.#writer}.${this.#made++}`)
    return this.#draft
  }

  /** Hands over what there is. */
  seal(): void {
    const draft = this.#draft
    this.#draft = undefined
    if (draft) this.#hand(draft)
  }

  /** Tells of all runs whole again: the segments in which they were may be gone. */
  forget(): void {
    this.seal()
    this.#whole = new WeakMap()
    this.#encode = encoder(this.#options)
  }
}

/** A value that is no text, in a line. */
export const textOf = (value: unknown): string =>
  value instanceof Error ? `${value.name}: ${value.message}` : stringify(value, { limit: 1_024 })
