import type { Backend } from '../pipeline/backend.ts'
import { Outbox, type OutboxOptions, type Sender } from '../pipeline/write-queue.ts'
import type { Writer } from '../pipeline/writer.ts'
import { openIndexedDB } from './backend.ts'

/** The outbox of a log in IndexedDB; one in memory where there is none. */
export async function openOutbox(options: OutboxOptions & SealOptions, sender: Sender, writer: Writer): Promise<Outbox> {
  const backend = await open(`chaintap:${options.name}`, options).catch(inMemory)
  return new Outbox(backend, options, sender, backend.isDurable ? watchPage(writer) : undefined)
}

/** How segments are kept. */
export interface SealOptions {
  /** Compressed, where the engine can (Safari from 16.4): a fifth is left of what models say. Default false. */
  readonly gzip?: boolean
  /**
   * Encrypted with AES-GCM, by a key that no script can read out; times, levels, sizes and the ids of runs stay readable. What that protects
   * and what not: docs/log.md. What is taken in the last 200 ms before a page goes is lost, and counted. Where no key is to be had (`http:`)
   * it is a log in memory. Default false.
   */
  readonly encrypt?: boolean
}

async function open(name: string, { gzip = false, encrypt = false }: SealOptions): Promise<Backend> {
  if (!gzip && !encrypt) return openIndexedDB(name)
  const { openSealed } = await import('./packing-backend.ts')
  return openSealed(name, gzip, encrypt)
}

async function inMemory(): Promise<Backend> {
  const { memoryBackend } = await import('../memory/backend.ts')
  return memoryBackend()
}

/**
 * Sends everything when the page may go: `visibilitychange` is the last event that is sure to come on phones, `freeze` and `pagehide` are the
 * others; not `unload`, which keeps pages out of the back/forward cache. Gives what ends the watch.
 */
function watchPage(writer: Writer): () => void {
  if (typeof document === 'undefined') return () => {}
  const watch = new AbortController()
  const { signal } = watch
  const leave = (): void => {
    writer.seal()
    writer.outbox?.send(true)
  }
  const see = (): void => {
    writer.isHurried = document.visibilityState === 'hidden'
    if (writer.isHurried) leave()
    else writer.outbox?.retry()
  }
  // A tab may be opened in the background.
  see()
  document.addEventListener('visibilitychange', see, { signal })
  document.addEventListener('freeze', leave, { signal })
  addEventListener('pagehide', leave, { signal })
  return () => watch.abort()
}
