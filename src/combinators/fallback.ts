import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { firstBatch } from './first-batch.ts'

/**
 * Tries others where a runnable fails (LangChain's withFallbacks), in their order and with the same input. Where all fail, the first
 * one's error is thrown.
 *
 * Acts until the first chunk has come; what fails after that has been seen, and fails. An abort is no failure; an inner timeout is.
 *
 * @example
 * const safe = fallback(new ChatAnthropic({ apiKey }), new ChatOpenAI({ apiKey: other }))
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
        const begun = await firstBatch(step, input, run, [])
        if ('flow' in begun) return begun.flow
        if (begun.isOver) throw begun.error
        failure ??= begun
      }
      throw failure?.error
    },
  })
}
