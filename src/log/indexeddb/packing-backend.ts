import type { Backend, SegmentRange, StoredSegmentHeader } from '../pipeline/backend.ts'
import { createLossSegment } from '../pipeline/bounded-queue.ts'
import type { Segment } from '../segment/segment.ts'
import { type IndexedDBBackend, openIndexedDB } from './backend.ts'
import { loadOrCreateKey } from './key.ts'
import { packSegment } from './pack.ts'
import { SealChecker } from './seal-checker.ts'

/** Opens a log in IndexedDB with packed segments. Also rejects if a key is needed and not available: secrets are never stored in plain text. */
export async function openPackingBackend(name: string, gzip: boolean, encrypt: boolean): Promise<Backend> {
  const key = encrypt ? await loadOrCreateKey(name) : undefined
  return new PackingBackend(await openIndexedDB(name), name, gzip && typeof CompressionStream === 'function', key)
}

/** Segments that are being packed. */
interface PackingJob {
  readonly segments: readonly Segment[]
  readonly stored: PromiseWithResolvers<readonly number[]>
  /** Whether the journal has a note of their loss, because the page was about to be discarded. */
  isJournaled: boolean
}

/** Packs segments for a backend that unpacks them itself. With a key, no plain text leaves memory. */
class PackingBackend implements Backend {
  readonly isDurable: boolean = true
  readonly #inner: IndexedDBBackend
  readonly #isCompressing: boolean
  readonly #key: CryptoKey | undefined
  readonly #seals: SealChecker | undefined
  /** Oldest first. */
  readonly #packing = new Set<PackingJob>()
  /** Passed to the inner backend, by name. */
  readonly #writing = new Map<string, Segment>()
  #isUnloading = false
  #previous: Promise<void> = Promise.resolve()

  constructor(inner: IndexedDBBackend, name: string, isCompressing: boolean, key: CryptoKey | undefined) {
    this.#inner = inner
    this.#isCompressing = isCompressing
    this.#key = key
    this.#seals = key && new SealChecker(inner, name, key)
  }

  add(segments: readonly Segment[]): Promise<readonly number[]> {
    if (this.#isUnloading && !this.#key) return this.#write(segments)
    const job: PackingJob = { segments, stored: Promise.withResolvers(), isJournaled: this.#isUnloading }
    this.#packing.add(job)
    const ready = Promise.all(segments.map((segment) => packSegment(segment, this.#isCompressing, this.#key)))
    // In order, whichever is packed first.
    this.#previous = Promise.all([ready, this.#previous]).then(
      ([packed]) => this.#writePacked(job, packed),
      (error: unknown) => {
        this.#packing.delete(job)
        job.stored.reject(error)
      },
    )
    return job.stored.promise
  }

  #writePacked(job: PackingJob, segments: readonly Segment[]): void {
    // Already written unpacked by persistOnUnload().
    if (!this.#packing.delete(job)) return
    // Replaces the note of their loss, which would be wrong once they are stored.
    if (job.isJournaled) this.#inner.persistOnUnload?.(segments)
    job.stored.resolve(this.#write(segments))
  }

  async #write(segments: readonly Segment[]): Promise<readonly number[]> {
    for (const segment of segments) this.#writing.set(segment.head.name, segment)
    try {
      return await this.#inner.add(segments)
    } finally {
      for (const { head } of segments) this.#writing.delete(head.name)
    }
  }

  /** Packing is asynchronous, and too late for a page that is discarded: without a key writes plain segments, with one only notes their loss. */
  persistOnUnload(segments: readonly Segment[]): void {
    const unpacked = segments.filter(({ head }) => !this.#writing.has(head.name))
    this.#inner.persistOnUnload?.([
      ...this.#writing.values(),
      ...(this.#key ? unpacked.map(({ head }) => createLossSegment(head.name, head.records)) : unpacked),
    ])
    for (const job of this.#packing) {
      if (this.#key) job.isJournaled = true
      else this.#writePacked(job, job.segments)
    }
    this.#isUnloading = true
    // The write queue calls add() in the same turn.
    queueMicrotask(() => {
      this.#isUnloading = false
    })
  }

  heads(page: SegmentRange): Promise<readonly StoredSegmentHeader[]> {
    return (this.#seals ?? this.#inner).heads(page)
  }

  bodies(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return (this.#seals ?? this.#inner).bodies(names)
  }

  async remove(heads: readonly StoredSegmentHeader[]): Promise<void> {
    const notes = (await this.#seals?.removalNotes(heads)) ?? []
    // Without room for them, too, the segments are removed.
    if (notes.length > 0) await this.add(notes).catch(() => {})
    await this.#inner.remove(heads)
    this.#seals?.reset()
  }

  /** Also removes segments that are being packed: stored afterwards, they would leave a gap before the next ones. */
  async clear(): Promise<void> {
    await this.#previous
    await this.#inner.clear()
    this.#seals?.reset()
  }

  watch(onChange: (isRemoval: boolean) => void): void {
    this.#inner.watch?.((isRemoval) => {
      if (isRemoval) this.#seals?.reset()
      onChange(isRemoval)
    })
  }

  runExclusive(work: () => Promise<void>): Promise<void> {
    return this.#inner.runExclusive?.(work) ?? work()
  }

  close(): void {
    this.#inner.close()
  }
}
