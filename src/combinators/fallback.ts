import type { Flow } from '../core/flow/flow.ts'
import type { AnyStep, NextStep, StepChunk, StepInput, StepOutput } from '../core/runnable/lambda.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { toRunnable } from '../core/runnable/sequence.ts'
import { attemptChild } from './attempt.ts'

/**
 * Creates a runnable that tries other runnables, in order and with the same input, if one fails (LangChain's withFallbacks). If all fail,
 * throws the first error.
 *
 * After the first content (text, reasoning, a tool call, a chunk of output) there is no fallback, because the reader has already seen
 * output. Facts about a response and empty pieces are held back until then. In `invoke` and `batch`, and before a step that takes the whole
 * output, nothing is seen before the end: any failure triggers the fallback. An abort never does; a timeout of an attempt does.
 *
 * @example
 * const safe = fallback(new ChatAnthropic({ apiKey }), new ChatAnthropic({ apiKey, model: 'claude-haiku-4-5' }))
 */
export function fallback<In, Out, Chunk>(
  first: Runnable<In, Out, Chunk>,
  ...others: readonly Runnable<In, Out, Chunk>[]
): Runnable<In, Out, Chunk>
export function fallback<const S extends AnyStep, const O extends readonly NextStep<StepInput<S>>[]>(
  first: S,
  ...others: O
): Runnable<StepInput<S>, StepOutput<S> | StepOutput<O[number], StepInput<S>>, StepChunk<S> | StepChunk<O[number], StepInput<S>>>
export function fallback(...given: readonly AnyStep[]): Runnable<never, unknown, unknown> {
  const steps = given.map((step, index) => toRunnable(step, `fallback(), step ${index + 1}`))
  return createRunnable<never, unknown, unknown>({
    name: 'RunnableWithFallbacks',
    async open(input, run) {
      let firstFailed: Flow | undefined
      for (const step of steps) {
        const { flow, failure } = await attemptChild(step, input, run, [])
        if (!failure || failure.isUnrecoverable) return flow
        firstFailed ??= flow
      }
      return firstFailed as Flow
    },
  })
}
