import type { Backend, SegmentRange, StoredSegmentHeader } from '../pipeline/backend.ts'
import { createLossSegment } from '../pipeline/bounded-queue.ts'
import type { Segment } from '../segment/segment.ts'
import { openIndexedDB } from './backend.ts'
import { loadOrCreateKey } from './key.ts'
import { packSegment } from './pack.ts'

/** A log in IndexedDB whose segments are sealed. Rejects where no key is to be had, too: what is to be secret is never kept in plain. */
export async function openPackingBackend(name: string, gzip: boolean, encrypt: boolean): Promise<Backend> {
  const key = encrypt ? await loadOrCreateKey(name) : undefined
  return new PackingBackend(await openIndexedDB(name), gzip && typeof CompressionStream === 'function', key)
}

/** Segments that are being sealed. */
interface PackingJob {
  readonly segments: readonly Segment[]
  readonly stored: PromiseWithResolvers<readonly number[]>
  /** The page was about to go, and they are noted as lost. */
  isJournaled: boolean
}

/** Seals segments before they get to a backend that opens them by itself. With a key nothing of them leaves memory before. */
class PackingBackend implements Backend {
  readonly isDurable: boolean = true
  readonly #inner: Backend
  readonly #isCompressing: boolean
  readonly #key: CryptoKey | undefined
  /** The oldest first. */
  readonly #packing = new Set<PackingJob>()
  /** Given to the inner backend, by name. */
  readonly #writing = new Map<string, Segment>()
  #isUnloading = false
  #previous: Promise<void> = Promise.resolve()

  constructor(inner: Backend, isSmaller: boolean, key: CryptoKey | undefined) {
    this.#inner = inner
    this.#isCompressing = isSmaller
    this.#key = key
  }

  add(segments: readonly Segment[]): Promise<readonly number[]> {
    if (this.#isUnloading && !this.#key) return this.#write(segments)
    const begun: PackingJob = { segments, stored: Promise.withResolvers(), isJournaled: this.#isUnloading }
    this.#packing.add(begun)
    const ready = Promise.all(segments.map((segment) => packSegment(segment, this.#isCompressing, this.#key)))
    // In their order, whichever is sealed first.
    this.#previous = Promise.all([ready, this.#previous]).then(
      ([sealed]) => this.#writePacked(begun, sealed),
      (error: unknown) => {
        this.#packing.delete(begun)
        begun.stored.reject(error)
      },
    )
    return begun.stored.promise
  }

  #writePacked(begun: PackingJob, segments: readonly Segment[]): void {
    // It may have gone as it was.
    if (!this.#packing.delete(begun)) return
    // In place of the note: it would be false as soon as they are kept.
    if (begun.isJournaled) this.#inner.persistOnUnload?.(segments)
    begun.stored.resolve(this.#write(segments))
  }

  async #write(segments: readonly Segment[]): Promise<readonly number[]> {
    for (const segment of segments) this.#writing.set(segment.head.name, segment)
    try {
      return await this.#inner.add(segments)
    } finally {
      for (const { head } of segments) this.#writing.delete(head.name)
    }
  }

  /** Nobody waits for a page that goes. What was only to be smaller goes as it is; of what is secret there is noted how much it was. */
  persistOnUnload(segments: readonly Segment[]): void {
    const late = segments.filter(({ head }) => !this.#writing.has(head.name))
    this.#inner.persistOnUnload?.([
      ...this.#writing.values(),
      ...(this.#key ? late.map(({ head }) => createLossSegment(head.name, head.records)) : late),
    ])
    for (const begun of this.#packing) {
      if (this.#key) begun.isJournaled = true
      else this.#writePacked(begun, begun.segments)
    }
    this.#isUnloading = true
    // What goes along is added in the same turn.
    queueMicrotask(() => {
      this.#isUnloading = false
    })
  }

  heads(page: SegmentRange): Promise<readonly StoredSegmentHeader[]> {
    return this.#inner.heads(page)
  }

  bodies(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#inner.bodies(names)
  }

  remove(heads: readonly StoredSegmentHeader[]): Promise<void> {
    return this.#inner.remove(heads)
  }

  clear(): Promise<void> {
    return this.#inner.clear()
  }

  watch(changed: (isRemoval: boolean) => void): void {
    this.#inner.watch?.(changed)
  }

  runExclusive(work: () => Promise<void>): Promise<void> {
    return this.#inner.runExclusive?.(work) ?? work()
  }

  close(): void {
    this.#inner.close()
  }
}
