import { watchPage } from '../../core/util/page.ts'
import type { Backend } from '../pipeline/backend.ts'
import { createSink, type PageState, type PipelineSink } from '../pipeline/sink.ts'
import type { WriteQueueEvents, WriteQueueOptions } from '../pipeline/write-queue.ts'
import { openIndexedDB } from './backend.ts'

/** How segments are stored. */
export interface StorageEncodingOptions {
  /**
   * Compresses segments, if the engine can (Safari from 16.4): model output takes about 20 % of its size.
   *
   * @defaultValue false
   */
  readonly gzip?: boolean
  /**
   * Encrypts segments with AES-GCM, with a key that scripts cannot export. Times, levels, sizes and run ids stay readable; docs/log.md says
   * what this protects against. Records of the last 200 ms before a page is discarded are lost, and counted. Without a key (`http:`) the log
   * is in memory.
   *
   * @defaultValue false
   */
  readonly encrypt?: boolean
}

/** Opens a log in IndexedDB; one in memory if that fails. */
export async function openSink(options: WriteQueueOptions & StorageEncodingOptions, events: WriteQueueEvents): Promise<PipelineSink> {
  const backend = await openBackend(`chaintap:${options.name}`, options).catch(openMemoryBackend)
  const sink = createSink(backend, options, events)
  return backend.isDurable ? { ...sink, watchPage: watchPageState } : sink
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

/** `visibilitychange` is the last event that is certain on phones; `freeze` and `pagehide` cover the other ways to leave. */
function watchPageState(onPageState: (state: PageState) => void): () => void {
  // A tab may be opened in the background.
  if (globalThis.document?.visibilityState === 'hidden') onPageState('hidden')
  const leave = (): void => onPageState('leaving')
  return watchPage({ hidden: () => onPageState('hidden'), visible: () => onPageState('visible'), freeze: leave, pagehide: leave })
}
