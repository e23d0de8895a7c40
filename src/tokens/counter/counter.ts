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
  /** Who knows what calls cost. Without it only what a provider says itself is known. */
  readonly prices?: PriceBook
  /** Counts exactly what a provider left out of an answer that a run told of: an interrupted one, or one without usage. Default: an estimate. */
  readonly tokenizer?: Tokenizer
  /** Counts what this one counts, too: of a scope around this one. */
  readonly parent?: TokenCounter
}

/**
 * Counts the tokens of all model calls that it hears of (LangChain's OpenAICallbackHandler): of runs as a handler, of foreign clients
 * by its {@link TokenCounter.fetch | fetch}. What it hears of on both ways counts once. For a scope of its own on a client that is shared,
 * a call is tagged with a counter: `{ fetchOptions: tagged(counter) }`.
 *
 * - While an answer streams an estimate is counted; the provider's figures take its place. What stays an estimate is marked.
 * - Unknown is not 0: see each figure. Where nothing was called, all are 0.
 * - A call counts from when its answer begins; one that was refused does not.
 * - After `close()`, or at the end of a `using` block, what still ends is `late`.
 *
 * @example
 * const counter = new TokenCounter()
 * await chain.invoke({ animal: 'bears' }, { callbacks: [counter] })
 * console.log(counter.totalTokens, counter.usage?.source)
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: a class cannot declare a member that only some libs know
export class TokenCounter implements CallbackMethods, UsageListener, TokenSnapshot {
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

  /** `globalThis.fetch`, metered: `new OpenAI({ fetch: counter.fetch })`. For another fetch: `meter(fetch, counter)`. */
  readonly fetch: MeteredFetch = async (...request) => (await this.#loadMeter())(...request)

  /** Calls a listener, soon after the counter has changed, once for what a wire chunk brings; returns what ends that. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** All figures; the same object until one changes: `useSyncExternalStore(counter.subscribe, counter.snapshot)`. */
  readonly snapshot = (): TokenSnapshot => {
    this.#snapshot ??= createTokenSnapshot(this.#ledger)
    return this.#snapshot
  }

  onEvent(event: RunEvent): void {
    if (this.#ledger.applyEvent(event)) this.#markChanged()
    this.#parent?.onEvent(event)
  }

  /** Takes in what a meter saw of a response. */
  record(record: UsageRecord): void {
    if (this.#seenRecords.has(record)) return
    this.#seenRecords.add(record)
    if (this.#ledger.applyRecord(record)) this.#markChanged()
    this.#parent?.record(record)
  }

  /** Ends the scope: what ends from now on is `late`. */
  close(): void {
    this.#ledger.close()
    this.#markChanged()
  }

  get usage(): Usage | undefined {
    return this.#ledger.usage()
  }

  get reported(): Usage | undefined {
    return this.snapshot().reported
  }

  get byModel(): ReadonlyMap<string, Usage> {
    return this.snapshot().byModel
  }

  get byTag(): ReadonlyMap<string, Usage> {
    return this.snapshot().byTag
  }

  get late(): Usage | undefined {
    return this.snapshot().late
  }

  get cost(): Cost {
    return this.#ledger.cost()
  }

  get totalTokens(): number | undefined {
    return this.snapshot().totalTokens
  }

  get promptTokens(): number | undefined {
    return this.snapshot().promptTokens
  }

  get completionTokens(): number | undefined {
    return this.snapshot().completionTokens
  }

  get successfulRequests(): number {
    return this.snapshot().successfulRequests
  }

  get totalCost(): number | undefined {
    return this.snapshot().totalCost
  }

  /** The meter is loaded when it is first used. Where it cannot be, the call goes on without it, as a run does without a failing handler. */
  async #loadMeter(): Promise<MeteredFetch> {
    try {
      const { meter } = await import('../meter/index.ts')
      this.#meteredFetch ??= meter(globalFetch, this)
      return this.#meteredFetch
    } catch (error) {
      reportCallbackError('The meter could not be loaded: calls by `counter.fetch` go on, and are not counted.', error)
      return globalFetch
    }
  }

  #markChanged(): void {
    this.#snapshot = undefined
    if (this.#isNotifyQueued || this.#listeners.size === 0) return
    this.#isNotifyQueued = true
    queueMicrotask(() => {
      this.#isNotifyQueued = false
      // A copy: one that leaves and comes back while it is told would be told for ever.
      const listeners = [...this.#listeners]
      for (const listener of listeners) if (this.#listeners.has(listener)) notifySubscriber(listener)
    })
  }
}

// Looked up at each call: it may be replaced later. As a plain function: engines refuse a fetch whose `this` is another object.
const globalFetch: MeteredFetch = (...request) => globalThis.fetch(...request)

/** One listener's failure is not the others'. */
function notifySubscriber(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    reportCallbackError('A subscriber of a TokenCounter failed. It goes on being told, and so do the others.', error)
  }
}

/** `using counter = new TokenCounter()` closes the counter at the end of the block. */
export interface TokenCounter extends DisposableIfKnown {}

const dispose: symbol = Symbol.dispose ?? Symbol.for('Symbol.dispose')
