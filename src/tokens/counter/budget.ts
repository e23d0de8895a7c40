import { BudgetExceeded, invalidOptionsError } from '../../core/errors.ts'
import type { RunEvent, StopRun } from '../../core/event.ts'
import type { CallbackMethods } from '../../core/handler/methods.ts'
import { MAX_TIMER_MS } from '../../core/util/signal.ts'
import { TokenCounter, type TokenCounterOptions } from './counter.ts'

/** Options of {@link budget}: at least one limit, and how to count. */
export interface BudgetOptions extends TokenCounterOptions {
  /** Maximum of input and output tokens together. */
  readonly maxTokens?: number
  /** Maximum of output tokens. */
  readonly maxOutputTokens?: number
  /** Maximum cost, in the currency of the prices; in US dollars for costs that a provider reports. */
  readonly maxCost?: number
  /** Maximum duration of each run tree, in seconds from its first event. More than 24 days are no limit. */
  readonly maxSeconds?: number
  /**
   * Counts against an existing counter and its prices. It must not be closed.
   *
   * @defaultValue a new counter
   */
  readonly counter?: TokenCounter
}

/** A handler that stops its runs when a limit is exceeded. */
export interface Budget extends CallbackMethods {
  /** Counts what the budget's runs have used. */
  readonly counter: TokenCounter
  /** Counts an event, and stops the run tree if a limit is exceeded. */
  onEvent(event: RunEvent, stop?: StopRun): void
}

/**
 * Returns a handler that stops runs when a limit is exceeded. The topmost run whose events it receives and all runs below it then end with
 * BudgetExceeded, the provider's response body is closed, and `outcome.status` is `aborted`. Pass it in the `callbacks` of a request, where
 * it also applies to agents and all nested runs, bind it with `withConfig`, or give it to a model. It applies to all of its runs together.
 *
 * - A streaming answer is counted by estimate; the error message says so. An answer that is not streamed is counted when it is complete.
 * - A complete answer is never discarded: the next call is refused instead.
 * - After a call whose cost is unknown, `maxCost` refuses the next call, because it could not be enforced.
 *
 * @throws ChaintapError `invalid_options` if a limit is not a number of 0 or more, or if no limit is given.
 *
 * @example
 * await chain.invoke('Who won?', { callbacks: [budget({ maxTokens: 20_000, maxSeconds: 60 })] })
 */
export function budget({ counter: sharedCounter, ...options }: BudgetOptions): Budget {
  validateLimits(options)
  const counter = sharedCounter ?? new TokenCounter(options)
  const trees = new Map<string, BudgetedTree>()
  return {
    name: 'budget',
    counter,
    onEvent(event, stop = () => {}) {
      counter.onEvent(event)
      const { run, type } = event
      if (type === 'start') trees.set(run.id, trees.get(run.parentId ?? '') ?? watchTree(run.id, options, stop))
      const tree = trees.get(run.id)
      const excess = consumesTokens(event) ? exceededLimitMessage(event, options, counter) : undefined
      if (excess) tree?.stop(new BudgetExceeded(excess))
      if (type !== 'end' && type !== 'error') return
      trees.delete(run.id)
      if (run.id === tree?.topRunId && tree.timer !== undefined) clearTimeout(tree.timer)
    },
  }
}

/** A run and its descendants. */
interface BudgetedTree {
  readonly topRunId: string
  readonly stop: StopRun
  readonly timer: ReturnType<typeof setTimeout> | undefined
}

function watchTree(topRunId: string, { maxSeconds = Number.POSITIVE_INFINITY }: BudgetOptions, stop: StopRun): BudgetedTree {
  const onTimeout = (): void => stop(new BudgetExceeded(`The budget of ${maxSeconds} seconds is exhausted.`))
  return { topRunId, stop, timer: maxSeconds * 1000 > MAX_TIMER_MS ? undefined : setTimeout(onTimeout, maxSeconds * 1000) }
}

/** Returns an error message for the first limit that is exceeded, or undefined. */
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
  if (isPast(outputTokens, maxOutputTokens)) return limitMessage(maxOutputTokens, 'output tokens', outputTokens, mark)
  if (maxCost === undefined) return
  const { total, parts, currency = 'USD' } = counter.cost
  const spent = total ?? parts.reduce((sum, part) => sum + part.total, 0)
  if (isPast(spent, maxCost)) return limitMessage(maxCost, currency, spent, mark)
  if (isNext && total === undefined)
    return `The budget of ${maxCost} cannot be enforced: the cost of a call is unknown. Pass prices for its model.`
}

/** Whether an event is the start of a model's run, or adds to its output. */
function consumesTokens(event: RunEvent): boolean {
  const { type, run } = event
  if (type === 'start') return run.kind === 'chat_model' || run.kind === 'llm'
  return type === 'token' || (type === 'delta' && (event.delta.type === 'reasoning' || event.delta.type === 'tool-call'))
}

const limitMessage = (max: number | undefined, unit: string, used: number, mark = ''): string =>
  `The budget of ${max} ${unit} is exhausted: ${Number(used.toPrecision(4))} used${mark}.`

function validateLimits({ maxTokens, maxOutputTokens, maxCost, maxSeconds }: BudgetOptions): void {
  const limits = Object.entries({ maxTokens, maxOutputTokens, maxCost, maxSeconds }).filter(([, limit]) => limit !== undefined)
  if (limits.length === 0) throw invalidOptionsError('budget() requires a limit: maxTokens, maxOutputTokens, maxCost or maxSeconds.')
  for (const [name, limit = 0] of limits)
    if (!(limit >= 0)) throw invalidOptionsError(`budget(): ${name} must be a number of 0 or more, but is ${limit}.`)
}
