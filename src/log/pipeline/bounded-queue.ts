import { levels } from '../level.ts'
import type { LogMessage } from '../record.ts'
import type { Segment } from '../segment/segment.ts'

/** A segment that is not kept yet. */
export interface Waiting extends Segment {
  /** Of those that were written in this page: its place among them. */
  readonly number: number
  /** A transaction has it. */
  isSent: boolean
  /** It is the note of so many records that were dropped here. */
  readonly lost: number
  /** Resolves with its key; rejects where it was not kept at the first try, or dropped. */
  kept: PromiseWithResolvers<number>
}

/** What a segment takes beside its body, in bytes: many that are small are not to be much. */
const BESIDE = 1_024

/**
 * Segments that wait to be kept. When there are more than it has room for, the oldest go, and a record in their place says how many
 * records are lost.
 */
export class Queue {
  /** The oldest first. */
  all: readonly Waiting[] = []
  readonly #room: number
  #size = 0
  #number = 0

  /** `room` in bytes. */
  constructor(room: number) {
    this.#room = room
  }

  push(segment: Segment): void {
    this.#set([...this.all, this.#waiting(segment)])
    while (this.#size > this.#room) {
      const oldest = this.all.findIndex(({ isSent, lost }) => !isSent && lost === 0)
      if (oldest === -1 || oldest === this.all.length - 1) return
      this.#drop(oldest)
    }
  }

  #set(all: readonly Waiting[]): void {
    this.all = all
    this.#size = sizeOf(all) + all.length * BESIDE
  }

  get isHalfFull(): boolean {
    return this.#size > this.#room / 2
  }

  remove(gone: readonly Waiting[]): void {
    this.#set(this.all.filter((waiting) => !gone.includes(waiting)))
  }

  #drop(at: number): void {
    const [gone, before] = [this.all[at], this.all[at - 1]]
    if (!gone) return
    const last = before && before.lost > 0 && !before.isSent ? before : undefined
    const lost = (last?.lost ?? 0) + gone.head.records
    const note = this.#waiting(noteOf(gone.head.name, lost), gone.number, lost)
    this.#set([...this.all.slice(0, last ? at - 1 : at), note, ...this.all.slice(at + 1)])
    if (last) note.kept.promise.then(last.kept.resolve, last.kept.reject)
    gone.kept.reject(new Error('There was no room for it in memory.'))
  }

  #waiting(segment: Segment, number = this.#number++, lost = 0): Waiting {
    return { ...segment, number, isSent: false, lost, kept: pending() }
  }
}

/** In bytes. */
export const sizeOf = (segments: readonly Segment[]): number => segments.reduce((sum, { head }) => sum + head.bytes, 0)

/** Of the note that a segment is lost. */
export const nameOfNote = (gone: string): string => `${gone}.lost`

/** What stands in the log where records are missing; named after a segment that was lost. */
export function noteOf(gone: string, lost: number): Segment {
  const at = Date.now()
  const message = { level: 'warning' as const, at, category: ['chaintap', 'log'], message: `records lost: ${lost}`, properties: { lost } }
  const body = JSON.stringify(message satisfies LogMessage)
  const [level, none] = [levels.indexOf('warning'), [] as const]
  const head = { name: nameOfNote(gone), records: 1, bytes: body.length, from: at, to: at, level, runs: none, roots: none, elsewhere: none }
  return { head, body }
}

/** A promise that may be rejected though nobody waits for it. */
export function pending(): PromiseWithResolvers<number> {
  const kept = Promise.withResolvers<number>()
  kept.promise.catch(() => {})
  return kept
}
