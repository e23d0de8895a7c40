// Counting scopes that are not passed explicitly, in runtimes with async context: Node, Deno, Bun, workerd. Only this file uses async
// context.
import { ChaintapError } from '../../core/errors.ts'
import type { Run, RunEvent } from '../../core/event.ts'
import type { CallbackMethods } from '../../core/handler/methods.ts'
import type { UsageListener, UsageRecord } from '../usage-record.ts'
import { type Counted, runWithCounter } from './count-tokens.ts'
import { TokenCounter, type TokenCounterOptions } from './counter.ts'

export type { Counted } from './count-tokens.ts'
export { TokenCounter, type TokenCounterOptions } from './counter.ts'

/** The part of Node's AsyncLocalStorage that is used. */
interface CounterStorage {
  getStore(): TokenCounter | undefined
  run<Result>(counter: TokenCounter, scope: () => Result): Result
}

type CounterStorageClass = new () => CounterStorage

/** The storage of all scopes of the program. Module state, because an ambient scope cannot be passed. */
const storageCache: { storage?: CounterStorage | undefined } = {}

/** Looked up at run time: a static import of `node:async_hooks` would break every bundle for browsers. */
function findCounterStorage(): CounterStorage | undefined {
  const { process, AsyncLocalStorage } = globalThis as {
    process?: { getBuiltinModule?(name: string): { readonly AsyncLocalStorage?: CounterStorageClass } | undefined }
    AsyncLocalStorage?: CounterStorageClass
  }
  const Found = process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage ?? AsyncLocalStorage
  if (Found) storageCache.storage ??= new Found()
  return storageCache.storage
}

/** The counter of each run, from the scope in which the run started. */
const countersByRun = new WeakMap<Run, TokenCounter>()

/**
 * Counts each call in the scope of {@link countTokens} in which it begins. Outside of a scope it does nothing. Pass it as a handler to the
 * constructors of models and chains, and as a listener to `meter`.
 *
 * @example
 * const claude = new ChatAnthropic({ apiKey, callbacks: [ambientCounter] })
 * // For another client: new OpenAI({ apiKey, fetch: metered })
 * const metered = meter(fetch, ambientCounter)
 */
export const ambientCounter: CallbackMethods & UsageListener = {
  name: 'ambientCounter',
  onEvent(event: RunEvent): void {
    const { run, type } = event
    const counter = type === 'start' ? findCounterStorage()?.getStore() : countersByRun.get(run)
    if (!counter) return
    if (type === 'start') countersByRun.set(run, counter)
    counter.onEvent(event)
  },
  begin: () => findCounterStorage()?.getStore(),
  /** Does nothing: without a scope, `begin` returns no listener. */
  record(_record: UsageRecord): void {},
}

/**
 * Counts the calls in a scope, like `countTokens` of `chaintap/tokens`, and also all calls in it that {@link ambientCounter} receives,
 * without passing the counter. Nested scopes both count.
 *
 * @param scope - The function whose calls are counted.
 * @returns The function's result and its closed counter.
 * @throws ChaintapError `no_async_context` if the runtime has no async context, as browsers, and the function takes no counter parameter.
 *   Workers have it with the compatibility flag `nodejs_compat`, which is the default for dates from 2026-08-04 on. With `nodejs_als`
 * alone,
 *   set `globalThis.AsyncLocalStorage`.
 *
 * @example
 * const { result, counter } = await countTokens(() => model.invoke('Why is the sky blue?'))
 */
export async function countTokens<Result>(
  scope: (counter: TokenCounter) => Result | PromiseLike<Result>,
  options: TokenCounterOptions = {},
): Promise<Counted<Result>> {
  const scopes = findCounterStorage()
  if (!scopes && scope.length === 0) throw noAsyncContext()
  const parent = options.parent ?? scopes?.getStore()
  const counter = new TokenCounter({ ...options, ...(parent && { parent }) })
  return runWithCounter(() => (scopes ? scopes.run(counter, () => scope(counter)) : scope(counter)), counter)
}

const noAsyncContext = (): ChaintapError =>
  new ChaintapError(
    'no_async_context',
    'countTokens: this runtime has no async context (browsers have none; a Worker requires the flag nodejs_compat). ' +
      'Pass the counter explicitly: countTokens(async (counter) => chain.invoke(input, { callbacks: [counter] })).',
  )
