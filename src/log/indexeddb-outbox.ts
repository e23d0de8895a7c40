import type { Backend } from './backend.ts'
import { openIndexedDB } from './indexeddb-backend.ts'
import { Outbox, type OutboxOptions, type Sender } from './outbox.ts'
import type { Writer } from './writer.ts'

/** The outbox of a log in IndexedDB; one in memory where there is none. */
export async function openOutbox(options: OutboxOptions, sender: Sender, writer: Writer): Promise<Outbox> {
  const backend = await openIndexedDB(`chaintap:${options.name}`).catch(inMemory)
  return new Outbox(backend, options, sender, backend.isDurable ? watchPage(writer) : undefined)
}

async function inMemory(): Promise<Backend> {
  const { memoryBackend } = await import('./memory-backend.ts')
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
  const leave = (): void => writer.hurry()
  const see = (): void => {
    writer.isHurried = document.visibilityState === 'hidden'
    if (writer.isHurried) leave()
    else writer.retry()
  }
  // A tab may be opened in the background.
  see()
  document.addEventListener('visibilitychange', see, { signal })
  document.addEventListener('freeze', leave, { signal })
  addEventListener('pagehide', leave, { signal })
  return () => watch.abort()
}
