import { ChaintapError } from '../core/errors.ts'
import { type Runnable, runnable } from '../core/runnable/runnable.ts'
import { type ChunksOf, type InputOf, merged, type OutputsOf, type Steps } from './parallel.ts'

/**
 * The input, an object, with the outputs of some steps added (LangChain's RunnablePassthrough.assign). Its stream yields the input
 * first, then `{ key: chunk }` as they come.
 *
 * @example
 * const withContext = assign({ context: (input: { question: string }) => lookUp(input.question) })
 */
export function assign<const S extends Steps>(
  steps: S,
): Runnable<InputOf<S>, Omit<InputOf<S>, keyof S> & OutputsOf<S>, InputOf<S> | ChunksOf<S>> {
  return runnable({
    name: 'RunnableAssign',
    open: (input: unknown, run) => {
      if (typeof input !== 'object' || input === null || Array.isArray(input)) {
        throw new ChaintapError(
          'invalid_options',
          `assign() adds keys to an object, but got ${Array.isArray(input) ? 'an array' : typeof input}. Put parallel() before it.`,
        )
      }
      return merged(steps, input, run, input as Readonly<Record<string, unknown>>)
    },
  })
}
