import { ChaintapError, type ModelError } from '../core/errors.ts'
import type { AnyStep, StepChunk, StepInput, StepOutput } from '../core/runnable/lambda.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { toRunnable } from '../core/runnable/sequence.ts'
import { backoffMs, sleep } from '../core/util/backoff.ts'
import { attemptChild } from './attempt.ts'

/** Options of {@link retry}. */
export interface RetryOptions {
  /**
   * The maximum number of attempts, including the first one; at least 1.
   *
   * @defaultValue 3
   */
  readonly attempts?: number
  /**
   * The pause before the next attempt, in ms, or a function that returns it; `attempt` is the failed one, from 1. Default: a random 50 to
   * 100 % of 500 ms, doubled for each further retry up to 8,000 ms.
   */
  readonly delay?: number | ((attempt: number, error: unknown) => number)
  /**
   * Whether to retry after this error; `attempt` is the failed one, from 1. Default: after every error, unless a provider says that a retry
   * does not help ({@link ModelError.isRetryable} is false).
   */
  readonly when?: (error: unknown, attempt: number) => boolean | Promise<boolean>
}

/**
 * Creates a runnable that retries a step that fails (LangChain's withRetry) and rethrows the last error. Each attempt is a child run, from
 * the second on with the tag `retry:attempt:2`, …; each failed attempt before another one emits a `retry` event.
 *
 * After the first content (text, reasoning, a tool call, a chunk of output) there is no retry, because the reader has already seen output.
 * Facts about a response and empty pieces are held back until then. In `invoke` and `batch`, and before a step that takes the whole output,
 * nothing is seen before the end: any failure is retried. An abort is never retried; a timeout of an attempt is.
 *
 * @throws ChaintapError `invalid_options` if `attempts` is not an integer of at least 1, or `step` is not a step
 * @example
 * const steady = retry(model, { attempts: 3, when: (error) => error instanceof ModelError && error.status === 529 })
 */
export function retry<In, Out, Chunk>(step: Runnable<In, Out, Chunk>, options?: RetryOptions): Runnable<In, Out, Chunk>
export function retry<const S extends AnyStep>(step: S, options?: RetryOptions): Runnable<StepInput<S>, StepOutput<S>, StepChunk<S>>
export function retry(
  given: AnyStep,
  { attempts = 3, delay = backoffMs, when = isRetryable }: RetryOptions = {},
): Runnable<never, unknown, unknown> {
  const step = toRunnable(given, 'retry()')
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new ChaintapError('invalid_options', `retry(): attempts must be an integer of at least 1, but is ${attempts}.`)
  return createRunnable<never, unknown, unknown>({
    name: 'RunnableRetry',
    async open(input, run) {
      for (let attempt = 1; ; attempt++) {
        const { flow, failure } = await attemptChild(step, input, run, attempt === 1 ? [] : [`retry:attempt:${attempt}`])
        if (!failure || failure.isUnrecoverable || attempt >= attempts) return flow
        const { error } = failure
        if (!(await when(error, attempt))) return flow
        await run.emit({ type: 'retry', attempt, error })
        await sleep(typeof delay === 'number' ? delay : delay(attempt, error), run.signal)
      }
    },
  })
}

const isRetryable = (error: unknown): boolean => (Object(error) as Partial<ModelError>).isRetryable !== false
