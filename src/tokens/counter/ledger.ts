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

/** Tokens between two requests to the price book while an answer streams: one request may take longer than a hundred events. */
const REPRICE_INTERVAL_TOKENS = 16

/** The calls of a counter. A call that both its run and a meter report counts once. */
export class CallLedger {
  readonly #costOf: (usage: Usage, call: TrackedCall) => Price | undefined
  readonly #estimator: TokenEstimator
  /** By run id. */
  readonly #openCalls = new Map<string, TrackedCall>()
  /** By the id of the answer. Some servers, and most tests, use an id more than once. */
  readonly #callsById = new Map<string, TrackedCall[]>()
  readonly #finished = new FinishedCalls()
  readonly #finishedLate = new FinishedCalls()
  #isClosed = false

  constructor(prices: PriceBook | undefined, tokenizer: Tokenizer | undefined) {
    this.#costOf = guardCallback(
      (usage, call) => costOf(usage, call, prices),
      'The price book of a TokenCounter failed. The cost of the call is unknown. Further errors are not reported.',
    )
    this.#estimator = new TokenEstimator(tokenizer)
  }

  /** Counts calls that end from now on as late. */
  close(): void {
    this.#isClosed = true
  }

  /** The usage of calls that ended after `close()`. */
  get late(): Usage | undefined {
    return this.#finishedLate.totals.usage
  }

  /** Returns the sums over finished and active calls. */
  totals(): UsageTotals {
    const totals = new UsageTotals(this.#finished.totals)
    for (const call of this.#activeCalls()) totals.add(this.#callTotals(call))
    return totals
  }

  /** Returns the usage of `totals()` alone: computing all totals for every token would be too slow. */
  usage(): Usage | undefined {
    return this.#activeCalls().reduce((sum, call) => addUsage(sum, this.#callUsage(call)), this.#finished.totals.usage)
  }

  /** Returns the cost of `totals()` alone. */
  cost(): Cost {
    let { cost } = this.#finished.totals
    for (const call of this.#activeCalls()) {
      const price = this.#price(call, this.#callUsage(call))
      if (price) cost = addCost(cost, price)
    }
    return cost
  }

  /** Applies an event of a run. Returns whether the figures may have changed. */
  applyEvent(event: RunEvent): boolean {
    const { run, type, seq } = event
    if (run.kind !== 'chat_model' && run.kind !== 'llm') return false
    const call = this.#openCalls.get(run.id)
    if (type === 'start' && !call) this.#openCalls.set(run.id, callFromStart(event))
    // Without its start event, a run began before this counter was attached. A counter that is attached twice receives each event twice.
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

  /** Applies a meter's record. Returns whether the figures may have changed. */
  applyRecord(record: UsageRecord): boolean {
    const { responseId = '', url } = record
    // A request for an existing answer, or one that resumes it, has the answer's id in its URL.
    const isRepeated = responseId !== '' && url.includes(responseId)
    const known = this.#callsById.get(responseId)?.find((call) => isRepeated || !call.isFromMeter)
    if (known) applyMeterRecord(known, record)
    const call = known ?? callFromRecord(record)
    if (!known && call.hasBegun) this.#index(call)
    if (call.isOver) this.#finish(call)
    return call.hasBegun
  }

  /** Counts a call that is over, or updates it. `answer` is its whole output. */
  #finish(call: TrackedCall, answer?: string): void {
    if (!call.hasBegun) return this.#forget(call)
    if (!isFullyReported(call)) call.estimate ??= this.#estimator.estimate(call, answer)
    call.prompt = undefined
    const counterpart = this.#findCounterpart(call)
    if (counterpart) {
      mergeCalls(counterpart, call)
      this.#forget(call)
    }
    const merged = counterpart ?? call
    const known = [this.#finished, this.#finishedLate].find((finished) => finished.has(merged))
    if (!known) this.#estimator.calibrate(merged)
    const finished = known ?? (this.#isClosed ? this.#finishedLate : this.#finished)
    const oldest = finished.put(merged, this.#callTotals(merged))
    if (oldest) this.#forget(oldest)
  }

  /** Returns the calls in progress, except those whose end a meter has already reported before the run. */
  #activeCalls(): readonly TrackedCall[] {
    return this.#isClosed ? [] : [...this.#openCalls.values()].filter((call) => call.hasBegun && !this.#findCounterpart(call))
  }

  /** Returns the meter's report of the same call, for a call that only its run has reported. */
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
    const price = known && Number.isFinite(known.total) && known.total >= 0 ? known : undefined
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
