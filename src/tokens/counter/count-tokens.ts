import { ChaintapError } from '../../core/errors.ts'
import { TokenCounter, type TokenCounterOptions } from './counter.ts'

/** What was done in a scope, and what it used. */
export interface Counted<Result> {
  readonly result: Result
  /** Closed: what ends after the scope is `late`. */
  readonly counter: TokenCounter
}

/**
 * Counts what is called in a scope (LangChain's `get_openai_callback`), in every engine: the counter is passed along, as a handler of
 * runs (`callbacks: [counter]`), or to foreign clients (`counter.fetch`, `tagged(counter)`). Scopes side by side do not mix; of scopes
 * in one another both count, where the inner one is given the outer one as `parent`. Read streams to their end inside.
 *
 * @throws ChaintapError `invalid_options` where the function takes no counter: it could count nothing. Without passing it along:
 *   `chaintap/async-context`.
 *
 * @example
 * const { result, counter } = await countTokens((counter) => chain.invoke({ animal: 'bears' }, { callbacks: [counter] }))
 * console.log(result, counter.totalTokens, counter.totalCost)
 */
export async function countTokens<Result>(
  scope: (counter: TokenCounter) => Result | PromiseLike<Result>,
  options?: TokenCounterOptions,
): Promise<Counted<Result>> {
  if (scope.length > 0) return runWithCounter(scope, new TokenCounter(options))
  const how = 'Write countTokens(async (counter) => …) and pass it along, as { callbacks: [counter] }; or use chaintap/async-context.'
  throw new ChaintapError('invalid_options', `countTokens was given a function that takes no counter, and would count nothing. ${how}`)
}

/** Runs a scope, and closes it however it ends. */
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
