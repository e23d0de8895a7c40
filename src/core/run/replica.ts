import { AbortReason } from '../errors.ts'
import type { EmittablePayload, EndEvent, Run, RunEvent } from '../event.ts'
import { reportHandlerError } from '../handler/handler.ts'
import type { RunOptions } from '../options.ts'
import type { PendingHandlers } from './dispatch.ts'
import { recordDelta } from './instrument.ts'
import { ActiveRun, toActiveRun } from './run.ts'
import type { RunHandle } from './run-handle.ts'

/** The options that a call passes on to a run elsewhere: tags and metadata of its scope, and its name if the call set one. */
export function inheritedOptions(handle: RunHandle): Pick<RunOptions, 'metadata' | 'runName' | 'tags'> {
  const { scope, options } = toActiveRun(handle)
  const { runName } = options
  return { tags: scope.tags, metadata: scope.metadata, ...(runName !== undefined && { runName }) }
}

/** Reports a failed callback of a runnable's options as a handler's failure is reported: it does not harm the run. */
export function reportRunCallbackError(error: unknown, callback: object, handle: RunHandle, payload: EmittablePayload): void {
  const { run, tree } = toActiveRun(handle)
  reportHandlerError(error, { run, at: Date.now(), seq: tree.seq, ...payload }, callback, tree.onHandlerError)
}

/** A run that goes on elsewhere and is told here. */
class ReplicaRun extends ActiveRun {
  /** No part of what goes on elsewhere can be stopped alone: the call that it came of is stopped. */
  override stop(reason: unknown): void {
    this.parent?.stop(reason)
  }
}

/**
 * Tells the events of runs that go on elsewhere, below a run of this tree: with their ids, numbered as they come.
 *
 * - They are heard as those of a run made here would be: by whoever hears the runs below `top`, readers of events among them (P4 to P7).
 * - They are open runs of this tree: what ends `top` by force ends those that have not ended, children before parents (P1).
 */
export class RunTreeReplica {
  /** Added to the time of each event, in ms. */
  clockOffsetMs = 0
  readonly #parentRun: ActiveRun
  readonly #countsUsage: boolean
  /** By id. Of those that have ended nothing but the id is kept: what is told of them later is not heard (P1). */
  readonly #runs = new Map<string, ActiveRun | undefined>()

  /** `countsUsage`: what the runs report counts as used by `top`. */
  constructor(top: RunHandle, addsUp: boolean) {
    this.#parentRun = toActiveRun(top)
    this.#countsUsage = addsUp
  }

  /** Tells one event, whatever its `seq`. Of a run that has not started here a start is told first. */
  apply(event: RunEvent): PendingHandlers {
    if (this.#parentRun.phase !== 'open') return
    const { id } = event.run
    const run = this.#findOpenRun(id)
    if (run) return this.#forward(run, event)
    if (this.#runs.has(id)) return
    if (event.type === 'start') return this.#startRun(event)
    const started = this.#startRun({ run: event.run, at: event.at, seq: event.seq, type: 'start', input: undefined })
    const heard = this.apply(event)
    return started ? Promise.all([started, heard]) : heard
  }

  /** Ends well what is still open: not all events may have been sent. */
  finish(at: number): PendingHandlers {
    const open = [...this.#runs.values()].filter((run): run is ActiveRun => run?.phase === 'open')
    const waits = open
      .sort((a, b) => b.depth - a.depth)
      .flatMap((run) => this.apply({ run: run.run, at, seq: 0, type: 'end', output: undefined }) ?? [])
    return waits.length > 0 ? Promise.all(waits) : undefined
  }

  /** One that was closed by force may still be told of. */
  #findOpenRun(id: string): ActiveRun | undefined {
    const run = this.#runs.get(id)
    return run?.phase === 'open' ? run : undefined
  }

  #startRun(event: RunEvent): PendingHandlers {
    const parent = this.#findOpenRun(event.run.parentId ?? '') ?? this.#parentRun
    const { tree } = parent
    const run: Run = { ...event.run, parentId: parent.run.id, rootId: parent.run.rootId }
    const open = new ReplicaRun(run, { tree, parent, run })
    open.markOpen()
    this.#runs.set(run.id, open)
    return open.dispatcher.forward(event, this.clockOffsetMs)
  }

  #forward(run: ActiveRun, event: RunEvent): PendingHandlers {
    const { type } = event
    if (type === 'delta') recordDelta(run, event.delta)
    // Sent twice.
    if (type === 'start') return
    if (type === 'end' || type === 'error') this.#endRun(run, event)
    return run.dispatcher.forward(event, this.clockOffsetMs)
  }

  #endRun(run: ActiveRun, { type, ...event }: EndEvent): void {
    if (run.openChildren > 0) run.tree.closeDescendants(run, new AbortReason(`${run.run.name} ended while this run was going on.`))
    if (this.#countsUsage && event.usage) run.report({ externalUsage: event.usage })
    this.#runs.set(run.run.id, undefined)
    // From now on no handler can fail it.
    run.dispatcher.isClosed = type === 'error'
    run.finishAs(type === 'end' ? 'ended' : 'failed')
  }
}
