import { AbortReason, ChaintapError, TruncatedError } from '../errors.ts'
import type { EventSink } from '../event.ts'
import { Flow } from '../flow/flow.ts'
import type { BatchMapper, BatchReader, FlowOwner } from '../flow/source.ts'
import type { MergedOptions } from '../options.ts'
import type { Outcome } from '../outcome.ts'
import { closeRun } from './close.ts'
import { ActiveRun, toActiveRun } from './run.ts'
import { remainingDepthBelow } from './scope.ts'
import { type Startable, startRun } from './start.ts'
import { Tree } from './tree.ts'

/** Drives one run, the root of its tree unless the options name a parent. Reading pulls chunks through it; stopping ends it. */
export class RunDriver<Chunk, Out> implements BatchReader<Chunk>, FlowOwner {
  readonly run: ActiveRun
  readonly #runnable: Startable<Chunk>
  readonly #input: unknown
  readonly #emitsChunks: boolean
  #flow: Flow<Chunk> | undefined
  #startedAt: number | undefined
  /** The reader has stopped the run: its read then ends without an error. */
  #readerLeft = false
  #outcome: PromiseWithResolvers<Outcome<unknown>> | undefined
  #stats: Pick<Outcome<unknown>, 'usage' | 'firstTokenMs' | 'durationMs'> | undefined
  #failure: { readonly error: unknown } | undefined

  constructor(runnable: Startable<Chunk>, input: unknown, options: MergedOptions, streaming: boolean, eventSink?: EventSink) {
    this.#runnable = runnable
    this.#input = input
    const parent = resolveParent(options, runnable.name)
    const tree = parent?.tree ?? new Tree(options.onHandlerError)
    const runOptions = parent
      ? { ...options, recursionLimit: remainingDepthBelow(parent.scope, runnable.name, options.recursionLimit) }
      : options
    this.run = new ActiveRun(runnable, { tree, parent, options: runOptions, streaming, eventSink })
    this.#emitsChunks = eventSink !== undefined
    this.run.onEnd((failure) => failure && this.#end({ error: failure.reason }))
  }

  get outcome(): Promise<Outcome<Out>> {
    if (!this.run.output.retain()) {
      throw new ChaintapError(
        'output_not_kept',
        'The output exceeded 512 K characters and was discarded, because run.outcome had not been read. Access run.outcome before reading the run.',
      )
    }
    this.#outcome ??= Promise.withResolvers()
    this.#resolveOutcome()
    return this.#outcome.promise as Promise<Outcome<Out>>
  }

  read<T>(take: BatchMapper<Chunk, T>): Promise<T> {
    return this.#flow ? this.#flow.read(take) : this.#start().then((flow) => flow.read(take))
  }

  /** Ends the run from outside. The reader receives the chunks that came before, then the end. */
  stop(reason: unknown): void {
    if (this.#stats) return
    this.#readerLeft = true
    this.run.stop(reason)
  }

  async #start(): Promise<Flow<Chunk>> {
    if (!this.#startedAt) {
      this.#startedAt = Date.now()
      if (!this.run.parent) this.run.options.waitUntil?.(this.run.tree.flushed)
    }
    this.#flow = await startRun(this.#runnable, this.#input, this.run, this.#emitsChunks).catch(failedFlow<Chunk>)
    this.#flow.owner = this
    return this.#flow
  }

  onEnd(): void {
    this.#end()
  }

  async onError(error: unknown): Promise<void> {
    const { run } = this
    closeRun(run.tree, run, error)
    // If a handler raised at the root's end, the run has ended already: only the reader gets the error.
    this.#end({ error })
    // A failure from within waits for the handlers, as every event does. A stop does not.
    if (!run.wasStopped) await run.tree.settled()
    if (!this.#readerLeft) throw error
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#stats) return
    const { run } = this
    const now = Date.now()
    const startedAt = this.#startedAt ?? now
    const { firstTokenAt } = run.tree
    this.#stats = {
      usage: run.reports.totalUsage,
      firstTokenMs: firstTokenAt === undefined ? undefined : firstTokenAt - startedAt,
      durationMs: now - startedAt,
    }
    this.#failure = failure ?? (run.reports.truncated && { error: run.reports.truncated })
    this.#resolveOutcome()
    if (!run.parent) void run.tree.finish()
  }

  #resolveOutcome(): void {
    const { run } = this
    if (!this.#stats || !this.#outcome) return
    if (!this.#failure) return this.#outcome.resolve({ ...this.#stats, status: 'complete', output: run.output.value })
    const { error } = this.#failure
    this.#outcome.resolve({ ...this.#stats, status: failureStatus(run, error), error, partial: run.output.value })
  }
}

function failureStatus(run: ActiveRun, error: unknown): 'aborted' | 'truncated' | 'failed' {
  if (run.wasStopped || error instanceof AbortReason) return 'aborted'
  return error instanceof TruncatedError ? 'truncated' : 'failed'
}

/** The flow of a run that failed before it had one. */
function failedFlow<Chunk>(error: unknown): Flow<Chunk> {
  const flow = new Flow<Chunk>({ next: () => ({ done: true }), cancel: () => {} })
  flow.error(error)
  return flow
}

/**
 * The run that the options name as parent.
 *
 * @throws ChaintapError `invalid_options` or `run_ended`; the parent's error if it has failed
 */
function resolveParent(options: MergedOptions, name: string): ActiveRun | undefined {
  if (!options.parent) return
  const parent = toActiveRun(options.parent, name)
  if (parent.phase === 'failed') throw parent.error
  if (parent.phase !== 'open') {
    throw new ChaintapError(
      'run_ended',
      `${name} was called as a child of ${parent.run.name}, which has ended. Await the call before you return, or call it without the context.`,
    )
  }
  return parent
}
