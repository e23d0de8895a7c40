import type { RunEvent } from '../../core/event.ts'
import { addUsage, type Usage } from '../../core/usage.ts'
import { addCost, type Cost, costOf, type Price, type PriceBook } from '../prices/prices.ts'
import { harmless } from '../report-error.ts'
import type { UsageRecord } from '../usage-record.ts'
import { absorb, type Call, callIn, callOf, hear, unite } from './call.ts'
import { Estimator, isReported, reportedOf, type Tokenizer, usageOf } from './estimate.ts'
import { Shelf } from './finished-calls.ts'
import { type Item, Tally } from './usage-totals.ts'

/** A price book may take longer than a hundred events. While an answer comes it is asked anew after so many tokens. */
const PRICED_EVERY = 16

/** The calls of a counter. What is heard of one from its run and from a meter counts once. */
export class Ledger {
  readonly #costOf: (usage: Usage, call: Call) => Price | undefined
  readonly #estimator: Estimator
  /** By the ids of their runs. */
  readonly #open = new Map<string, Call>()
  /** By the ids of their answers, which some servers, and most tests, give more than once. */
  readonly #byId = new Map<string, Call[]>()
  readonly #counted = new Shelf()
  readonly #late = new Shelf()
  #isClosed = false

  constructor(prices: PriceBook | undefined, tokenizer: Tokenizer | undefined) {
    this.#costOf = harmless(
      (usage, call) => costOf(usage, call, prices),
      'The price book of a TokenCounter failed: the cost is unknown. This is told once.',
    )
    this.#estimator = new Estimator(tokenizer)
  }

  /** From here on what ends is late. */
  close(): void {
    this.#isClosed = true
  }

  /** What ended after the close. */
  get late(): Usage | undefined {
    return this.#late.sum.usage
  }

  /** All that counts: what is over, and what is going on. */
  tally(): Tally {
    const tally = new Tally(this.#counted.sum)
    for (const call of this.#live()) tally.add(this.#item(call))
    return tally
  }

  /** Its usage alone: a whole tally is too much for every token. */
  usage(): Usage | undefined {
    return this.#live().reduce((sum, call) => addUsage(sum, this.#usageOf(call)), this.#counted.sum.usage)
  }

  /** Its cost alone. */
  cost(): Cost {
    let { cost } = this.#counted.sum
    for (const call of this.#live()) {
      const price = this.#price(call, this.#usageOf(call))
      if (price) cost = addCost(cost, price)
    }
    return cost
  }

  /** Whether an event changed what is counted. */
  hear(event: RunEvent): boolean {
    const { run, type, seq } = event
    if (run.kind !== 'chat_model' && run.kind !== 'llm') return false
    const call = this.#open.get(run.id)
    if (type === 'start' && !call) this.#open.set(run.id, callOf(event))
    // What was not heard from its start began before this counter was there. One that is reached on two ways hears each event twice.
    if (!call || seq <= call.seq) return false
    const { id } = call
    const answer = hear(call, event)
    if (call.id !== id) {
      this.#forget(call, id)
      this.#index(call)
    }
    if (!call.isOver) return call.hasBegun
    this.#open.delete(run.id)
    this.#end(call, answer)
    return call.hasBegun
  }

  /** Whether a response changed what is counted. */
  record(record: UsageRecord): boolean {
    const { responseId = '', url } = record
    // An answer that is asked for again, or resumed, has its id in the address.
    const isAgain = responseId !== '' && url.includes(responseId)
    const known = this.#byId.get(responseId)?.find((call) => isAgain || !call.isFromMeter)
    if (known) absorb(known, record)
    const call = known ?? callIn(record)
    if (!known && call.hasBegun) this.#index(call)
    if (call.isOver) this.#end(call)
    return call.hasBegun
  }

  /** Counts a call that is over, or counts it anew. `answer`: all that it said. */
  #end(call: Call, answer?: string): void {
    if (!call.hasBegun) return this.#forget(call)
    if (!isReported(call)) call.estimate ??= this.#estimator.estimate(call, answer)
    call.prompt = undefined
    const twin = this.#twinOf(call)
    if (twin) {
      unite(twin, call)
      this.#forget(call)
    }
    const one = twin ?? call
    const known = [this.#counted, this.#late].find((shelf) => shelf.has(one))
    if (!known) this.#estimator.learn(one)
    const shelf = known ?? (this.#isClosed ? this.#late : this.#counted)
    const oldest = shelf.put(one, this.#item(one))
    if (oldest) this.#forget(oldest)
  }

  /** What is going on; without what a meter has seen the end of, faster than the run. */
  #live(): readonly Call[] {
    return this.#isClosed ? [] : [...this.#open.values()].filter((call) => call.hasBegun && !this.#twinOf(call))
  }

  /** What a meter has told of the same call, where this is its run. */
  #twinOf(call: Call): Call | undefined {
    if (!call.isFromRun || call.isFromMeter || call.id === undefined) return
    return this.#byId.get(call.id)?.find((other) => !other.isFromRun)
  }

  #usageOf(call: Call): Usage {
    return usageOf(call, isReported(call) ? undefined : (call.estimate ?? this.#estimator.estimate(call)))
  }

  #item(call: Call): Item {
    const { model, tags, isComplete, isOver } = call
    const usage = this.#usageOf(call)
    return { usage, reported: reportedOf(call), model, tags, price: this.#price(call, usage), isSuccess: isComplete, isOver }
  }

  #price(call: Call, usage: Usage): Price | undefined {
    const { outputTokens: tokens = 0 } = usage
    if (!call.isOver && call.priced && tokens - call.priced.tokens < PRICED_EVERY) return call.priced.price
    const known = this.#costOf(usage, call)
    const price = Number.isFinite(known?.total) ? known : undefined
    call.priced = { tokens, price }
    return price
  }

  #index(call: Call): void {
    if (call.id === undefined) return
    const same = this.#byId.get(call.id)
    if (same) same.push(call)
    else this.#byId.set(call.id, [call])
  }

  #forget(call: Call, id: string | undefined = call.id): void {
    if (id === undefined) return
    const left = (this.#byId.get(id) ?? []).filter((other) => other !== call)
    if (left.length > 0) this.#byId.set(id, left)
    else this.#byId.delete(id)
  }
}
