import { ChaintapError, TruncatedError } from '../../core/errors.ts'
import type { EndEvent, RunEvent } from '../../core/event.ts'
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

export type { ReadableLog } from '../read-records.ts'
export { type ReplayModel, type ReplayModelOptions, replayModel } from './model.ts'

/** Options of {@link replay}. */
export interface ReplayOptions extends Pick<RunOptions, 'signal' | 'timeout'> {
  /**
   * Factor of the original pace: 2 is twice as fast, `Infinity` emits all events at once.
   *
   * @defaultValue 1
   */
  readonly speed?: number
}

/**
 * Returns the events of a logged run, as `chain.events()` emitted them, at their original pace. A root's id selects the whole run tree.
 *
 * A run that failed fails again after its events; `outcome` is that of the logged run. The log is read only while the stream is read. No step of
 * the chain is executed: the stream's own `run` has the name `replay`.
 *
 * @param runId - the id of a logged run: `event.run.id` of its records
 * @throws ChaintapError `invalid_options`, when called, if `speed` is not positive
 * @throws ChaintapError `not_in_log`, when read, if the log contains no event of the run
 * @throws TruncatedError when read, if the log does not contain the end of the run
 * @example
 * const runId = '0199aa31-5e1c-7000-8000-000000000001'
 * await replay(log, runId, { speed: 2 })
 *   .pipeThrough(tap({ onLlmNewToken: (token) => show(token) }))
 *   .pipeTo(new WritableStream())
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

/** Emits the events of batches one by one, and applies their first token and usage to the replaying run. */
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
      if (!last) throw new ChaintapError('not_in_log', `The log contains no run ${runId}. It may have been pruned, or be in another log.`)
      if (!isLast(last)) throw new TruncatedError(`The log does not contain the end of run ${runId}. The events it contains were replayed.`)
    },
  }
}

/** Folds events to the output of the logged run, or its partial output if it failed. */
function replayOutputFold(isLast: (event: RunEvent) => boolean): Fold<RunEvent, unknown> {
  let end: EndEvent | undefined
  return {
    add: (event) => {
      if (isLast(event)) end = event as EndEvent
    },
    result: () => (end?.type === 'end' ? end.output : end?.partial),
    isBounded: true,
  }
}
