import { ChaintapError } from '../../core/errors.ts'
import { TokenCounter, type TokenCounterOptions } from './counter.ts'

/** The result of `countTokens`. */
export interface Counted<Result> {
  /** What the function returned or resolved with. */
  readonly result: Result
  /** The counter of the scope, closed: calls that end after the scope are counted in `late`. */
  readonly counter: TokenCounter
}

/**
 * Counts the calls in a scope (LangChain's `get_openai_callback`), in every engine. The function passes the counter on: to runs as a
 * handler
 * (`callbacks: [counter]`), to other clients as `counter.fetch` or `tagged(counter)`. Concurrent scopes do not mix. Nested scopes both
 * count
 * if the inner one gets the outer counter as `parent`. Read streams to their end inside the function.
 *
 * @param scope - The function whose calls are counted. It must have a parameter, the counter.
 * @returns The function's result and its counter, which is closed when the function returns or throws.
 * @throws ChaintapError `invalid_options` if the function has no parameter, because it could count nothing. `countTokens` of
 *   `chaintap/async-context` needs none.
 *
 * @example
 * const { result, counter } = await countTokens((counter) => chain.invoke('bears', { callbacks: [counter] }))
 * console.log(result, counter.totalTokens, counter.totalCost)
 */
export async function countTokens<Result>(
  scope: (counter: TokenCounter) => Result | PromiseLike<Result>,
  options?: TokenCounterOptions,
): Promise<Counted<Result>> {
  if (scope.length > 0) return runWithCounter(scope, new TokenCounter(options))
  throw new ChaintapError(
    'invalid_options',
    'countTokens: the function has no parameter, so it could count nothing. Write countTokens(async (counter) => …) and pass ' +
      '{ callbacks: [counter] }, or use chaintap/async-context.',
  )
}

/** Runs a scope and closes its counter, whether the scope returns or throws. */
export async function runWithCounter<Result>(
  scope: (counter: TokenCounter) => Result | PromiseLike<Result>,
  counter: TokenCounter,
): Promise<Counted<Result>> {
  try {
    return { result: await scope(counter), counter }
  } finally {
    counter.close()
  }
}
