import { SegmentEncoder } from '../segment/encoder.ts'
import type { Backend } from './backend.ts'
import { WriteQueue, type WriteQueueEvents, type WriteQueueOptions } from './write-queue.ts'

/** `leaving`: the page may be discarded, but its visibility has not changed. */
export type PageState = 'visible' | 'hidden' | 'leaving'

/** The half of a pipeline behind its buffer: encoder → write queue → backend. Stores load it together with their backend. */
export interface PipelineSink {
  readonly encoder: SegmentEncoder
  readonly queue: WriteQueue
  /** Reports the states of the page that the log is written in; returns a function that ends that. */
  readonly watchPage?: (onPageState: (state: PageState) => void) => () => void
}

export const createSink = (backend: Backend, options: WriteQueueOptions, events: WriteQueueEvents): PipelineSink => ({
  encoder: new SegmentEncoder(),
  queue: new WriteQueue(backend, options, events),
})
