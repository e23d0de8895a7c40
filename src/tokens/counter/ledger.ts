import type { RunEvent } from '../../core/event.ts'
import { addUsage, type Usage } from '../../core/usage.ts'
import { guardCallback } from '../guard-callback.ts'
import { addCost, type Cost, costOf, type Price, type PriceBook } from '../prices/prices.ts'
import type { UsageRecord } from '../usage-record.ts'
import { applyEvent, applyMeterRecord, callFromRecord, callFromStart, mergeCalls } from './call.ts'
import { effectiveUsage, isFullyReported, reportedUsage, TokenEstimator, type Tokenizer } from './estimate.ts'
import { FinishedCalls } from './finished-calls.ts'
import type { TrackedCall } from './tracked-call.ts'
import { type CallTotals, UsageTotals } from './usage-totals.ts'

/** A price book may take longer than a hundred events. While an answer comes it is asked anew after so many tokens. */
const REPRICE_INTERVAL_TOKENS = 16

/** The calls of a counter. What is heard of one from its run and from a meter counts once. */
export class CallLedger {
  readonly #costOf: (usage: Usage, call: TrackedCall) => Price | undefined
  readonly #estimator: TokenEstimator
  /** By the ids of their runs. */
  readonly #openCalls = new Map<string, TrackedCall>()
  /** By the ids of their answers, which some servers, and most tests, give more than once. */
  readonly #callsById = new Map<string, TrackedCall[]>()
  readonly #finished = new FinishedCalls()
  readonly #finishedLate = new FinishedCalls()
  #isClosed = false

  constructor(prices: PriceBook | undefined, tokenizer: Tokenizer | undefined) {
    this.#costOf = guardCallback(
      (usage, call) => costOf(usage, call, prices),
      'The price book of a TokenCounter failed: the cost is unknown. This is told once.',
    )
    this.#estimator = new TokenEstimator(tokenizer)
  }

  /** From here on what ends is late. */
  close(): void {
    this.#isClosed = true
  }

  /** What ended after the close. */
  get late(): Usage | undefined {
    return this.#finishedLate.totals.usage
  }

  /** All that counts: what is over, and what is going on. */
  totals(): UsageTotals {
    const tally = new UsageTotals(this.#finished.totals)
    for (const call of this.#activeCalls()) tally.add(this.#callTotals(call))
    return tally
  }

  /** Its usage alone: a whole tally is too much for every token. */
  usage(): Usage | undefined {
    return this.#activeCalls().reduce((sum, call) => addUsage(sum, this.#callUsage(call)), this.#finished.totals.usage)
  }

  /** Its cost alone. */
  cost(): Cost {
    let { cost } = this.#finished.totals
    for (const call of this.#activeCalls()) {
      const price = this.#price(call, this.#callUsage(call))
      if (price) cost = addCost(cost, price)
    }
    return cost
  }

  /** Whether an event changed what is counted. */
  applyEvent(event: RunEvent): boolean {
    const { run, type, seq } = event
    if (run.kind !== 'chat_model' && run.kind !== 'llm') return false
    const call = this.#openCalls.get(run.id)
    if (type === 'start' && !call) this.#openCalls.set(run.id, callFromStart(event))
    // What was not heard from its start began before this counter was there. One that is reached on two ways hears each event twice.
    if (!call || seq <= call.seq) return false
    const { id } = call
    const answer = applyEvent(call, event)
    if (call.id !== id) {
      this.#forget(call, id)
      this.#index(call)
    }
    if (!call.isOver) return call.hasBegun
    this.#openCalls.delete(run.id)
    this.#finish(call, answer)
    return call.hasBegun
  }

  /** Whether a response changed what is counted. */
  applyRecord(record: UsageRecord): boolean {
    const { responseId = '', url } = record
    // An answer that is asked for again, or resumed, has its id in the address.
    const isAgain = responseId !== '' && url.includes(responseId)
    const known = this.#callsById.get(responseId)?.find((call) => isAgain || !call.isFromMeter)
    if (known) applyMeterRecord(known, record)
    const call = known ?? callFromRecord(record)
    if (!known && call.hasBegun) this.#index(call)
    if (call.isOver) this.#finish(call)
    return call.hasBegun
  }

  /** Counts a call that is over, or counts it anew. `answer`: all that it said. */
  #finish(call: TrackedCall, answer?: string): void {
    if (!call.hasBegun) return this.#forget(call)
    if (!isFullyReported(call)) call.estimate ??= this.#estimator.estimate(call, answer)
    call.prompt = undefined
    const twin = this.#findCounterpart(call)
    if (twin) {
      mergeCalls(twin, call)
      this.#forget(call)
    }
    const one = twin ?? call
    const known = [this.#finished, this.#finishedLate].find((shelf) => shelf.has(one))
    if (!known) this.#estimator.calibrate(one)
    const shelf = known ?? (this.#isClosed ? this.#finishedLate : this.#finished)
    const oldest = shelf.put(one, this.#callTotals(one))
    if (oldest) this.#forget(oldest)
  }

  /** What is going on; without what a meter has seen the end of, faster than the run. */
  #activeCalls(): readonly TrackedCall[] {
    return this.#isClosed ? [] : [...this.#openCalls.values()].filter((call) => call.hasBegun && !this.#findCounterpart(call))
  }

  /** What a meter has told of the same call, where this is its run. */
  #findCounterpart(call: TrackedCall): TrackedCall | undefined {
    if (!call.isFromRun || call.isFromMeter || call.id === undefined) return
    return this.#callsById.get(call.id)?.find((other) => !other.isFromRun)
  }

  #callUsage(call: TrackedCall): Usage {
    return effectiveUsage(call, isFullyReported(call) ? undefined : (call.estimate ?? this.#estimator.estimate(call)))
  }

  #callTotals(call: TrackedCall): CallTotals {
    const { model, tags, isComplete, isOver } = call
    const usage = this.#callUsage(call)
    return { usage, reported: reportedUsage(call), model, tags, price: this.#price(call, usage), isSuccess: isComplete, isOver }
  }

  #price(call: TrackedCall, usage: Usage): Price | undefined {
    const { outputTokens: tokens = 0 } = usage
    if (!call.isOver && call.lastPrice && tokens - call.lastPrice.tokens < REPRICE_INTERVAL_TOKENS) return call.lastPrice.price
    const known = this.#costOf(usage, call)
    const price = Number.isFinite(known?.total) ? known : undefined
    call.lastPrice = { tokens, price }
    return price
  }

  #index(call: TrackedCall): void {
    if (call.id === undefined) return
    const same = this.#callsById.get(call.id)
    if (same) same.push(call)
    else this.#callsById.set(call.id, [call])
  }

  #forget(call: TrackedCall, id: string | undefined = call.id): void {
    if (id === undefined) return
    const left = (this.#callsById.get(id) ?? []).filter((other) => other !== call)
    if (left.length > 0) this.#callsById.set(id, left)
    else this.#callsById.delete(id)
  }
}
