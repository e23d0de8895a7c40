import { levels } from '../level.ts'
import type { SegmentRange, StoredSegmentHeader } from '../pipeline/backend.ts'
import type { Segment } from '../segment/segment.ts'
import type { IndexedDBBackend } from './backend.ts'
import { createMissingRecord, createUnreadableRecord, isEncryptedBody, isSealIntact, restoreHeader, unpackBodies } from './pack.ts'
import { SegmentNumbers } from './segment-numbers.ts'

/** Maximum number of headers that are remembered for their bodies. */
const MAX_HEADERS = 4_096
const WARNING_LEVEL = levels.indexOf('warning')

/**
 * Reads an encrypted log: restores changed headers, and reports segments that are missing, and bodies that are missing, or not encrypted
 * where an encrypted one was written.
 */
export class SealChecker {
  readonly #inner: IndexedDBBackend
  readonly #name: string
  readonly #key: CryptoKey
  /** Headers of encrypted segments, by name. */
  readonly #encrypted = new Map<string, StoredSegmentHeader>()
  readonly #numbers: SegmentNumbers
  /** By name, of the segment before them: the last time in it, and how many segments are missing. */
  readonly #gaps = new Map<string, readonly [number, number]>()

  constructor(inner: IndexedDBBackend, name: string, key: CryptoKey) {
    this.#inner = inner
    this.#name = name
    this.#key = key
    this.#numbers = new SegmentNumbers(inner, (head) => isSealIntact(head, key))
  }

  /** Called after segments were removed, here or in another tab. */
  reset(): void {
    this.#numbers.reset()
    this.#gaps.clear()
  }

  /** See {@link SegmentNumbers.removalNotes}. */
  removalNotes(removed: readonly StoredSegmentHeader[]): Promise<readonly Segment[]> {
    return this.#numbers.removalNotes(removed)
  }

  async heads(page: SegmentRange): Promise<readonly StoredSegmentHeader[]> {
    const heads = await Promise.all((await this.#inner.heads(page)).map((head) => this.#check(head)))
    // A request for the newest header alone is about its key.
    if (page.limit === 1) return heads
    const missing = await this.#numbers.missingAfter(heads.map(({ name }) => name))
    return Promise.all(heads.map((head) => this.#reportMissing(head, missing.get(head.name) ?? 0)))
  }

  /** Adds a record to a segment after which others are missing. */
  async #reportMissing(head: StoredSegmentHeader, missing: number): Promise<StoredSegmentHeader> {
    // Retention may have removed this one, and those after it, since the page was read.
    if (missing === 0 || !(await this.#isStored(head))) return head
    this.#gaps.set(head.name, [head.to, missing])
    return { ...head, records: head.records + 1, level: Math.max(head.level, WARNING_LEVEL) }
  }

  async #check(head: StoredSegmentHeader): Promise<StoredSegmentHeader> {
    const isKnown = this.#encrypted.get(head.name)?.seal === head.seal
    if (await isSealIntact(head, this.#key)) return isKnown ? head : this.#remember(head)
    const [body] = await this.#inner.storedBodies([head.name])
    if (head.seal === undefined && (body === undefined || !isEncryptedBody(body))) return head
    const restored = body && (await restoreHeader(body, head.name, this.#key))
    if (restored) return this.#remember({ ...restored, key: head.key })
    // Written before headers had a seal, or unreadable: then a filter must not hide the warning about it.
    return this.#remember({ ...head, records: Math.max(head.records, 1), level: Math.max(head.level, WARNING_LEVEL) })
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
    const unpacked = await unpackBodies(bodies, names, this.#name)
    return unpacked.map((body, i) => {
      const gap = this.#gaps.get(names[i] ?? '')
      return body !== undefined && gap ? insertRecord(body, createMissingRecord(...gap)) : body
    })
  }

  /** Whether the header is still in the log: a header and its body are removed together. */
  async #isStored({ key, name }: StoredSegmentHeader): Promise<boolean> {
    const [head] = await this.#inner.heads({ from: key, to: key, order: 'asc', limit: 1 })
    return head?.name === name
  }
}

/** Adds a line as the last record: before the lines of merged tokens, which have places of their own. */
function insertRecord(body: string, line: string): string {
  const lines = body.split('\n')
  const firstTokenRun = lines.findIndex((other) => other.startsWith('{"tokens":'))
  lines.splice(firstTokenRun === -1 ? lines.length : firstTokenRun, 0, line)
  return lines.join('\n')
}
