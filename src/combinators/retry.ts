import { ChaintapError } from '../core/errors.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { backoffMs, sleep } from '../core/util/backoff.ts'
import { firstBatch } from './first-batch.ts'

/** How {@link retry} tries again. */
export interface RetryOptions {
  /** How often it is tried in all, from 1. Default 3. */
  readonly attempts?: number
  /** Ms to wait before the next attempt, or what gives them for the attempt (from 1) that failed. Default: growing pauses, from a quarter of a second to eight. */
  readonly delay?: number | ((attempt: number, error: unknown) => number)
  /** Whether to try again after this error. Default: always. */
  readonly when?: (error: unknown, attempt: number) => boolean | Promise<boolean>
}

/**
 * Tries a runnable again where it fails (LangChain's withRetry): each attempt is a run below it, with the tag `retry:attempt:2` from
 * the second on, and each failed one that is followed by another is told as a `retry` event.
 *
 * Acts until the first chunk has come; what fails after that has been seen, and fails. An abort is no failure; an inner timeout is.
 *
 * @throws ChaintapError `invalid_options` for attempts below 1.
 *
 * @example
 * const steady = retry(model, { attempts: 3, when: (error) => error instanceof ModelError && error.status === 529 })
 */
export function retry<In, Out, Chunk>(
  step: Runnable<In, Out, Chunk>,
  { attempts = 3, delay = backoffMs, when = () => true }: RetryOptions = {},
): Runnable<In, Out, Chunk> {
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new ChaintapError('invalid_options', `retry() takes attempts of 1, 2, 3 …, but got ${attempts}.`)
  return createRunnable<In, Out, Chunk>({
    name: 'RunnableRetry',
    async open(input, run) {
      for (let attempt = 1; ; attempt++) {
        const begun = await firstBatch(step, input, run, attempt === 1 ? [] : [`retry:attempt:${attempt}`])
        if ('flow' in begun) return begun.flow
        const { error, isOver } = begun
        if (isOver || attempt >= attempts || !(await when(error, attempt))) throw error
        await run.emit({ type: 'retry', attempt, error })
        await sleep(typeof delay === 'number' ? delay : delay(attempt, error), run.signal)
      }
    },
  })
}
