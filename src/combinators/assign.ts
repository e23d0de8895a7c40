import { ChaintapError } from '../core/errors.ts'
import * as merging from '../core/flow/merge.ts'
import { openParallel } from '../core/run/parallel.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { toRunnables } from '../core/runnable/sequence.ts'
import type { ParallelChunk, ParallelInput, ParallelOutput, ParallelSteps } from './parallel.ts'

/**
 * Creates a runnable that adds the outputs of steps to its input, an object (LangChain's RunnablePassthrough.assign). Its stream yields
 * the input first, then `{ key: chunk }` for the chunks of the steps as they arrive.
 *
 * @throws ChaintapError `invalid_options` from a call whose input is not an object
 * @example
 * const withLength = assign({ length: (input: { question: string }) => input.question.length })
 * await withLength.invoke({ question: 'Why?' }) // { question: 'Why?', length: 4 }
 */
export function assign<const S extends ParallelSteps>(
  steps: S,
): Runnable<ParallelInput<S>, Omit<ParallelInput<S>, keyof S> & ParallelOutput<S>, ParallelInput<S> | ParallelChunk<S>> {
  const runnables = toRunnables(steps, 'assign()')
  return createRunnable({
    name: 'RunnableAssign',
    open: (input: unknown, run) => {
      if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        throw new ChaintapError(
          'invalid_options',
          `assign() requires an object as input, but received ${Array.isArray(input) ? 'an array' : typeof input}. Put parallel() before it.`,
        )
      }
      return openParallel(runnables, input, run, merging, input as Readonly<Record<string, unknown>>)
    },
  })
}
