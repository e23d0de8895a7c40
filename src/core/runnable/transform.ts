import { ChaintapError } from '../errors.ts'
import { pipeThroughStream } from '../flow/bridge.ts'
import { Flow } from '../flow/flow.ts'
import { defaultFold } from '../flow/fold.ts'
import { createRunnable, type OutputOf, type Runnable } from './runnable.ts'

type ChunkTransformer<I, O> = Transformer<I, O> | TransformStream<I, O>

/**
 * A transformer of chunks as a step. A plain `Transformer` becomes part of the pass over the source; a TransformStream *instance*
 * is a real pipe and serves one run only, so give a function that makes them.
 *
 * @example
 * const loud = transform<string, string>({ transform: (text, controller) => controller.enqueue(text.toUpperCase()) })
 * const fresh = transform(() => new TransformStream<string, string>())
 */
export function transform<I, O>(
  made: ChunkTransformer<I, O> | (() => ChunkTransformer<I, O>),
  { name = 'RunnableTransform' }: { name?: string } = {},
): Runnable<I, OutputOf<AsyncIterable<O>>, O> {
  let used = false
  const instance = (): ChunkTransformer<I, O> => {
    if (typeof made === 'function') return made()
    if (isTransformStream(made)) {
      if (used) throw streamReusedError()
      used = true
    }
    return made
  }
  const through = (flow: Flow): Flow<O> => {
    const step = instance()
    return isTransformStream(step) ? pipeThroughStream<O>(flow, step) : flow.through(step, defaultFold)
  }
  return createRunnable<I, OutputOf<AsyncIterable<O>>, O>({ name, open: (input) => through(Flow.of(input)), through })
}

const isTransformStream = (step: object): step is TransformStream => 'readable' in step && 'writable' in step

const streamReusedError = (): ChaintapError =>
  new ChaintapError(
    'stream_reused',
    'A TransformStream instance serves one run. Make one per run, transform(() => new TransformStream(…)), or pass a plain Transformer.',
  )
