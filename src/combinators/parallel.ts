import * as merge from '../core/flow/merge.ts'
import * as sharedInput from '../core/flow/shared-input.ts'
import type { Merging } from '../core/run/parallel.ts'
import type { NextStep, StepChunk, StepInput, StepMap, StepOutput } from '../core/runnable/lambda.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { mapOf } from '../core/runnable/sequence.ts'

/** What `parallel` and `assign` load at once, and a map in a chain on demand. */
export const merging: Merging = { ...merge, ...sharedInput }

/** A step of {@link parallel}. */
export type ParallelStep = NextStep<never>
/** The steps of {@link parallel} by the key of their output. */
export type ParallelSteps = StepMap<never>

/** The input that all steps accept: the intersection of their inputs, each of which may be a union, such as a prompt's. */
export type ParallelInput<S extends ParallelSteps> = StepInput<S>
/** The outputs of the steps by key. */
export type ParallelOutput<S extends ParallelSteps> = StepOutput<S>
/** A chunk of one step: an object with the step's key. */
export type ParallelChunk<S extends ParallelSteps> = StepChunk<S>

/**
 * Creates a runnable that runs several steps concurrently on the same input (LangChain's RunnableParallel or RunnableMap). The output is
 * an object with a key per step. Its stream yields `{ key: chunk }` for the chunks of the steps as they arrive. The option
 * `maxConcurrency` limits the steps that run at once. After a step that streams, steps that work on chunks, such as parsers and
 * `passthrough`, receive them as they come, in step with the slowest.
 *
 * @example
 * const both = parallel({ joke: prompt.pipe(model), length: ({ animal }: { animal: string }) => animal.length })
 * const { joke, length } = await both.invoke({ animal: 'bears' })
 */
export function parallel<const S extends ParallelSteps>(steps: S): Runnable<ParallelInput<S>, ParallelOutput<S>, ParallelChunk<S>> {
  return mapOf(steps, 'parallel()', merging) as never
}
