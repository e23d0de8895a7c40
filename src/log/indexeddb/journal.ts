import { lossSegmentName } from '../pipeline/bounded-queue.ts'
import type { Segment } from '../segment/segment.ts'

/** Maximum size of one `append`, in characters: other users of localStorage need room too. */
const MAX_JOURNAL_CHARACTERS = 1_000_000

/** Segments that a page could not finish storing, in localStorage. Does nothing, silently, if that is blocked or full. */
export class Journal {
  readonly #prefix: string
  readonly #known = new Set<string>()

  constructor(name: string) {
    this.#prefix = `${name}:`
  }

  append(segments: readonly Segment[]): void {
    let room = MAX_JOURNAL_CHARACTERS
    for (const { head, body } of segments) {
      if (this.#known.has(head.name) || (room -= body.length) < 0) continue
      this.#known.add(head.name)
      tryStorage(() => localStorage.setItem(this.#prefix + head.name, JSON.stringify({ head, body })))
      this.#removeKnown(lossSegmentName(head.name))
    }
  }

  /** Removes stored segments, and the notes of their loss. */
  remove(segments: readonly Segment[]): void {
    for (const { head } of segments) for (const name of [head.name, lossSegmentName(head.name)]) this.#removeKnown(name)
  }

  #removeKnown(name: string): void {
    if (this.#known.delete(name)) this.#deleteItem(name)
  }

  #deleteItem(name: string): void {
    tryStorage(() => localStorage.removeItem(this.#prefix + name))
  }

  /** Segments that other pages have appended. The page that stores them removes them. */
  orphans(): readonly Segment[] {
    const segments: Segment[] = []
    for (const name of this.#segmentNames()) {
      if (this.#known.has(name)) continue
      this.#known.add(name)
      const segment = tryStorage(() => JSON.parse(localStorage.getItem(this.#prefix + name) ?? '') as Partial<Segment> | null)
      const { head, body } = segment ?? {}
      if (head?.name === name && body !== undefined) segments.push({ head, body })
      else this.#deleteItem(name)
    }
    return segments
  }

  /** Removes the segments of all pages. */
  clear(): void {
    for (const name of this.#segmentNames()) this.#deleteItem(name)
  }

  /** Names of all segments in the journal. A name has no colon; one that has belongs to a log with a longer name. */
  #segmentNames(): readonly string[] {
    const keys = tryStorage(() => Object.keys(localStorage)) ?? []
    const names = keys.flatMap((key) => (key.startsWith(this.#prefix) ? [key.slice(this.#prefix.length)] : []))
    return names.filter((name) => !name.includes(':'))
  }

  /** Calls `onAppend` when another page has appended segments; returns a function that ends that. */
  watch(onAppend: () => void): () => void {
    if (typeof window === 'undefined') return () => {}
    const watch = new AbortController()
    const listener = ({ key, newValue }: StorageEvent): void => {
      if (newValue !== null && key?.startsWith(this.#prefix)) onAppend()
    }
    addEventListener('storage', listener, watch)
    return () => watch.abort()
  }
}

function tryStorage<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
