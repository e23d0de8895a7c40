import { AbortReason } from '../errors.ts'
import type { Run, RunEvent } from '../event.ts'
import type { Wait } from './dispatch.ts'
import { learn } from './instrument.ts'
import { OpenRun } from './run.ts'

/** A run that goes on elsewhere and is told here. */
class ForeignRun extends OpenRun {
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
export class Relay {
  /** Added to the time of each event, in ms. */
  shift = 0
  readonly #top: OpenRun
  readonly #addsUp: boolean
  /** By id. Of those that have ended nothing but the id is kept: what is told of them later is not heard (P1). */
  readonly #runs = new Map<string, OpenRun | undefined>()

  /** `addsUp`: what the runs report counts as used by `top`. */
  constructor(top: OpenRun, addsUp: boolean) {
    this.#top = top
    this.#addsUp = addsUp
  }

  /** Tells one event, whatever its `seq`. Of a run that has not started here a start is told first. */
  tell(event: RunEvent): Wait {
    if (this.#top.phase !== 'open') return
    const { id } = event.run
    const run = this.#open(id)
    if (run) return this.#hear(run, event)
    if (this.#runs.has(id)) return
    if (event.type === 'start') return this.#start(event)
    const started = this.#start({ run: event.run, at: event.at, seq: event.seq, type: 'start', input: undefined })
    const heard = this.tell(event)
    return started ? Promise.all([started, heard]) : heard
  }

  /** Ends well what is still open: not all events may have been sent. */
  finish(at: number): Wait {
    const open = [...this.#runs.values()].filter((run): run is OpenRun => run?.phase === 'open')
    const waits = open
      .sort((a, b) => b.depth - a.depth)
      .flatMap((run) => this.tell({ run: run.run, at, seq: 0, type: 'end', output: undefined }) ?? [])
    return waits.length > 0 ? Promise.all(waits) : undefined
  }

  /** One that was closed by force may still be told of. */
  #open(id: string): OpenRun | undefined {
    const run = this.#runs.get(id)
    return run?.phase === 'open' ? run : undefined
  }

  #start(event: RunEvent): Wait {
    const parent = this.#open(event.run.parentId ?? '') ?? this.#top
    const { tree } = parent
    const run: Run = { ...event.run, parentId: parent.run.id, rootId: parent.run.rootId }
    const open = new ForeignRun(run, { tree, parent, run })
    open.phase = 'open'
    parent.children++
    tree.open.push(open)
    this.#runs.set(run.id, open)
    return open.audience.relay(event, this.shift)
  }

  #hear(run: OpenRun, event: RunEvent): Wait {
    const { type } = event
    if (type === 'delta') learn(run, event.delta)
    // Sent twice.
    if (type === 'start') return
    if (type === 'end' || type === 'error') this.#end(run, event)
    return run.audience.relay(event, this.shift)
  }

  #end(run: OpenRun, { type, ...event }: Extract<RunEvent, { type: 'end' | 'error' }>): void {
    if (run.children > 0) run.tree.closeBelow(run, new AbortReason(`${run.run.name} ended while this run was going on.`))
    if (this.#addsUp && event.usage) run.addUp(event.usage)
    this.#runs.set(run.run.id, undefined)
    // From now on no handler can fail it.
    run.audience.over = type === 'error'
    run.leave(type === 'end' ? 'ended' : 'failed')
  }
}
