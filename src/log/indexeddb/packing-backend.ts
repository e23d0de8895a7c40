import type { Backend, KeptHead, Page } from '../pipeline/backend.ts'
import { noteOf } from '../pipeline/bounded-queue.ts'
import type { Segment } from '../segment/segment.ts'
import { openIndexedDB } from './backend.ts'
import { sharedKey } from './key.ts'
import { seal } from './pack.ts'

/** A log in IndexedDB whose segments are sealed. Rejects where no key is to be had, too: what is to be secret is never kept in plain. */
export async function openSealed(name: string, gzip: boolean, encrypt: boolean): Promise<Backend> {
  const key = encrypt ? await sharedKey(name) : undefined
  return new SealedBackend(await openIndexedDB(name), gzip && typeof CompressionStream === 'function', key)
}

/** Segments that are being sealed. */
interface Sealing {
  readonly segments: readonly Segment[]
  readonly kept: PromiseWithResolvers<readonly number[]>
  /** The page was about to go, and they are noted as lost. */
  isNoted: boolean
}

/** Seals segments before they get to a backend that opens them by itself. With a key nothing of them leaves memory before. */
class SealedBackend implements Backend {
  readonly isDurable: boolean = true
  readonly #inner: Backend
  readonly #isSmaller: boolean
  readonly #key: CryptoKey | undefined
  /** The oldest first. */
  readonly #sealing = new Set<Sealing>()
  /** Given to the inner backend, by name. */
  readonly #sent = new Map<string, Segment>()
  #isLeaving = false
  #before: Promise<void> = Promise.resolve()

  constructor(inner: Backend, isSmaller: boolean, key: CryptoKey | undefined) {
    this.#inner = inner
    this.#isSmaller = isSmaller
    this.#key = key
  }

  add(segments: readonly Segment[]): Promise<readonly number[]> {
    if (this.#isLeaving && !this.#key) return this.#write(segments)
    const begun: Sealing = { segments, kept: Promise.withResolvers(), isNoted: this.#isLeaving }
    this.#sealing.add(begun)
    const ready = Promise.all(segments.map((segment) => seal(segment, this.#isSmaller, this.#key)))
    // In their order, whichever is sealed first.
    this.#before = Promise.all([ready, this.#before]).then(
      ([sealed]) => this.#sealed(begun, sealed),
      (error: unknown) => {
        this.#sealing.delete(begun)
        begun.kept.reject(error)
      },
    )
    return begun.kept.promise
  }

  #sealed(begun: Sealing, segments: readonly Segment[]): void {
    // It may have gone as it was.
    if (!this.#sealing.delete(begun)) return
    // In place of the note: it would be false as soon as they are kept.
    if (begun.isNoted) this.#inner.leave?.(segments)
    begun.kept.resolve(this.#write(segments))
  }

  async #write(segments: readonly Segment[]): Promise<readonly number[]> {
    for (const segment of segments) this.#sent.set(segment.head.name, segment)
    try {
      return await this.#inner.add(segments)
    } finally {
      for (const { head } of segments) this.#sent.delete(head.name)
    }
  }

  /** Nobody waits for a page that goes. What was only to be smaller goes as it is; of what is secret there is noted how much it was. */
  leave(segments: readonly Segment[]): void {
    const late = segments.filter(({ head }) => !this.#sent.has(head.name))
    this.#inner.leave?.([...this.#sent.values(), ...(this.#key ? late.map(({ head }) => noteOf(head.name, head.records)) : late)])
    for (const begun of this.#sealing) {
      if (this.#key) begun.isNoted = true
      else this.#sealed(begun, begun.segments)
    }
    this.#isLeaving = true
    // What goes along is added in the same turn.
    queueMicrotask(() => {
      this.#isLeaving = false
    })
  }

  heads(page: Page): Promise<readonly KeptHead[]> {
    return this.#inner.heads(page)
  }

  bodies(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    return this.#inner.bodies(names)
  }

  remove(heads: readonly KeptHead[]): Promise<void> {
    return this.#inner.remove(heads)
  }

  clear(): Promise<void> {
    return this.#inner.clear()
  }

  watch(changed: (isRemoval: boolean) => void): void {
    this.#inner.watch?.(changed)
  }

  alone(work: () => Promise<void>): Promise<void> {
    return this.#inner.alone?.(work) ?? work()
  }

  close(): void {
    this.#inner.close()
  }
}
