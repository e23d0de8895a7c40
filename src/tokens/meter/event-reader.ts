import type { Framing } from './framing.ts'
import type { ResponseState } from './response-state.ts'
import { TextEventTemplate } from './template.ts'

/** 8 MB, without what {@link compactJson} leaves out: a body without an end of an event does not fill the memory. */
const MAX_PENDING_EVENT_BYTES = 8_000_000

/** A run of what is no word is. */
const MAX_JSON_SPAN_BYTES = 1_000

/** What a view of its own does not pay for: it costs 80 ns, a copy into what has one 30. */
const MAX_COPIED_CHUNK_BYTES = 2_048

/** Finds the events in the bytes of a body. */
export class BodyEventReader {
  readonly #framing: Framing
  readonly #response: ResponseState
  readonly #template = new TextEventTemplate()
  /** The event that is going on. A copy: whoever reads the chunks may transfer them. */
  readonly #pending = new PendingBytes()
  readonly #copy = new Uint8Array(MAX_COPIED_CHUNK_BYTES)
  readonly #copyView = new DataView(this.#copy.buffer)
  #isSkipping = false

  constructor(framing: Framing, answer: ResponseState) {
    this.#framing = framing
    this.#response = answer
  }

  /** What was said, by `weigh`. */
  get outputWeight(): number {
    return this.#response.weight + this.#template.weight
  }

  /** Reads on. */
  feed(chunk: Uint8Array): void {
    if (this.#response.isOver) return
    const from = this.#pending.length > 0 || this.#isSkipping ? this.#continueEvent(chunk) : 0
    if (from < 0) return
    const isSmall = chunk.length <= MAX_COPIED_CHUNK_BYTES
    if (isSmall) this.#copy.set(chunk)
    const rest = isSmall
      ? this.#readEvents(this.#copy, this.#copyView, from, chunk.length)
      : this.#readEvents(chunk, toDataView(chunk), from, chunk.length)
    if (rest < chunk.length) this.#appendPending(chunk.subarray(rest))
  }

  /** The body has ended. Its last event may lack its own end: it is tried once. */
  end(): void {
    if (!this.#response.isOver && this.#pending.length > 0) this.#parseEvent(this.#pending.bytes, true)
    this.#pending.clear()
  }

  /** Reads on in the event that is held, and gives where it ends; -1 where it goes on. */
  #continueEvent(chunk: Uint8Array): number {
    const end = this.#framing.findEventEnd(chunk, 0, chunk.length)
    if (!this.#isSkipping) this.#appendPending(end < 0 ? chunk : chunk.subarray(0, end))
    if (end < 0) return end
    const { bytes } = this.#pending
    if (bytes.length > 0 && this.#template.match(bytes, toDataView(bytes), 0, bytes.length) < 0) this.#parseEvent(bytes, false)
    this.#pending.clear()
    this.#isSkipping = false
    return end
  }

  /** Reads all events that end within the bytes, and gives where the first one begins that does not. */
  #readEvents(bytes: Uint8Array, view: DataView, from: number, to: number): number {
    let at = from
    while (at < to && !this.#response.isOver) {
      let end = this.#template.match(bytes, view, at, to)
      if (end < 0) {
        end = this.#framing.findEventEnd(bytes, at, to)
        if (end < 0) return at
        this.#parseEvent(bytes.subarray(at, end), false)
      }
      at = end
    }
    return to
  }

  #parseEvent(bytes: Uint8Array, isLast: boolean): void {
    try {
      const event = this.#framing.decode(bytes)
      const data = this.#framing.extractJson(event)
      const text = data && this.#response.addEvent(data, isLast)
      if (text) this.#template.learn(event, text, (probe) => this.#response.parseTextOnly(this.#framing.extractJson(probe)))
    } catch {
      // Of another shape than its provider's documents say; or cut.
      this.#response.isDamaged ||= !isLast
    }
  }

  #appendPending(bytes: Uint8Array): void {
    this.#pending.add(bytes)
    if (this.#pending.length <= MAX_PENDING_EVENT_BYTES) return
    this.#pending.length = compactJson(this.#pending.bytes)
    // Where more is left it would be gone through again too soon.
    if (this.#pending.length <= MAX_PENDING_EVENT_BYTES / 2) return
    this.#response.isDamaged = true
    this.#isSkipping = true
    this.#pending.clear()
  }
}

const COMMA_BYTE = 44

/** What the strings, lists and objects of JSON end with, and their names. */
const jsonDelimiters: ReadonlySet<number> = new Set(new TextEncoder().encode('"\\:[]{}'))

/**
 * Leaves out of JSON, in place, what is long and no words (pictures, sound, embeddings: base64 or numbers), and gives how much is left. It
 * stays JSON, and so does what is read on: of numbers those between two commas go, of anything else, which is within a string, all but its
 * beginning.
 */
function compactJson(json: Uint8Array): number {
  let [to, done, from] = [0, 0, 0]
  for (let at = 0; at <= json.length; at++) {
    if (at < json.length && !jsonDelimiters.has(json[at] ?? 0)) continue
    if (at - from > MAX_JSON_SPAN_BYTES) {
      const run = json.subarray(from, at)
      const [first, last] = [run.indexOf(COMMA_BYTE), run.lastIndexOf(COMMA_BYTE)]
      const [head, tail] = first < last ? [first, last] : [MAX_JSON_SPAN_BYTES, run.length]
      json.copyWithin(to, done, from + head)
      to += from + head - done
      done = from + tail
    }
    from = at + 1
  }
  json.copyWithin(to, done)
  return to + json.length - done
}

const toDataView = ({ buffer, byteOffset, length }: Uint8Array): DataView => new DataView(buffer, byteOffset, length)

/** Bytes that are added to one another, without copying all of them each time. */
class PendingBytes {
  length = 0
  #storage = new Uint8Array(0)

  get bytes(): Uint8Array {
    return this.#storage.subarray(0, this.length)
  }

  add(bytes: Uint8Array): void {
    const length = this.length + bytes.length
    if (length > this.#storage.length) {
      const held = this.bytes
      this.#storage = new Uint8Array(Math.max(MAX_COPIED_CHUNK_BYTES, length * 2))
      this.#storage.set(held)
    }
    this.#storage.set(bytes, this.length)
    this.length = length
  }

  clear(): void {
    this.length = 0
    if (this.#storage.length > MAX_PENDING_EVENT_BYTES) this.#storage = new Uint8Array(0)
  }
}
