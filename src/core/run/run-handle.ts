import type { TruncatedError } from '../errors.ts'
import type { ResponseInfo, RunContext } from '../event.ts'
import type { Usage } from '../usage.ts'

/**
 * Called when a run ends.
 *
 * @param failure The reason if the run failed or was stopped; undefined if it completed.
 */
export type RunCleanup = (failure: { readonly reason: unknown } | undefined) => void

/** Facts about a run that only its runnable knows. Fields that are left out change nothing. */
export interface RunFacts {
  /** Usage of this run's own response, as the provider reported it. The later known value of each field wins; nothing is summed. */
  readonly usage?: Usage | undefined
  /** The response that the run is about. The later known value of each field wins. */
  readonly answered?: ResponseInfo | undefined
  /** Usage of calls outside this run tree, e.g. on a server. It is added to `outcome.usage`, not to the run's `end` event. */
  readonly externalUsage?: Usage | undefined
  /** The response was cut off, and the model accepts that: the run completes, and `outcome.status` is `truncated`. */
  readonly truncated?: TruncatedError | undefined
  /** False for a model that was asked for a whole response: its run then emits no `token` and `delta` events. */
  readonly emitsTokens?: boolean | undefined
  /** When the first token arrived, in ms since epoch. The first report wins. */
  readonly firstTokenAt?: number | undefined
  /** The run was stopped where it really runs, e.g. on a server: `outcome.status` is `aborted`. */
  readonly isAborted?: boolean | undefined
}

/**
 * A run as its runnable sees it: the argument of {@link Runnable.open} and {@link Runnable.through}. It is a {@link RunContext}, so pass it
 * where options go to start a child: `model.stream(input, run)`.
 *
 * @example
 * class Clock extends Runnable<number, number[], number> {
 *   readonly name = 'Clock'
 *   readonly kind = 'chain'
 *   open(everyMs: number, run: RunHandle): Flow<number> {
 *     let timer: ReturnType<typeof setInterval>
 *     run.onEnd(() => clearInterval(timer))
 *     return Flow.from(
 *       new ReadableStream<number>({
 *         start(controller) {
 *           timer = setInterval(() => controller.enqueue(Date.now()), everyMs)
 *         },
 *       }),
 *     )
 *   }
 * }
 */
export interface RunHandle extends RunContext {
  /** Whether the run tree is read by `stream` or `events`: models then ask their provider for a stream. */
  readonly streaming: boolean
  /** How many children the run may have at once; `Infinity` if the options set no limit. */
  readonly maxConcurrency: number
  /**
   * Registers a function that releases a resource when the run ends. If the run has failed already, it is called before `onEnd` returns.
   */
  onEnd(cleanup: RunCleanup): void
  /** Extends `RunStream.flushed`, and with it a Worker's lifetime, until `work` settles. A rejection is ignored: handle it in `work`. */
  waitUntil(work: Promise<unknown>): void
  /** Records facts about the run, for its `end` event and the outcome. */
  report(facts: RunFacts): void
}
