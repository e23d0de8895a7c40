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

/** Whether a plain object or an instance of a class is a transformer, unlike a map of steps. */
export function isTransformer(step: object): step is ChunkTransformer<unknown, unknown> {
  if (isTransformStream(step)) return true
  const { transform, flush, invoke } = step as { readonly [name: string]: unknown }
  if (typeof transform !== 'function' && typeof flush !== 'function') return false
  if (isPlainObject(step)) return Object.entries(step).every(([key, value]) => transformerKeys.includes(key) && typeof value === 'function')
  // LangChain's runnables have a method `transform` too, which takes something else.
  return typeof invoke !== 'function'
}

const transformerKeys = ['start', 'transform', 'flush', 'cancel']

/** Whether an object is made by a literal, in this realm or another. */
export function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function isTransformStream(step: object): step is TransformStream {
  const { readable, writable } = step as Partial<TransformStream>
  return typeof readable?.getReader === 'function' && typeof writable?.getWriter === 'function'
}

const streamReusedError = (): ChaintapError =>
  new ChaintapError(
    'stream_reused',
    'A TransformStream instance serves one run. Make one per run: transform(() => new TransformStream(…)), or pass a plain Transformer.',
  )
