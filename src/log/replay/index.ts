import { ChaintapError, TruncatedError } from '../../core/errors.ts'
import type { EventOf, RunEvent } from '../../core/event.ts'
import { Flow } from '../../core/flow/flow.ts'
import type { Fold } from '../../core/flow/fold.ts'
import type { Stage } from '../../core/flow/link.ts'
import type { RunOptions } from '../../core/options.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { createRunnable } from '../../core/runnable/runnable.ts'
import type { ReadableLog } from '../read-records.ts'
import { isEndOf } from '../run-end.ts'
import { checkSpeed, paceEvents, readEvents } from './pace.ts'

export { type ReplayModel, type ReplayModelOptions, replayModel } from './model.ts'

/** Options of {@link replay}. */
export interface ReplayOptions extends Pick<RunOptions, 'signal' | 'timeout'> {
  /** How many times as fast as it happened; Infinity: at once. Default 1. */
  readonly speed?: number
}

/**
 * A run from a log as the stream of its events, as `chain.events()` gave them, at the pace at which they came. For the id of a root it is
 * the whole tree. What had failed fails again, after its events; `outcome` is how it ended.
 *
 * Nothing is read before somebody reads, and nothing runs: its own `run` is one of the name `replay`.
 *
 * @throws ChaintapError `invalid_options`, when called, for a speed that is none; `not_in_log`, and TruncatedError where the log has no end
 * of the run, when read
 * @example
 * replay(store, runId, { speed: 2 }).pipeThrough(tap({ onLlmNewToken: (token) => show(token) })).pipeTo(new WritableStream())
 */
export function replay(store: ReadableLog, runId: string, { speed = 1, ...options }: ReplayOptions = {}): RunStream<RunEvent, unknown> {
  checkSpeed(speed)
  const isLast = (event: RunEvent): boolean => isEndOf(event, runId)
  const open = (_: undefined, run: RunHandle): Flow<RunEvent> => {
    const source = paceEvents(readEvents(store, { runId }, isLast), { speed, signal: run.signal })
    return new Flow<readonly RunEvent[]>(source).through(replayEvents(runId, run, isLast), () => replayOutputFold(isLast))
  }
  return createRunnable<undefined, unknown, RunEvent>({ name: 'replay', open }).stream(undefined, options)
}

/** Takes batches apart, and does with a run what its events tell. */
function replayEvents(runId: string, run: RunHandle, isLast: (event: RunEvent) => boolean): Stage<readonly RunEvent[], RunEvent> {
  let last: RunEvent | undefined
  let hasToken = false
  return {
    transform(batch, controller) {
      for (const event of batch) {
        last = event
        if (event.type === 'token' && !hasToken) {
          hasToken = true
          run.report({ firstTokenAt: Date.now() })
        }
        if ('usage' in event && event.usage) run.report({ externalUsage: event.usage })
        controller.enqueue(event)
      }
      if (last?.type === 'error' && isLast(last)) throw last.error
    },
    flush() {
      if (!last)
        throw new ChaintapError('not_in_log', `There is no run ${runId} in this log. It may have been pruned, or be in another one.`)
      if (!isLast(last)) throw new TruncatedError(`The log has no end of the run ${runId}: what it has was replayed.`)
    },
  }
}

/** What the run gave, or had given until it failed. */
function replayOutputFold(isLast: (event: RunEvent) => boolean): Fold<RunEvent, unknown> {
  let end: EventOf<'end' | 'error'> | undefined
  return {
    add: (event) => {
      if (isLast(event)) end = event as EventOf<'end' | 'error'>
    },
    result: () => (end?.type === 'end' ? end.output : end?.partial),
    isBounded: true,
  }
}
