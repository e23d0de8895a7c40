import type { ChunkOf, OutputOf } from '../core/runnable/lambda.ts'
import type { Runnable } from '../core/runnable/runnable.ts'

/** The output type of a step: a runnable, or a function that returns a value, a stream or a runnable. */
export type StepOutput<S> =
  S extends Runnable<never, infer Out, unknown> ? Out : S extends (...given: never) => infer R ? OutputOf<R> : never

/** The chunk type of a step: a runnable, or a function that returns a value, a stream or a runnable. */
export type StepChunk<S> =
  S extends Runnable<never, unknown, infer Chunk> ? Chunk : S extends (...given: never) => infer R ? ChunkOf<R> : never
