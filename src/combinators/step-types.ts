import type { ChunkOf, OutputOf, Runnable } from '../core/runnable/runnable.ts'

/** The output of a step: of a runnable, or of a function by what it returns. */
export type StepOutput<S> =
  S extends Runnable<never, infer Out, unknown> ? Out : S extends (...given: never) => infer R ? OutputOf<R> : never

/** The chunks of a step: of a runnable, or of a function by what it returns. */
export type StepChunk<S> =
  S extends Runnable<never, unknown, infer Chunk> ? Chunk : S extends (...given: never) => infer R ? ChunkOf<R> : never
