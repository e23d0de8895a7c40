import type { Flow } from '../core/flow/flow.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
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
): Runnable<In, Out, Chunk> {
  return createRunnable<In, Out, Chunk>({
    name: 'RunnableWithFallbacks',
    async open(input, run) {
      let firstFailed: Flow<Chunk> | undefined
      for (const step of [first, ...others]) {
        const { flow, failure } = await attemptChild(step, input, run, [])
        if (!failure || failure.isUnrecoverable) return flow
        firstFailed ??= flow
      }
      return firstFailed as Flow<Chunk>
    },
  })
}
