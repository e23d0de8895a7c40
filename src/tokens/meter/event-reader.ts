import type { Framing } from './framing.ts'
import type { Answer } from './response-state.ts'
import { Shape } from './template.ts'

/** 8 MB, without what {@link lean} leaves out: a body without an end of an event does not fill the memory. */
const LIMIT = 8_000_000

/** A run of what is no word is. */
const LONG = 1_000

/** What a view of its own does not pay for: it costs 80 ns, a copy into what has one 30. */
const SMALL = 2_048

/** Finds the events in the bytes of a body. */
export class EventReader {
  readonly #framing: Framing
  readonly #answer: Answer
  readonly #shape = new Shape()
  /** The event that is going on. A copy: whoever reads the chunks may transfer them. */
  readonly #held = new Held()
  readonly #small = new Uint8Array(SMALL)
  readonly #smallView = new DataView(this.#small.buffer)
  #isSkipping = false

  constructor(framing: Framing, answer: Answer) {
    this.#framing = framing
    this.#answer = answer
  }

  /** What was said, by `weigh`. */
  get said(): number {
    return this.#answer.weight + this.#shape.weight
  }

  /** Reads on. */
  feed(chunk: Uint8Array): void {
    if (this.#answer.isOver) return
    const from = this.#held.length > 0 || this.#isSkipping ? this.#goOn(chunk) : 0
    if (from < 0) return
    const isSmall = chunk.length <= SMALL
    if (isSmall) this.#small.set(chunk)
    const rest = isSmall
      ? this.#pass(this.#small, this.#smallView, from, chunk.length)
      : this.#pass(chunk, viewOf(chunk), from, chunk.length)
    if (rest < chunk.length) this.#hold(chunk.subarray(rest))
  }

  /** The body has ended. Its last event may lack its own end: it is tried once. */
  end(): void {
    if (!this.#answer.isOver && this.#held.length > 0) this.#read(this.#held.bytes, true)
    this.#held.clear()
  }

  /** Reads on in the event that is held, and gives where it ends; -1 where it goes on. */
  #goOn(chunk: Uint8Array): number {
    const end = this.#framing.end(chunk, 0, chunk.length)
    if (!this.#isSkipping) this.#hold(end < 0 ? chunk : chunk.subarray(0, end))
    if (end < 0) return end
    const { bytes } = this.#held
    if (bytes.length > 0 && this.#shape.match(bytes, viewOf(bytes), 0, bytes.length) < 0) this.#read(bytes, false)
    this.#held.clear()
    this.#isSkipping = false
    return end
  }

  /** Reads all events that end within the bytes, and gives where the first one begins that does not. */
  #pass(bytes: Uint8Array, view: DataView, from: number, to: number): number {
    let at = from
    while (at < to && !this.#answer.isOver) {
      let end = this.#shape.match(bytes, view, at, to)
      if (end < 0) {
        end = this.#framing.end(bytes, at, to)
        if (end < 0) return at
        this.#read(bytes.subarray(at, end), false)
      }
      at = end
    }
    return to
  }

  #read(bytes: Uint8Array, isLast: boolean): void {
    try {
      const event = this.#framing.decode(bytes)
      const data = this.#framing.data(event)
      const text = data && this.#answer.take(data, isLast)
      if (text) this.#shape.learn(event, text, (probe) => this.#answer.textOf(this.#framing.data(probe)))
    } catch {
      // Of another shape than its provider's documents say; or cut.
      this.#answer.isDamaged ||= !isLast
    }
  }

  #hold(bytes: Uint8Array): void {
    this.#held.add(bytes)
    if (this.#held.length <= LIMIT) return
    this.#held.length = lean(this.#held.bytes)
    // Where more is left it would be gone through again too soon.
    if (this.#held.length <= LIMIT / 2) return
    this.#answer.isDamaged = true
    this.#isSkipping = true
    this.#held.clear()
  }
}

const COMMA = 44

/** What the strings, lists and objects of JSON end with, and their names. */
const ends: ReadonlySet<number> = new Set(new TextEncoder().encode('"\\:[]{}'))

/**
 * Leaves out of JSON, in place, what is long and no words (pictures, sound, embeddings: base64 or numbers), and gives how much is left. It
 * stays JSON, and so does what is read on: of numbers those between two commas go, of anything else, which is within a string, all but its
 * beginning.
 */
function lean(json: Uint8Array): number {
  let [to, done, from] = [0, 0, 0]
  for (let at = 0; at <= json.length; at++) {
    if (at < json.length && !ends.has(json[at] ?? 0)) continue
    if (at - from > LONG) {
      const run = json.subarray(from, at)
      const [first, last] = [run.indexOf(COMMA), run.lastIndexOf(COMMA)]
      const [head, tail] = first < last ? [first, last] : [LONG, run.length]
      json.copyWithin(to, done, from + head)
      to += from + head - done
      done = from + tail
    }
    from = at + 1
  }
  json.copyWithin(to, done)
  return to + json.length - done
}

const viewOf = ({ buffer, byteOffset, length }: Uint8Array): DataView => new DataView(buffer, byteOffset, length)

/** Bytes that are added to one another, without copying all of them each time. */
class Held {
  length = 0
  #all = new Uint8Array(0)

  get bytes(): Uint8Array {
    return this.#all.subarray(0, this.length)
  }

  add(bytes: Uint8Array): void {
    const length = this.length + bytes.length
    if (length > this.#all.length) {
      const held = this.bytes
      this.#all = new Uint8Array(Math.max(SMALL, length * 2))
      this.#all.set(held)
    }
    this.#all.set(bytes, this.length)
    this.length = length
  }

  clear(): void {
    this.length = 0
    if (this.#all.length > LIMIT) this.#all = new Uint8Array(0)
  }
}
