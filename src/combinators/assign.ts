import { ChaintapError } from '../core/errors.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { openParallel, type ParallelChunk, type ParallelInput, type ParallelOutput, type ParallelSteps } from './parallel.ts'

/**
 * The input, an object, with the outputs of some steps added (LangChain's RunnablePassthrough.assign). Its stream yields the input
 * first, then `{ key: chunk }` as they come.
 *
 * @example
 * const withContext = assign({ context: (input: { question: string }) => lookUp(input.question) })
 */
export function assign<const S extends ParallelSteps>(
  steps: S,
): Runnable<ParallelInput<S>, Omit<ParallelInput<S>, keyof S> & ParallelOutput<S>, ParallelInput<S> | ParallelChunk<S>> {
  return createRunnable({
    name: 'RunnableAssign',
    open: (input: unknown, run) => {
      if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        throw new ChaintapError(
          'invalid_options',
          `assign() adds keys to an object, but got ${Array.isArray(input) ? 'an array' : typeof input}. Put parallel() before it.`,
        )
      }
      return openParallel(steps, input, run, input as Readonly<Record<string, unknown>>)
    },
  })
}
