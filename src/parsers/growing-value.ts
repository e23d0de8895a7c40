type Key = string | number
type Container = unknown[] | Record<string, unknown>

/** An array or object that is not closed yet. */
interface OpenContainer {
  /** Not part of any snapshot while it is open. */
  readonly container: Container
  /** The index or key of the next value. */
  key: Key
  /** The cost of a shallow copy. */
  weight: number
  /** Its copy in the last snapshot. */
  copy?: Container
}

/** Costs of a copy, in array items. From 128 entries V8 stores an object as a hash table, which takes ten times as long to copy. */
const ITEM_COST = 1
const ENTRY_COST = 4
const HASHED_ENTRY_COST = 64
const HASHED_FROM_WEIGHT: number = 128 * ENTRY_COST
/** The cost that a snapshot may always have, and the cost that each further character allows. */
const MIN_COPY_BUDGET = 128
const COPY_BUDGET_PER_CHARACTER = 16

/**
 * A JSON value that is built in the order of its text.
 *
 * Snapshots never change: open containers are copied, closed ones are shared by all later snapshots. A copy per piece of text would take
 * quadratic time while wide containers are open, so the next copy waits until enough text has arrived to keep the total linear.
 */
export class GrowingValue {
  readonly #open: OpenContainer[] = []
  /** The sum of the weights of all open containers. */
  #weight = 0
  #root: unknown
  /** The string that is being received. */
  #text: string | undefined
  #snapshot: unknown
  /** The position of the last snapshot, in characters. */
  #snapshotAt = 0
  /** Whether nothing has changed since the last snapshot. */
  #isCurrent = true

  /** The number of open containers. */
  get depth(): number {
    return this.#open.length
  }

  /** The type of the innermost open container. */
  get containerType(): 'array' | 'object' | undefined {
    const top = this.#open.at(-1)
    return top && (Array.isArray(top.container) ? 'array' : 'object')
  }

  /** Sets the key of the next value. */
  setKey(key: Key): void {
    const top = this.#open.at(-1)
    if (!top) return
    const entry = top.weight < HASHED_FROM_WEIGHT ? ENTRY_COST : HASHED_ENTRY_COST
    const cost = typeof key === 'number' ? ITEM_COST : entry
    top.key = key
    top.weight += cost
    this.#weight += cost
  }

  /** Moves to the next item of the array. */
  nextItem(): void {
    this.setKey(Number(this.#open.at(-1)?.key) + 1)
  }

  open(container: Container): void {
    // Placed now, not when it is closed: V8 would copy an array again when it grows by an item.
    this.#place(container)
    this.#open.push({ container, key: 0, weight: ITEM_COST })
    this.#weight += ITEM_COST
    this.#isCurrent = false
  }

  close(): void {
    const closed = this.#open.pop()
    if (!closed) return
    this.#weight -= closed.weight
    this.#place((this.#isCurrent && closed.copy) || closed.container)
  }

  /** Sets the known part of the string that is being received. */
  setPartialText(text: string): void {
    if (this.#text === undefined) this.#place(text)
    this.#text = text
    this.#isCurrent = false
  }

  /** Sets a complete value. */
  setValue(value: unknown): void {
    if (value !== this.#text) this.#isCurrent = false
    this.#text = undefined
    this.#place(value)
  }

  /** Returns the value after `position` characters; `undefined` if there is none. */
  snapshot(position: number): unknown {
    const budget = Math.max(MIN_COPY_BUDGET, (position - this.#snapshotAt) * COPY_BUDGET_PER_CHARACTER)
    if (this.#isCurrent || this.#weight > budget) return this.#snapshot
    this.#snapshot = this.#copyValue()
    this.#snapshotAt = position
    this.#isCurrent = true
    return this.#snapshot
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
  // An assignment would set the prototype; JSON.parse creates an own property.
  if (key === '__proto__') Object.defineProperty(container, key, { value, writable: true, enumerable: true, configurable: true })
  else (container as Record<Key, unknown>)[key] = value
}
