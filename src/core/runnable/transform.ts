import { ChaintapError } from '../errors.ts'
import { pipeThroughStream } from '../flow/bridge.ts'
import { Flow } from '../flow/flow.ts'
import { defaultFold } from '../flow/fold.ts'
import type { OutputOf } from './lambda.ts'
import { createRunnable, type Runnable } from './runnable.ts'

/** A transformer of the chunks of a stream: an object as `new TransformStream()` takes it, or a TransformStream, which serves one run. */
export type ChunkTransformer<I, O> = Transformer<I, O> | TransformStream<I, O>

/**
 * Makes a runnable of a transformer of chunks.
 *
 * - A `Transformer` object becomes a stage of the pass over the source. It is shared by all runs: keep no state in it, or pass a function.
 * - A `TransformStream` is a real pipe, with the queues and promises of streams. An instance serves one run: pass a function that makes one.
 *
 * @param transformer The transformer, the stream, or a function that is called for each run and returns one.
 * @param options `name`: the name of its runs.
 * @throws ChaintapError `stream_reused`, in a run, for the second run of a `TransformStream` instance
 *
 * @example
 * const loud = transform<string, string>({ transform: (text, controller) => controller.enqueue(text.toUpperCase()) })
 * const fresh = transform(() => new TransformStream<string, string>())
 */
export function transform<I, O>(
  transformer: ChunkTransformer<I, O> | (() => ChunkTransformer<I, O>),
  { name = 'RunnableTransform' }: { name?: string } = {},
): Runnable<I, OutputOf<AsyncIterable<O>>, O> {
  let isUsed = false
  const takeInstance = (): ChunkTransformer<I, O> => {
    if (typeof transformer === 'function') return transformer()
    if (isTransformStream(transformer)) {
      if (isUsed) throw streamReusedError()
      isUsed = true
    }
    return transformer
  }
  const through = (flow: Flow): Flow<O> => {
    const instance = takeInstance()
    return isTransformStream(instance) ? pipeThroughStream<O>(flow, instance) : flow.through(instance, defaultFold)
  }
  return createRunnable<I, OutputOf<AsyncIterable<O>>, O>({ name, open: (input) => through(Flow.of(input)), through })
}

const isTransformStream = (step: object): step is TransformStream => 'readable' in step && 'writable' in step

const streamReusedError = (): ChaintapError =>
  new ChaintapError(
    'stream_reused',
    'A TransformStream instance serves one run. Make one per run: transform(() => new TransformStream(…)), or pass a plain Transformer.',
  )
