import { levels } from '../level.ts'
import type { SegmentRange, StoredSegmentHeader } from '../pipeline/backend.ts'
import type { IndexedDBBackend } from './backend.ts'
import { createUnreadableRecord, isEncryptedBody, isSealIntact, restoreHeader, unpackBodies } from './pack.ts'

/** Maximum number of headers that are remembered for their bodies. */
const MAX_HEADERS = 4_096

/**
 * Reads an encrypted log: restores changed headers, and reports bodies that are missing, or not encrypted where an encrypted one was written.
 */
export class SealChecker {
  readonly #inner: IndexedDBBackend
  readonly #name: string
  readonly #key: CryptoKey
  /** Headers of encrypted segments, by name. */
  readonly #encrypted = new Map<string, StoredSegmentHeader>()

  constructor(inner: IndexedDBBackend, name: string, key: CryptoKey) {
    this.#inner = inner
    this.#name = name
    this.#key = key
  }

  async heads(page: SegmentRange): Promise<readonly StoredSegmentHeader[]> {
    return Promise.all((await this.#inner.heads(page)).map((head) => this.#check(head)))
  }

  async #check(head: StoredSegmentHeader): Promise<StoredSegmentHeader> {
    const isKnown = this.#encrypted.get(head.name)?.seal === head.seal
    if (await isSealIntact(head, this.#key)) return isKnown ? head : this.#remember(head)
    const [body] = await this.#inner.storedBodies([head.name])
    if (body === undefined || (head.seal === undefined && !isEncryptedBody(body))) return head
    const restored = await restoreHeader(body, head.name, this.#key)
    if (restored) return this.#remember({ ...restored, key: head.key })
    // Written before headers had a seal, or unreadable: then a filter must not hide the warning about it.
    return this.#remember({ ...head, level: Math.max(head.level, levels.indexOf('warning')) })
  }

  #remember(head: StoredSegmentHeader): StoredSegmentHeader {
    this.#encrypted.delete(head.name)
    this.#encrypted.set(head.name, head)
    const [oldest] = this.#encrypted.keys()
    if (oldest !== undefined && this.#encrypted.size > MAX_HEADERS) this.#encrypted.delete(oldest)
    return head
  }

  async bodies(names: readonly string[]): Promise<readonly (string | undefined)[]> {
    const stored = await this.#inner.storedBodies(names)
    const bodies = await Promise.all(
      stored.map(async (body, i) => {
        const head = this.#encrypted.get(names[i] ?? '')
        if (!head || (body !== undefined && isEncryptedBody(body))) return body
        return body === undefined && !(await this.#isStored(head)) ? undefined : createUnreadableRecord(head)
      }),
    )
    return unpackBodies(bodies, names, this.#name)
  }

  /** Whether the header is still in the log: a header and its body are removed together. */
  async #isStored({ key, name }: StoredSegmentHeader): Promise<boolean> {
    const [head] = await this.#inner.heads({ from: key, to: key, order: 'asc', limit: 1 })
    return head?.name === name
  }
}
