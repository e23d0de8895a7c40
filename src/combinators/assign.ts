import { ChaintapError } from '../core/errors.ts'
import { Flow } from '../core/flow/flow.ts'
import { continueParallel, openParallel } from '../core/run/parallel.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { readOutput } from '../core/run/start.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { toRunnables } from '../core/runnable/sequence.ts'
import { isRecord } from '../core/util/is-record.ts'
import { merging, type ParallelChunk, type ParallelInput, type ParallelOutput, type ParallelSteps } from './parallel.ts'

/**
 * Creates a runnable that adds the outputs of steps to its input, an object (LangChain's RunnablePassthrough.assign). Its stream yields
 * the input as it arrives, without keys that steps replace, and `{ key: chunk }` for the chunks of the steps as they arrive.
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
  const inputPart = (value: unknown): object => withoutKeys(requireObject(value), runnables)
  const open = (input: unknown, run: RunHandle): Flow<never> =>
    openParallel(runnables, input, run, merging, Flow.of<unknown>(inputPart(input)))
  return createRunnable({
    name: 'RunnableAssign',
    prefersValue: true,
    open,
    async through(flow: Flow, run) {
      if (!flow.fold().keepsKeys) return open(await readOutput(flow), run)
      return continueParallel(runnables, flow, run, merging, (input) =>
        input.through({ transform: (chunk, controller) => controller.enqueue(inputPart(chunk)) }),
      )
    },
  })
}

function requireObject(value: unknown): object {
  if (isRecord(value)) return value
  throw new ChaintapError(
    'invalid_options',
    `assign() requires an object as input, but received ${Array.isArray(value) ? 'an array' : typeof value}. Put parallel() before it.`,
  )
}

/** Values that a step replaces are left out, so that the chunks of a key are all of one kind. */
function withoutKeys(value: object, steps: object): object {
  if (!Object.keys(value).some((key) => Object.hasOwn(steps, key))) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !Object.hasOwn(steps, key)))
}
