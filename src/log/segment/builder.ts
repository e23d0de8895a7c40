import type { Run, RunEvent } from '../../core/event.ts'
import { encoder } from '../../core/json/encoder.ts'
import { type JsonOptions, resolveStringLimit, stringify } from '../../core/json/stringify.ts'
import { levelOf, levels } from '../level.ts'
import type { LogMessage, LogRecord } from '../record.ts'
import type { Rules } from '../redact.ts'
import { isMergeableToken, SegmentBuffer } from './buffer.ts'

/**
 * Encodes records into buffers, and passes each buffer to `handOff` when it is full. The Run object is written with the run's `start` event,
 * or with the first event of it; later events have its id only.
 */
export class SegmentBuilder {
  readonly #options: JsonOptions
  readonly #limit: number
  readonly #handOff: (buffer: SegmentBuffer) => void
  #encode: (event: RunEvent) => string
  /** Name of the segment with the Run object. */
  #definingSegments = new WeakMap<Run, string>()
  #buffer: SegmentBuffer | undefined
  #writerId = ''
  #segmentCount = 0

  constructor(options: JsonOptions, handOff: (buffer: SegmentBuffer) => void) {
    this.#options = options
    this.#limit = resolveStringLimit(options)
    this.#handOff = handOff
    this.#encode = encoder(options)
  }

  /** Adds a record; returns the index of its level. */
  add(given: LogRecord, rules: Rules): number {
    const record = rules.keep ? rules.keep(given) : given
    if (!record) return 0
    // Untyped callers may pass an unknown level; no filter would ever find it.
    const level = levels.indexOf('run' in record ? levelOf(record) : levels.includes(record.level) ? record.level : 'info')
    if ('run' in record) this.#addEvent(record, level, rules)
    else this.#addMessage(record, level, rules)
    if (this.#buffer?.isFull) this.finish()
    return level
  }

  #addEvent(event: RunEvent, level: number, rules: Rules): void {
    const { run, type, at } = event
    const segmentName = this.#definingSegments.get(run)
    if (type === 'token' && segmentName !== undefined && isMergeableToken(event)) {
      const buffer = this.#bufferFor(event.token.length)
      buffer.addToken(event, rules)
      buffer.addRun(run, segmentName)
      return
    }
    const line = rules.clean(this.#encode(event))
    const buffer = this.#bufferFor(line.length)
    const where = type === 'start' || segmentName === undefined ? buffer.name : segmentName
    this.#definingSegments.set(run, where)
    if (type === 'delta') buffer.partialLines.push({ index: buffer.lines.length, run, rules })
    buffer.addLine(line, at, level)
    buffer.addRun(run, where)
  }

  // Untyped callers may pass anything; what is read or imported is always a valid record.
  #addMessage({ category, message, properties = {}, at }: LogMessage, level: number, rules: Rules): void {
    const time = Number.isFinite(at) ? (at as number) : Date.now()
    const text = typeof message === 'string' ? message : toMessageText(message)
    const rest = Array.isArray(properties) || Object(properties) !== properties ? { value: properties } : properties
    const [categories, encodedText, more] = [[category].flat().map(String), text, rest].map((part) => this.#encodeValue(part))
    const line = rules.clean(
      `{"level":"${levels[level]}","at":${time},"category":${categories},"message":${encodedText},"properties":${more}}`,
    )
    this.#bufferFor(line.length).addLine(line, time, level)
  }

  // JSON.stringify() takes a tenth of the time for a string.
  #encodeValue(given: unknown): string {
    return typeof given === 'string' && given.length <= this.#limit ? JSON.stringify(given) : stringify(given, this.#options)
  }

  #bufferFor(characters: number): SegmentBuffer {
    if (!this.#buffer?.hasRoom(characters)) this.finish()
    // Created with the first record: a Worker cannot create random numbers outside a request.
    this.#writerId ||= [...crypto.getRandomValues(new Uint32Array(3))].map((bits) => bits.toString(36)).join('')
    this.#buffer ??= new SegmentBuffer(`${this.#writerId}.${this.#segmentCount++}`)
    return this.#buffer
  }

  /** Hands off the current buffer, unless it is empty. */
  finish(): void {
    const buffer = this.#buffer
    this.#buffer = undefined
    if (buffer) this.#handOff(buffer)
  }

  /** Writes the Run object of every run again: the segments with the earlier ones may have been removed. */
  resetRuns(): void {
    this.finish()
    this.#definingSegments = new WeakMap()
    this.#encode = encoder(this.#options)
  }
}

/** Converts a value to a one-line text. */
export const toMessageText = (value: unknown): string =>
  value instanceof Error ? `${value.name}: ${value.message}` : stringify(value, { limit: 1_024 })
