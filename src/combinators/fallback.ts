import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { firstBatch } from './first-batch.ts'

/**
 * Creates a runnable that tries other runnables, in order and with the same input, if one fails (LangChain's withFallbacks). If all fail,
 * throws the first error.
 *
 * After the first chunk there is no fallback, because the reader has already seen output. An abort never triggers the fallback; a timeout
 * of an attempt does.
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
      let failure: { readonly error: unknown } | undefined
      for (const step of [first, ...others]) {
        const result = await firstBatch(step, input, run, [])
        if ('flow' in result) return result.flow
        if (result.isUnrecoverable) throw result.error
        failure ??= result
      }
      throw failure?.error
    },
  })
}
