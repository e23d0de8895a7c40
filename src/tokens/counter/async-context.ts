// Scopes that nobody passes along, where the runtime has async context: Node, Deno, Bun, workerd. Nothing else knows of them.
import { ChaintapError } from '../../core/errors.ts'
import type { Run, RunEvent } from '../../core/event.ts'
import type { CallbackMethods } from '../../core/handler/methods.ts'
import type { UsageListener, UsageRecord } from '../usage-record.ts'
import { type Counted, runWithCounter } from './count-tokens.ts'
import { TokenCounter, type TokenCounterOptions } from './counter.ts'

export type { Counted } from './count-tokens.ts'
export { TokenCounter, type TokenCounterOptions } from './counter.ts'

/** As much of Node's AsyncLocalStorage as is used. */
interface CounterStorage {
  getStore(): TokenCounter | undefined
  run<Result>(counter: TokenCounter, scope: () => Result): Result
}

type CounterStorageClass = new () => CounterStorage

/** The scopes of this program: what is ambient cannot be passed. */
const storageCache: { storage?: CounterStorage | undefined } = {}

/** Looked for when it is needed: a static import of `node:async_hooks` would break every bundle for browsers. */
function findCounterStorage(): CounterStorage | undefined {
  const { process, AsyncLocalStorage } = globalThis as {
    process?: { getBuiltinModule?(name: string): { readonly AsyncLocalStorage?: CounterStorageClass } | undefined }
    AsyncLocalStorage?: CounterStorageClass
  }
  const Found = process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage ?? AsyncLocalStorage
  if (Found) storageCache.storage ??= new Found()
  return storageCache.storage
}

/** The counters of runs, remembered from their start. */
const countersByRun = new WeakMap<Run, TokenCounter>()

/**
 * Counts in the scope of {@link countTokens} in which a call begins; where there is none, nowhere. A handler for the constructors of
 * models and chains, and a listener for `meter`.
 *
 * @example
 * const model = new ChatAnthropic({ apiKey, callbacks: [ambientCounter] })
 * const client = new OpenAI({ apiKey, fetch: meter(fetch, ambientCounter) })
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
  /** Told only of what began in no scope. */
  record(_record: UsageRecord): void {},
}

/**
 * Counts what is called in a scope, as `countTokens` of `chaintap/tokens` does, and beside it all calls in it that {@link ambientCounter}
 * hears of, passed along or not. Of scopes in one another both count.
 *
 * @throws ChaintapError `no_async_context` where the runtime has none, as in browsers, and the function takes no counter to pass along.
 *   Workers have it by the compatibility flag `nodejs_compat`, with dates from 2026-08-04 on by default; with `nodejs_als` alone set
 *   `globalThis.AsyncLocalStorage`.
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
  const around = options.parent ?? scopes?.getStore()
  const counter = new TokenCounter({ ...options, ...(around && { parent: around }) })
  return runWithCounter(() => (scopes ? scopes.run(counter, () => scope(counter)) : scope(counter)), counter)
}

const noAsyncContext = (): ChaintapError =>
  new ChaintapError(
    'no_async_context',
    'This runtime has no async context to count in (browsers have none; a Worker needs the flag nodejs_compat). ' +
      'Take the counter and pass it along: countTokens(async (counter) => chain.invoke(input, { callbacks: [counter] })).',
  )
