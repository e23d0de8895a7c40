import { nameOfNote } from '../pipeline/bounded-queue.ts'
import type { Segment } from '../segment/segment.ts'

/** How much of one page is noted at once, in characters: others need room there too. */
const ROOM = 1_000_000

/** Segments that a page could not wait for, in localStorage. Blocked or full, it is no journal, and nobody is told. */
export class Journal {
  readonly #prefix: string
  readonly #noted = new Set<string>()

  constructor(name: string) {
    this.#prefix = `${name}:`
  }

  note(segments: readonly Segment[]): void {
    let room = ROOM
    for (const { head, body } of segments) {
      if (this.#noted.has(head.name) || (room -= body.length) < 0) continue
      this.#noted.add(head.name)
      attempt(() => localStorage.setItem(this.#prefix + head.name, JSON.stringify({ head, body })))
      this.#strike(nameOfNote(head.name))
    }
  }

  /** Strikes out what is kept, and notes that it is lost. */
  strike(segments: readonly Segment[]): void {
    for (const { head } of segments) for (const name of [head.name, nameOfNote(head.name)]) this.#strike(name)
  }

  #strike(name: string): void {
    if (this.#noted.delete(name)) this.#remove(name)
  }

  #remove(name: string): void {
    attempt(() => localStorage.removeItem(this.#prefix + name))
  }

  /** What others have noted. Whoever has made sure of it strikes it out. */
  others(): readonly Segment[] {
    const segments: Segment[] = []
    for (const name of this.#names()) {
      if (this.#noted.has(name)) continue
      this.#noted.add(name)
      const segment = attempt(() => JSON.parse(localStorage.getItem(this.#prefix + name) ?? '') as Partial<Segment> | null)
      const { head, body } = segment ?? {}
      if (head?.name === name && body !== undefined) segments.push({ head, body })
      else this.#remove(name)
    }
    return segments
  }

  /** Strikes out everything, whoever has noted it. */
  clear(): void {
    for (const name of this.#names()) this.#remove(name)
  }

  /** Of all segments that are noted. None has a colon: what follows one is of a log with a longer name. */
  #names(): readonly string[] {
    const keys = attempt(() => Object.keys(localStorage)) ?? []
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

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
