import { lossSegmentName } from '../pipeline/bounded-queue.ts'
import type { Segment } from '../segment/segment.ts'

/** How much of one page is noted at once, in characters: others need room there too. */
const MAX_JOURNAL_CHARACTERS = 1_000_000

/** Segments that a page could not wait for, in localStorage. Blocked or full, it is no journal, and nobody is told. */
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

  /** Strikes out what is kept, and notes that it is lost. */
  remove(segments: readonly Segment[]): void {
    for (const { head } of segments) for (const name of [head.name, lossSegmentName(head.name)]) this.#removeKnown(name)
  }

  #removeKnown(name: string): void {
    if (this.#known.delete(name)) this.#deleteItem(name)
  }

  #deleteItem(name: string): void {
    tryStorage(() => localStorage.removeItem(this.#prefix + name))
  }

  /** What others have noted. Whoever has made sure of it strikes it out. */
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

  /** Strikes out everything, whoever has noted it. */
  clear(): void {
    for (const name of this.#segmentNames()) this.#deleteItem(name)
  }

  /** Of all segments that are noted. None has a colon: what follows one is of a log with a longer name. */
  #segmentNames(): readonly string[] {
    const keys = tryStorage(() => Object.keys(localStorage)) ?? []
    const names = keys.flatMap((key) => (key.startsWith(this.#prefix) ? [key.slice(this.#prefix.length)] : []))
    return names.filter((name) => !name.includes(':'))
  }

  /** Calls when another page has noted something; gives what ends that. */
  watch(noted: () => void): () => void {
    if (typeof window === 'undefined') return () => {}
    const watch = new AbortController()
    const hear = ({ key, newValue }: StorageEvent): void => {
      if (newValue !== null && key?.startsWith(this.#prefix)) noted()
    }
    addEventListener('storage', hear, watch)
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
