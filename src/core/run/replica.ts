import { AbortReason, ChaintapError } from '../errors.ts'
import type { EmittablePayload, EndEvent, RunEvent } from '../event.ts'
import { reportHandlerError } from '../handler/handler.ts'
import type { RunOptions } from '../options.ts'
import { checkUsage } from './check-usage.ts'
import { closeDescendants } from './close.ts'
import type { PendingHandlers } from './dispatch.ts'
import { recordDelta } from './instrument.ts'
import { ActiveRun, toActiveRun } from './run.ts'
import type { RunHandle } from './run-handle.ts'
import { freezeRun } from './scope.ts'

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

/** A run that happens elsewhere, e.g. on a server, and is replicated in this tree. */
class ReplicaRun extends ActiveRun {
  /** A replica cannot be stopped alone: the local run that made the call is stopped. */
  override stop(reason: unknown): void {
    let local = this.parent
    while (local instanceof ReplicaRun) local = local.parent
    local?.stop(reason)
  }
}

/** Levels of replicas below the local run; runs of this library have 25 by default. Every level costs each event below it. */
const MAX_REPLICA_DEPTH = 1_000

/**
 * Rebuilds a tree of runs that happen elsewhere below a run of this tree, from their events. Ids stay; `seq` counts in this tree.
 *
 * - Handlers and event readers of the local run receive the events as they would those of a local child (P4 to P7).
 * - Replicas are open runs of this tree: closing the local run closes those that have not ended, children before parents (P1).
 */
export class RunTreeReplica {
  /** Added to the time of each event, in ms. */
  clockOffsetMs = 0
  readonly #parentRun: ActiveRun
  readonly #countsUsage: boolean
  /** By id; undefined for runs that have ended, whose later events are ignored (P1). */
  readonly #runs = new Map<string, ActiveRun | undefined>()

  /** `countsUsage`: adds the usage in `end` and `error` events to the outcome of `parent`. */
  constructor(parent: RunHandle, countsUsage: boolean) {
    this.#parentRun = toActiveRun(parent)
    this.#countsUsage = countsUsage
  }

  /** Emits one event, whatever its `seq`. If its run is unknown, emits a `start` first. */
  apply(event: RunEvent): PendingHandlers {
    if (this.#parentRun.phase !== 'open') return
    const { id } = event.run
    const run = this.#findOpenRun(id)
    if (run) return this.#forward(run, event)
    if (this.#runs.has(id)) return
    if (event.type === 'start') return this.#startRun(event)
    const started = this.#startRun({ run: event.run, at: event.at, seq: event.seq, type: 'start', input: undefined })
    const applied = this.apply(event)
    return started ? Promise.all([started, applied]) : applied
  }

  /** Completes replicas that are still open, in case some events were not sent. */
  finish(at: number): PendingHandlers {
    const open = [...this.#runs.values()].filter((run): run is ActiveRun => run?.phase === 'open')
    const waits = open
      .sort((a, b) => b.depth - a.depth)
      .flatMap((run) => this.apply({ run: run.run, at, seq: 0, type: 'end', output: undefined }) ?? [])
    return waits.length > 0 ? Promise.all(waits) : undefined
  }

  /** A replica that was closed with the local run may still receive events: it counts as unknown. */
  #findOpenRun(id: string): ActiveRun | undefined {
    const run = this.#runs.get(id)
    return run?.phase === 'open' ? run : undefined
  }

  #startRun(event: RunEvent): PendingHandlers {
    const parent = this.#findOpenRun(event.run.parentId ?? '') ?? this.#parentRun
    const { tree } = parent
    // Not `recursion_limit`, which no fallback may catch.
    if (parent.depth - this.#parentRun.depth >= MAX_REPLICA_DEPTH)
      throw new ChaintapError('wire', `The events nest more than ${MAX_REPLICA_DEPTH} runs in one another. Check their sender.`)
    const run = freezeRun({ ...event.run, parentId: parent.run.id, rootId: parent.run.rootId })
    const replica = new ReplicaRun(run, { tree, parent, run })
    replica.markOpen()
    this.#runs.set(run.id, replica)
    return replica.dispatcher.forward(event, this.clockOffsetMs)
  }

  #forward(run: ActiveRun, event: RunEvent): PendingHandlers {
    const { type } = event
    // A repeated event.
    if (type === 'start') return
    const checked = checkEvent(run, event)
    if (checked.type === 'end' || checked.type === 'error') this.#endRun(run, checked)
    return run.dispatcher.forward(checked, this.clockOffsetMs)
  }

  #endRun(run: ActiveRun, { type, usage }: EndEvent): void {
    if (run.openChildren?.size) closeDescendants(run.tree, run, new AbortReason(`${run.run.name} ended while this run was open.`))
    if (this.#countsUsage && usage) run.report({ externalUsage: usage })
    this.#runs.set(run.run.id, undefined)
    // From now on no handler can fail it.
    run.dispatcher.isClosed = type === 'error'
    run.finishAs(type === 'end' ? 'ended' : 'failed')
  }
}

/** Records what an event says about the response. Returns the event, without usage that cannot be true. */
function checkEvent(run: ActiveRun, event: RunEvent): RunEvent {
  if (event.type === 'delta') {
    const delta = recordDelta(run, event.delta)
    return delta === event.delta ? event : { ...event, delta }
  }
  if ((event.type !== 'end' && event.type !== 'error') || !event.usage) return event
  const usage = checkUsage(event.usage, run)
  return usage === event.usage ? event : { ...event, usage }
}
