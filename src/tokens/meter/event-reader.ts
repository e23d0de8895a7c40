import type { Framing } from './framing.ts'
import type { ResponseState } from './response-state.ts'
import { TextEventTemplate } from './template.ts'

/** Maximum size of a pending event after {@link compactJson}, so that a body whose event does not end cannot fill the memory. */
const MAX_PENDING_EVENT_BYTES = 8_000_000

/** Minimum length of a span without words (base64, lists of numbers) that {@link compactJson} removes. */
const MAX_JSON_SPAN_BYTES = 1_000

/** Chunks up to this size are copied into a buffer that has a DataView: the copy takes 30 ns, a new DataView 80 ns. */
const MAX_COPIED_CHUNK_BYTES = 2_048

/** Finds the events in the bytes of a body and passes them to a {@link ResponseState}. */
export class BodyEventReader {
  readonly #framing: Framing
  readonly #response: ResponseState
  readonly #template = new TextEventTemplate()
  /** The incomplete event. A copy, because the body's reader may transfer its chunks. */
  readonly #pending = new PendingBytes()
  readonly #copy = new Uint8Array(MAX_COPIED_CHUNK_BYTES)
  readonly #copyView = new DataView(this.#copy.buffer)
  #isSkipping = false

  constructor(framing: Framing, response: ResponseState) {
    this.#framing = framing
    this.#response = response
  }

  /** The weight of the output so far, by `weigh`. */
  get outputWeight(): number {
    return Math.max(this.#response.weight + this.#template.weight, this.#response.wholeWeight)
  }

  /** Reads a chunk. */
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

  /** Called at the end of the body. Its last event may lack its end marker, so its bytes are parsed, once. */
  end(): void {
    if (!this.#response.isOver && this.#pending.length > 0) this.#parseEvent(this.#pending.bytes, true)
    this.#pending.clear()
  }

  /** Continues the pending event. Returns where it ends in the chunk, or -1 if it does not. */
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

  /** Reads all events that end within the bytes. Returns where the first incomplete one begins. */
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
      // The event is cut, or does not have the documented shape.
      this.#response.isDamaged ||= !isLast
    }
  }

  #appendPending(bytes: Uint8Array): void {
    this.#pending.add(bytes)
    if (this.#pending.length <= MAX_PENDING_EVENT_BYTES) return
    this.#pending.length = compactJson(this.#pending.bytes)
    // If more than half is left, the limit would soon be reached and the event compacted again.
    if (this.#pending.length <= MAX_PENDING_EVENT_BYTES / 2) return
    this.#response.isDamaged = true
    this.#isSkipping = true
    this.#pending.clear()
  }
}

const COMMA_BYTE = 44

/** Bytes at which strings, names, arrays and objects of JSON begin or end. */
const jsonDelimiters: ReadonlySet<number> = new Set(new TextEncoder().encode('"\\:[]{}'))

/**
 * Removes long spans without words from JSON, in place (images, audio, embeddings: base64 or numbers), and returns the remaining length.
 * The
 * JSON stays valid, also with the bytes that follow: of a list of numbers, those between the first and the last comma are removed; of any
 * other span, which is inside a string, all but the beginning.
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

/** A growing byte buffer. Appending does not copy all bytes each time. */
class PendingBytes {
  length = 0
  #storage = new Uint8Array(0)

  get bytes(): Uint8Array {
    return this.#storage.subarray(0, this.length)
  }

  add(bytes: Uint8Array): void {
    const length = this.length + bytes.length
    if (length > this.#storage.length) {
      const previous = this.bytes
      this.#storage = new Uint8Array(Math.max(MAX_COPIED_CHUNK_BYTES, length * 2))
      this.#storage.set(previous)
    }
    this.#storage.set(bytes, this.length)
    this.length = length
  }

  clear(): void {
    this.length = 0
    if (this.#storage.length > MAX_PENDING_EVENT_BYTES) this.#storage = new Uint8Array(0)
  }
}
