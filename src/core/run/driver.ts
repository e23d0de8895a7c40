import { AbortReason, ChaintapError, TruncatedError } from '../errors.ts'
import type { RunContext } from '../event.ts'
import { Flow } from '../flow/flow.ts'
import type { FlowOwner, Take } from '../flow/source.ts'
import type { MergedOptions } from '../options.ts'
import type { Outcome } from '../outcome.ts'
import type { Runnable } from '../runnable/runnable.ts'
import type { View } from './event-reader.ts'
import { OpenRun } from './run.ts'
import { levelsBelow } from './scope.ts'
import { launch } from './start.ts'
import { Tree } from './tree.ts'

/** What a face reads from. */
export interface Batches<T> {
  read<R>(take: Take<T, R>): Promise<R>
  stop(reason: unknown): void
}

/** Drives one run, the root of its tree unless options name a parent: reading pulls, stopping ends it (decision 3 of the design). */
export class Pump<Chunk, Out> implements Batches<Chunk>, FlowOwner {
  readonly run: OpenRun
  readonly #runnable: Runnable<never, Out, Chunk>
  readonly #input: unknown
  readonly #isShown: boolean
  #flow: Flow<Chunk> | undefined
  #beganAt: number | undefined
  /** Left by whoever reads: then reading just ends. */
  #left = false
  #outcome: PromiseWithResolvers<Outcome<unknown>> | undefined
  #facts: Pick<Outcome<unknown>, 'usage' | 'firstTokenMs' | 'durationMs'> | undefined
  #cut: { readonly error: unknown } | undefined

  constructor(runnable: Runnable<never, Out, Chunk>, input: unknown, options: MergedOptions, streaming: boolean, view?: View) {
    this.#runnable = runnable
    this.#input = input
    const parent = parentOf(options, runnable.name)
    const tree = parent?.tree ?? new Tree(options.onHandlerError)
    const place = parent ? { ...options, recursionLimit: levelsBelow(parent.scope, runnable.name, options.recursionLimit) } : options
    this.run = new OpenRun(runnable, { tree, parent, options: place, streaming, view })
    this.#isShown = view !== undefined
    this.run.own((failure) => failure && this.#end({ error: failure.reason }))
  }

  get outcome(): Promise<Outcome<Out>> {
    if (!this.run.ask()) {
      const fix = 'Touch run.outcome before you read, and it will be kept.'
      throw new ChaintapError('output_not_kept', `The output grew past what is kept for nobody. ${fix}`)
    }
    this.#outcome ??= Promise.withResolvers()
    this.#tellOutcome()
    return this.#outcome.promise as Promise<Outcome<Out>>
  }

  read<T>(take: Take<Chunk, T>): Promise<T> {
    return this.#flow ? this.#flow.read(take) : this.#launch().then((flow) => flow.read(take))
  }

  /** Ends the run from outside; the reader gets what came before, then the end. */
  stop(reason: unknown): void {
    if (this.#facts) return
    this.#left = true
    this.run.stop(reason)
  }

  async #launch(): Promise<Flow<Chunk>> {
    if (!this.#beganAt) {
      this.#beganAt = Date.now()
      if (!this.run.parent) this.run.options.waitUntil?.(this.run.tree.flushed)
    }
    const launched = launch(this.#runnable, this.#input, this.run, this.#isShown)
    this.#flow = await launched.then(({ flow }) => flow, failing<Chunk>)
    this.#flow.owner = this
    return this.#flow
  }

  ended(): void {
    this.#end()
  }

  async failed(error: unknown): Promise<void> {
    const { run } = this
    run.tree.close(run, error)
    // A handler that raised at the root's end: the run has ended, the reader gets the error.
    this.#end({ error })
    // A failure from within waits for the handlers, as every event does; whoever stops a run does not.
    if (!run.stopped) await run.tree.settled()
    if (!this.#left) throw error
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#facts) return
    const { run } = this
    const now = Date.now()
    const began = this.#beganAt ?? now
    const { firstTokenAt } = run.tree
    this.#facts = { usage: run.total, firstTokenMs: firstTokenAt === undefined ? undefined : firstTokenAt - began, durationMs: now - began }
    this.#cut = failure ?? (run.truncated && { error: run.truncated })
    this.#tellOutcome()
    if (!run.parent) void run.tree.finish()
  }

  #tellOutcome(): void {
    const { run } = this
    if (!this.#facts || !this.#outcome) return
    if (!this.#cut) return this.#outcome.resolve({ ...this.#facts, status: 'complete', output: run.output })
    const { error } = this.#cut
    this.#outcome.resolve({ ...this.#facts, status: statusOf(run, error), error, partial: run.output })
  }
}

function statusOf(run: OpenRun, error: unknown): 'aborted' | 'truncated' | 'failed' {
  if (run.stopped || error instanceof AbortReason) return 'aborted'
  return error instanceof TruncatedError ? 'truncated' : 'failed'
}

/** The flow of a run that did not get so far as to have one. */
function failing<Chunk>(error: unknown): Flow<Chunk> {
  const flow = new Flow<Chunk>({ next: () => ({ done: true }), cancel: () => {} })
  flow.error(error)
  return flow
}

/** The run that the options name as parent, checked. */
function parentOf(options: MergedOptions, name: string): OpenRun | undefined {
  const { parent } = options
  if (!parent) return
  if (!isOpenRun(parent))
    throw new ChaintapError('invalid_options', `The parent of ${name} is not a run context. Pass the context that your function was given.`)
  if (parent.phase === 'failed') throw parent.error
  if (parent.phase !== 'open') {
    throw new ChaintapError(
      'run_ended',
      `${name} was called as a child of ${parent.run.name}, which has ended. Await it before you return, or call it without the context.`,
    )
  }
  return parent
}

export const isOpenRun = (value: unknown): value is OpenRun & RunContext => value instanceof OpenRun
