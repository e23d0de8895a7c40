import { BudgetExceeded, invalidOptionsError } from '../../core/errors.ts'
import type { RunEvent, StopRun } from '../../core/event.ts'
import type { CallbackMethods } from '../../core/handler/methods.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'
import { TokenCounter, type TokenCounterOptions } from './counter.ts'

/** Limits, of which at least one must be given, and how to count. */
export interface BudgetOptions extends TokenCounterOptions {
  /** Input and output together. */
  readonly maxTokens?: number
  readonly maxOutputTokens?: number
  /** In the currency of the prices; of what providers say themselves, US dollars. */
  readonly maxCost?: number
  /** Of one run tree, from its first event. More than 24 days are no limit. */
  readonly maxSeconds?: number
  /** Counts against a counter that is there already, with its prices, as long as it is not closed. Default: one of its own. */
  readonly counter?: TokenCounter
}

/** A handler that stops what it hears when too much is spent. */
export interface Budget extends CallbackMethods {
  /** What has been spent. */
  readonly counter: TokenCounter
  onEvent(event: RunEvent, stop?: StopRun): void
}

/**
 * Stops runs when a limit is passed: the topmost run that it hears, and all below it, end with BudgetExceeded, and the provider's body is
 * closed. `outcome.status` is `aborted`. For `callbacks` of a request, where it holds for agents and nested chains too, of `withConfig`,
 * or of a model; of several it holds for all of them together.
 *
 * - While an answer streams it is counted by estimate, and the message says so. One that is not streamed is known at its end.
 * - An answer that is whole is never taken back: only the next call is refused.
 * - A cost that nobody knows cannot be kept to: after a call without a price, `maxCost` refuses the next.
 *
 * @throws ChaintapError `invalid_options` for a limit that is no number from 0 on, or where there is none.
 *
 * @example
 * await agent.run('Who won?', { callbacks: [budget({ maxTokens: 20_000, maxSeconds: 60 })] })
 */
export function budget({ counter: given, ...options }: BudgetOptions): Budget {
  validateLimits(options)
  const counter = given ?? new TokenCounter(options)
  const watched = new Map<string, BudgetedTree>()
  return {
    name: 'budget',
    counter,
    onEvent(event, stop = () => {}) {
      counter.onEvent(event)
      const { run, type } = event
      if (type === 'start') watched.set(run.id, watched.get(run.parentId ?? '') ?? watchTree(run.id, options, stop))
      const tree = watched.get(run.id)
      const excess = consumesTokens(event) ? exceededLimitMessage(event, options, counter) : undefined
      if (excess) tree?.stop(new BudgetExceeded(excess))
      if (type !== 'end' && type !== 'error') return
      watched.delete(run.id)
      if (run.id === tree?.topRunId && tree.timer !== undefined) clearTimeout(tree.timer)
    },
  }
}

/** A run and all that are heard below it. */
interface BudgetedTree {
  readonly topRunId: string
  readonly stop: StopRun
  readonly timer: ReturnType<typeof setTimeout> | undefined
}

function watchTree(top: string, { maxSeconds = Number.POSITIVE_INFINITY }: BudgetOptions, stop: StopRun): BudgetedTree {
  const late = (): void => stop(new BudgetExceeded(`The budget of ${maxSeconds} seconds is used up.`))
  return { topRunId: top, stop, timer: maxSeconds * 1000 > MAX_TIMER_MS ? undefined : setTimeout(late, maxSeconds * 1000) }
}

/** Which limit is passed, in words. */
function exceededLimitMessage(
  event: RunEvent,
  { maxTokens, maxOutputTokens, maxCost }: BudgetOptions,
  counter: TokenCounter,
): string | undefined {
  const isNext = event.type === 'start'
  const isPast = (used: number, max = Number.POSITIVE_INFINITY): boolean => (isNext ? used >= max : used > max)
  const { inputTokens = 0, outputTokens = 0, totalTokens = 0, source } = counter.usage ?? {}
  const mark = source === 'estimated' ? ' (estimated)' : ''
  const tokens = Math.max(totalTokens, inputTokens + outputTokens)
  if (isPast(tokens, maxTokens)) return limitMessage(maxTokens, 'tokens', tokens, mark)
  if (isPast(outputTokens, maxOutputTokens)) return limitMessage(maxOutputTokens, 'tokens of output', outputTokens, mark)
  if (maxCost === undefined) return
  const { total, parts, currency = 'USD' } = counter.cost
  const spent = total ?? parts.reduce((sum, part) => sum + part.total, 0)
  if (isPast(spent, maxCost)) return limitMessage(maxCost, currency, spent, mark)
  if (isNext && total === undefined)
    return `The budget of ${maxCost} cannot be kept: what some calls cost is unknown. Give it prices for them.`
}

/** Whether an event is of a model that begins, or that goes on. */
function consumesTokens(event: RunEvent): boolean {
  const { type, run } = event
  if (type === 'start') return run.kind === 'chat_model' || run.kind === 'llm'
  return type === 'token' || (type === 'delta' && (event.delta.type === 'reasoning' || event.delta.type === 'tool-call'))
}

const limitMessage = (max: number | undefined, unit: string, used: number, mark = ''): string =>
  `The budget of ${max} ${unit} is used up: ${Number(used.toPrecision(4))}${mark}.`

function validateLimits({ maxTokens, maxOutputTokens, maxCost, maxSeconds }: BudgetOptions): void {
  const limits = Object.entries({ maxTokens, maxOutputTokens, maxCost, maxSeconds }).filter(([, limit]) => limit !== undefined)
  if (limits.length === 0) throw invalidOptionsError('A budget needs a limit: maxTokens, maxOutputTokens, maxCost or maxSeconds.')
  for (const [name, limit = 0] of limits) if (!(limit >= 0)) throw invalidOptionsError(`${name} must be 0 or more, but is ${limit}.`)
}
