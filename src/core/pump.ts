import { AbortReason, ChaintapError, TruncatedError } from './errors.ts'
import type { RunContext } from './event.ts'
import type { Flow } from './flow.ts'
import { launch } from './launch.ts'
import type { MergedOptions } from './options.ts'
import type { Outcome } from './outcome.ts'
import { OpenRun } from './run.ts'
import type { Runnable } from './runnable.ts'
import { Tree } from './tree.ts'
import type { View } from './view.ts'

/** What a face reads from. */
export interface Batches<T> {
  next(): Promise<readonly T[] | undefined>
  stop(reason: unknown): void
}

/** Drives one run, the root of its tree unless options name a parent: reading pulls, stopping ends it (decision 3 of the design). */
export class Pump<Chunk, Out> implements Batches<Chunk> {
  readonly run: OpenRun
  readonly #runnable: Runnable<never, Out, Chunk>
  readonly #input: unknown
  readonly #isShown: boolean
  #flow: Flow<Chunk> | undefined
  #beganAt: number | undefined
  #over = false
  #abortLaunch: ((reason: unknown) => void) | undefined
  /** Left by whoever reads: then reading just ends. */
  #left = false
  readonly #outcome = Promise.withResolvers<Outcome<unknown>>()

  constructor(runnable: Runnable<never, Out, Chunk>, input: unknown, options: MergedOptions, streaming: boolean, view?: View) {
    this.#runnable = runnable
    this.#input = input
    const parent = parentOf(options, runnable.name)
    const tree = parent?.tree ?? new Tree(options.onHandlerError)
    const place = parent ? { ...options, recursionLimit: Math.min(options.recursionLimit ?? 25, parent.scope.levels - 1) } : options
    this.run = new OpenRun(runnable, { tree, parent, options: place, streaming, view })
    this.#isShown = view !== undefined
    this.run.own((failure) => failure && this.#fail(failure.reason))
  }

  get outcome(): Promise<Outcome<Out>> {
    return this.#outcome.promise as Promise<Outcome<Out>>
  }

  next(): Promise<readonly Chunk[] | undefined> {
    const batch = this.#flow ? this.#flow.next() : this.#launch().then((flow) => flow.next())
    return batch.then(this.#onBatch, this.#onError)
  }

  /** Ends the run from outside; the reader gets what came before, then the end. */
  stop(reason: unknown): void {
    if (this.#over) return
    this.#left = true
    this.run.stop(reason)
  }

  #launch(): Promise<Flow<Chunk>> {
    if (this.#over) return Promise.reject(this.run.error)
    this.#beganAt = Date.now()
    if (!this.run.parent) this.run.options.waitUntil?.(this.run.tree.flushed)
    return new Promise((resolve, reject) => {
      // A stop does not wait for what is being opened: launch() closes it when it comes.
      this.#abortLaunch = reject
      launch(this.#runnable, this.#input, this.run, this.#isShown).then(({ flow }) => {
        this.#flow = flow
        resolve(flow)
      }, reject)
    })
  }

  readonly #onBatch = <Batch>(batch: Batch | undefined): Batch | undefined => {
    if (!batch) this.#end()
    return batch
  }

  readonly #onError = async (error: unknown): Promise<undefined> => {
    const { run } = this
    run.tree.close(run, error)
    // A handler that raised at the root's end: the run has ended, the reader gets the error.
    this.#fail(error)
    // A failure from within waits for the handlers, as every event does; whoever stops a run does not.
    if (!run.stopped) await run.tree.settled()
    if (!this.#left) throw error
  }

  #fail(error: unknown): void {
    this.#abortLaunch?.(error)
    this.#end({ error })
  }

  #end(failure?: { readonly error: unknown }): void {
    if (this.#over) return
    this.#over = true
    const { run } = this
    const now = Date.now()
    const began = this.#beganAt ?? now
    const { firstTokenAt } = run.tree
    const facts = { usage: run.total, firstTokenMs: firstTokenAt === undefined ? undefined : firstTokenAt - began, durationMs: now - began }
    const cut = failure ?? (run.truncated && { error: run.truncated })
    if (cut) this.#outcome.resolve({ ...facts, status: statusOf(run, cut.error), error: cut.error, partial: run.output })
    else this.#outcome.resolve({ ...facts, status: 'complete', output: run.output })
    if (!run.parent) void run.tree.finish()
  }
}

function statusOf(run: OpenRun, error: unknown): 'aborted' | 'truncated' | 'failed' {
  if (run.stopped || error instanceof AbortReason) return 'aborted'
  return error instanceof TruncatedError ? 'truncated' : 'failed'
}

/** The run that the options name as parent, checked. */
function parentOf(options: MergedOptions, name: string): OpenRun | undefined {
  const { parent } = options
  if (!parent) return
  if (!isOpenRun(parent)) throw new ChaintapError('invalid_options', `The parent of ${name} is not a run context. Pass the context that your function was given.`)
  if (parent.phase === 'failed') throw parent.error
  if (parent.phase !== 'open') {
    throw new ChaintapError('run_ended', `${name} was called as a child of ${parent.run.name}, which has ended. Await it before you return, or call it without the context.`)
  }
  if (parent.scope.levels <= 0) {
    throw new ChaintapError('recursion_limit', `${name} would run deeper than recursionLimit allows. Look for a runnable that calls itself without end, or raise the limit.`)
  }
  return parent
}

export const isOpenRun = (value: unknown): value is OpenRun & RunContext => value instanceof OpenRun
