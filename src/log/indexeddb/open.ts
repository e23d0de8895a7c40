import { watchPage } from '../../core/util/page.ts'
import type { Backend } from '../pipeline/backend.ts'
import { WriteQueue, type WriteQueueEvents, type WriteQueueOptions } from '../pipeline/write-queue.ts'
import type { SegmentWriter } from '../pipeline/writer.ts'
import { openIndexedDB } from './backend.ts'

/** The outbox of a log in IndexedDB; one in memory where there is none. */
export async function openWriteQueue(
  options: WriteQueueOptions & StorageEncodingOptions,
  sender: WriteQueueEvents,
  writer: SegmentWriter,
): Promise<WriteQueue> {
  const backend = await openBackend(`chaintap:${options.name}`, options).catch(openMemoryBackend)
  return new WriteQueue(backend, options, sender, backend.isDurable ? flushOnPageHide(writer) : undefined)
}

/** How segments are kept. */
export interface StorageEncodingOptions {
  /** Compressed, where the engine can (Safari from 16.4): a fifth is left of what models say. Default false. */
  readonly gzip?: boolean
  /**
   * Encrypted with AES-GCM, by a key that no script can read out; times, levels, sizes and the ids of runs stay readable. What that protects
   * and what not: docs/log.md. What is taken in the last 200 ms before a page goes is lost, and counted. Where no key is to be had (`http:`)
   * it is a log in memory. Default false.
   */
  readonly encrypt?: boolean
}

async function openBackend(name: string, { gzip = false, encrypt = false }: StorageEncodingOptions): Promise<Backend> {
  if (!gzip && !encrypt) return openIndexedDB(name)
  const { openPackingBackend } = await import('./packing-backend.ts')
  return openPackingBackend(name, gzip, encrypt)
}

async function openMemoryBackend(): Promise<Backend> {
  const { memoryBackend } = await import('../memory/backend.ts')
  return memoryBackend()
}

/**
 * Sends everything when the page may go: `visibilitychange` is the last event that is sure to come on phones, `freeze` and `pagehide` are the
 * others; not `unload`, which keeps pages out of the back/forward cache. Gives what ends the watch.
 */
function flushOnPageHide(writer: SegmentWriter): () => void {
  const leave = (): void => {
    writer.finishSegment()
    writer.queue?.send(true)
  }
  const hidden = (): void => {
    writer.isImmediate = true
    leave()
  }
  const visible = (): void => {
    writer.isImmediate = false
    writer.queue?.retry()
  }
  // A tab may be opened in the background.
  if (globalThis.document?.visibilityState === 'hidden') hidden()
  return watchPage({ hidden, visible, freeze: leave, pagehide: leave })
}
