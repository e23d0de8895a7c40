type Key = string | number
type Container = unknown[] | Record<string, unknown>

/** A container whose end has not come yet. */
interface OpenContainer {
  /** Never shown while it is open. */
  readonly container: Container
  /** Where the next value belongs. */
  key: Key
  /** What a copy of it costs. */
  weight: number
  /** As it was shown last. */
  copy?: Container
}

/** What a copy costs, in items of an array. From 128 entries on V8 keeps an object as a hash table, ten times as dear to copy. */
const ITEM_COST = 1
const ENTRY_COST = 4
const HASHED_ENTRY_COST = 64
const HASHED_FROM_WEIGHT: number = 128 * ENTRY_COST
/** What showing the value may cost at any time, and what each further character pays for. */
const MIN_COPY_BUDGET = 128
const COPY_BUDGET_PER_CHARACTER = 16

/**
 * A JSON value while it is built, in the order of its text.
 *
 * What has been shown never changes: containers that are still open are copied, closed ones are shared with all that is shown later.
 * A copy per piece of text would take quadratic time where much is open; there it waits until enough text has come to pay for it.
 */
export class GrowingValue {
  readonly #open: OpenContainer[] = []
  /** Of all that are open. */
  #weight = 0
  #root: unknown
  /** A string that goes on. */
  #text: string | undefined
  #shown: unknown
  #shownAt = 0
  #isNewest = true

  /** What the next value belongs to. */
  get containerType(): 'array' | 'object' | undefined {
    const top = this.#open.at(-1)
    return top && (Array.isArray(top.container) ? 'array' : 'object')
  }

  /** The key of the next value. */
  setKey(key: Key): void {
    const top = this.#open.at(-1)
    if (!top) return
    const entry = top.weight < HASHED_FROM_WEIGHT ? ENTRY_COST : HASHED_ENTRY_COST
    const cost = typeof key === 'number' ? ITEM_COST : entry
    top.key = key
    top.weight += cost
    this.#weight += cost
  }

  /** The next value is one more item. */
  nextItem(): void {
    this.setKey(Number(this.#open.at(-1)?.key) + 1)
  }

  open(container: Container): void {
    // Its place is made now: an array that grows by an item is copied once more.
    this.#place(container)
    this.#open.push({ container, key: 0, weight: ITEM_COST })
    this.#weight += ITEM_COST
    this.#isNewest = false
  }

  close(): void {
    const closed = this.#open.pop()
    if (!closed) return
    this.#weight -= closed.weight
    this.#place((this.#isNewest && closed.copy) || closed.container)
  }

  /** What is known of a string that goes on. */
  setPartialText(text: string): void {
    if (this.#text === undefined) this.#place(text)
    this.#text = text
    this.#isNewest = false
  }

  /** A value that is whole. */
  setValue(value: unknown): void {
    if (value !== this.#text) this.#isNewest = false
    this.#text = undefined
    this.#place(value)
  }

  /** What there is after so many characters; undefined where that is nothing. */
  snapshot(position: number): unknown {
    const payable = Math.max(MIN_COPY_BUDGET, (position - this.#shownAt) * COPY_BUDGET_PER_CHARACTER)
    if (this.#isNewest || this.#weight > payable) return this.#shown
    this.#shown = this.#copyValue()
    this.#shownAt = position
    this.#isNewest = true
    return this.#shown
  }

  #copyValue(): unknown {
    if (this.#open.length === 0) return this.#text ?? this.#root
    let value: unknown = this.#text
    for (const open of this.#open.toReversed()) {
      const { container, key } = open
      open.copy = Array.isArray(container) ? container.slice() : { ...container }
      if (value !== undefined) setEntry(open.copy, key, value)
      value = open.copy
    }
    return value
  }

  #place(value: unknown): void {
    const top = this.#open.at(-1)
    if (top) setEntry(top.container, top.key, value)
    else this.#root = value
  }
}

function setEntry(container: Container, key: Key, value: unknown): void {
  // By assignment it would set the prototype; JSON.parse makes an entry of it.
  if (key === '__proto__') Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
  else (container as Record<Key, unknown>)[key] = value
}
