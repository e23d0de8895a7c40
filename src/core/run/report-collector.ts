import type { TruncatedError } from '../errors.ts'
import type { ResponseInfo, RunReport } from '../event.ts'
import { addUsage, mergeUsage, type Usage, withTotal } from '../usage.ts'
import { checkUsage, type UsageReceiver } from './check-usage.ts'
import type { RunFacts } from './run-handle.ts'

/** Collects what a run's model reported about its response, and the usage of the run and all runs below it. */
export class ReportCollector {
  /** The error of a response that was cut off and accepted, in this run or below it. */
  truncated: TruncatedError | undefined
  /** Usage of this run and all runs below it. */
  totalUsage: Usage | undefined
  readonly #parent: ReportCollector | undefined
  #usage: Usage | undefined
  #answered: ResponseInfo | undefined

  constructor(parent: ReportCollector | undefined) {
    this.#parent = parent
  }

  /** `receiver`: the run that is named if usage is not a count. */
  add({ usage, answered, externalUsage, truncated }: RunFacts, receiver: UsageReceiver): void {
    if (usage) this.#usage = mergeUsage(this.#usage, checkUsage(usage, receiver))
    if (answered) {
      // Picked one by one: callers pass a whole `meta` Delta.
      const { id, model, url, cacheWrite1hTokens } = answered
      this.#answered = mergeUsage<ResponseInfo>(this.#answered, { id, model, url, cacheWrite1hTokens })
    }
    if (externalUsage) ReportCollector.#addToTotals(this, checkUsage(externalUsage, receiver))
    if (truncated) ReportCollector.#markTruncated(this, truncated)
  }

  /** The fields of the run's `end` or `error` event. Adds the run's usage to the totals, so call it once. */
  finish(source: 'provider' | 'partial'): RunReport {
    const usage = this.#usage && { ...withTotal(this.#usage), requests: 1, source }
    if (usage) ReportCollector.#addToTotals(this, usage)
    return { ...(usage && { usage }), ...(this.#answered && { answered: this.#answered }) }
  }

  static #addToTotals(of: ReportCollector, usage: Usage): void {
    for (let at: ReportCollector | undefined = of; at; at = at.#parent) at.totalUsage = addUsage(at.totalUsage, usage)
  }

  static #markTruncated(of: ReportCollector, error: TruncatedError): void {
    for (let at: ReportCollector | undefined = of; at; at = at.#parent) at.truncated = error
  }
}
