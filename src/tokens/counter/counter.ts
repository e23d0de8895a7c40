import type { RunEvent } from '../../core/event.ts'
import type { CallbackMethods } from '../../core/handler/methods.ts'
import type { Usage } from '../../core/usage.ts'
import type { DisposableIfKnown } from '../../core/util/dispose.ts'
import { reportCallbackError } from '../guard-callback.ts'
import type { MeteredFetch } from '../meter/index.ts'
import type { Cost, PriceBook } from '../prices/prices.ts'
import type { UsageListener, UsageRecord } from '../usage-record.ts'
import type { Tokenizer } from './estimate.ts'
import { CallLedger } from './ledger.ts'
import { createTokenSnapshot, type TokenSnapshot } from './snapshot.ts'

/** Options of {@link TokenCounter}. */
export interface TokenCounterOptions {
  /** Computes the cost of calls. Without it, only costs that a provider reports are known. */
  readonly prices?: PriceBook
  /**
   * Counts the tokens of a run's answer whose usage the provider did not report: an interrupted answer, or one without usage.
   *
   * @defaultValue an estimate from the characters
   */
  readonly tokenizer?: Tokenizer
  /** A counter, e.g. of an enclosing scope, that also counts everything that this one counts. */
  readonly parent?: TokenCounter
}

/**
 * Counts the tokens of model calls (LangChain's OpenAICallbackHandler): of runs, as a handler; of other clients, by its
 * {@link TokenCounter.fetch | fetch}. A call that is reported both ways counts once. To count single calls of a shared client, tag them
 * with a counter: `{ fetchOptions: tagged(counter) }`.
 *
 * - While an answer streams, the counter shows an estimate; the provider's figures replace it. Remaining estimates are marked by `source`.
 * - Unknown figures are undefined, never 0. Before the first call, all numbers are 0.
 * - A call counts from the moment at which its answer begins. Refused calls do not count.
 * - Calls that end after `close()`, or after the end of a `using` block, are counted in `late` only.
 *
 * @example
 * const counter = new TokenCounter()
 * await chain.invoke('bears', { callbacks: [counter] })
 * console.log(counter.totalTokens, counter.usage?.source)
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class cannot declare a member that only some `lib`s have
export class TokenCounter implements CallbackMethods, UsageListener, TokenSnapshot {
  /** The handler's name in error reports. */
  readonly name = 'TokenCounter'
  readonly #ledger: CallLedger
  readonly #parent: TokenCounter | undefined
  readonly #seenRecords = new WeakSet<UsageRecord>()
  readonly #listeners = new Set<() => void>()
  #snapshot: TokenSnapshot | undefined
  #isNotifyQueued = false
  #meteredFetch: MeteredFetch | undefined

  constructor({ prices, tokenizer, parent }: TokenCounterOptions = {}) {
    this.#ledger = new CallLedger(prices, tokenizer)
    this.#parent = parent
    Object.defineProperty(this, dispose, { value: () => this.close() })
  }

  /** `globalThis.fetch` with a meter: `new OpenAI({ fetch: counter.fetch })`. For another `fetch` use `meter(fetch, counter)`. */
  readonly fetch: MeteredFetch = async (...request) => (await this.#loadMeter())(...request)

  /**
   * Calls a listener after the counter has changed: in a microtask, once for each wire chunk.
   *
   * @returns A function that removes the listener.
   */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Returns all figures, as the same object until one changes. For React: `useSyncExternalStore(counter.subscribe, counter.snapshot)`. */
  readonly snapshot = (): TokenSnapshot => {
    this.#snapshot ??= createTokenSnapshot(this.#ledger)
    return this.#snapshot
  }

  /** Counts an event of a run. */
  onEvent(event: RunEvent): void {
    if (this.#ledger.applyEvent(event)) this.#markChanged()
    this.#parent?.onEvent(event)
  }

  /** Counts a record of a meter. The same record object counts once. */
  record(record: UsageRecord): void {
    if (this.#seenRecords.has(record)) return
    this.#seenRecords.add(record)
    if (this.#ledger.applyRecord(record)) this.#markChanged()
    this.#parent?.record(record)
  }

  /** Closes the counter: calls that end from now on are counted in `late` only. */
  close(): void {
    this.#ledger.close()
    this.#markChanged()
  }

  /** The usage of all calls, including estimates; undefined before the first call. Its `source` is the weakest of the calls. */
  get usage(): Usage | undefined {
    return this.#ledger.usage()
  }

  /** The usage that providers reported, without estimates. */
  get reported(): Usage | undefined {
    return this.snapshot().reported
  }

  /** The same as `usage`, by the model's name in the answer; `unknown` if the answer has none. */
  get byModel(): ReadonlyMap<string, Usage> {
    return this.snapshot().byModel
  }

  /** The same as `usage`, by tag: the tags of runs, and the string tags of other clients' calls. */
  get byTag(): ReadonlyMap<string, Usage> {
    return this.snapshot().byTag
  }

  /** The usage of calls that ended after `close()`. No other figure includes it. */
  get late(): Usage | undefined {
    return this.snapshot().late
  }

  /** The cost of all calls, by source. */
  get cost(): Cost {
    return this.#ledger.cost()
  }

  /** All tokens; undefined if a call lacks the figure. LangChain's `total_tokens`. */
  get totalTokens(): number | undefined {
    return this.snapshot().totalTokens
  }

  /** Input tokens; undefined if a call lacks the figure. LangChain's `prompt_tokens`. */
  get promptTokens(): number | undefined {
    return this.snapshot().promptTokens
  }

  /** Output tokens; undefined if a call lacks the figure. LangChain's `completion_tokens`. */
  get completionTokens(): number | undefined {
    return this.snapshot().completionTokens
  }

  /** The number of calls that were answered completely. LangChain's `successful_requests`. */
  get successfulRequests(): number {
    return this.snapshot().successfulRequests
  }

  /** The cost of all calls; undefined if the cost of a call is unknown, or if there are several currencies. LangChain's `total_cost`. */
  get totalCost(): number | undefined {
    return this.snapshot().totalCost
  }

  /** Loads the meter at the first use. If loading fails, calls go on without a meter, as a run continues without a failing handler. */
  async #loadMeter(): Promise<MeteredFetch> {
    try {
      const { meter } = await import('../meter/index.ts')
      this.#meteredFetch ??= meter(globalFetch, this)
      return this.#meteredFetch
    } catch (error) {
      reportCallbackError('TokenCounter: the meter could not be loaded. Calls by `counter.fetch` are sent but not counted.', error)
      return globalFetch
    }
  }

  #markChanged(): void {
    this.#snapshot = undefined
    if (this.#isNotifyQueued || this.#listeners.size === 0) return
    this.#isNotifyQueued = true
    queueMicrotask(() => {
      this.#isNotifyQueued = false
      // A copy: a listener that removes and adds itself during its call would otherwise be called endlessly.
      const listeners = [...this.#listeners]
      for (const listener of listeners) if (this.#listeners.has(listener)) notifySubscriber(listener)
    })
  }
}

// Looked up at each call, because it may be replaced later. Called as a plain function: engines reject a fetch whose `this` is another
// object.
const globalFetch: MeteredFetch = (...request) => globalThis.fetch(...request)

/** Calls a listener. Its exception is reported and does not affect other listeners. */
function notifySubscriber(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    reportCallbackError('A subscriber of a TokenCounter threw an error. It stays subscribed.', error)
  }
}

/** `using counter = new TokenCounter()` closes the counter at the end of the block. */
export interface TokenCounter extends DisposableIfKnown {}

const dispose: symbol = Symbol.dispose ?? Symbol.for('Symbol.dispose')
