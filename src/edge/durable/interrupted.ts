import { AbortReason, ChaintapError, TruncatedError } from '../../core/errors.ts'
import type { EndEvent, Run, RunEvent } from '../../core/event.ts'
import { decoder } from '../../core/json/index.ts'
import type { Outcome } from '../../core/outcome.ts'
import { addUsage, type Usage } from '../../core/usage.ts'
import { eventFrameEncoder, eventFrameJson } from '../response/event-frames.ts'
import { type EventFrame, EventLog } from './event-log.ts'

/** Ends a run whose process was lost: creates the `error` events of the open runs, children before parents (P1), and the outcome. */
export function endInterruptedRun(log: EventLog): { readonly frames: readonly EventFrame[]; readonly outcome: Outcome<unknown> } {
  const open = new Map<string, { readonly run: Run; readonly depth: number }>()
  let [began, at, firstToken]: (number | undefined)[] = []
  let usage: Usage | undefined
  let end: EndEvent | undefined
  for (const event of readLoggedEvents(log)) {
    const { run, type } = event
    at = event.at
    began ??= at
    if (type === 'token') firstToken ??= at
    if (type === 'start') open.set(run.id, { run, depth: (open.get(run.parentId ?? '')?.depth ?? -1) + 1 })
    if (type !== 'end' && type !== 'error') continue
    open.delete(run.id)
    usage = addUsage(usage, event.usage)
    if (run.id === run.rootId) end = event
  }
  const lost = new ChaintapError(
    'interrupted',
    'The server restarted during this run. The output received so far is valid; start a new run for the rest.',
  )
  const encodeFrame = eventFrameEncoder((error) => error)
  const frames = [...open.values()]
    .sort((a, b) => b.depth - a.depth)
    .map(({ run }, index): EventFrame => {
      const event: RunEvent = { run, at: Date.now(), seq: log.lastSeq + 1 + index, type: 'error', error: lost, partial: undefined }
      return { seq: event.seq, text: encodeFrame(event) }
    })
  const [start = 0, last = start] = [began, at]
  const firstTokenMs = firstToken === undefined ? undefined : firstToken - start
  return { frames, outcome: { ...rootOutcome(end, lost), usage, firstTokenMs, durationMs: last - start } }
}

/** Returns how the root ended. It may have ended before the process was lost, with only the outcome missing. */
function rootOutcome(end: EndEvent | undefined, lost: ChaintapError) {
  if (end?.type === 'end') return { status: 'complete', output: end.output } as const
  const error = end ? end.error : lost
  return { status: outcomeStatusForError(error), error, partial: end?.partial }
}

function outcomeStatusForError(error: unknown): 'aborted' | 'truncated' | 'failed' {
  if (error instanceof AbortReason) return 'aborted'
  return error instanceof TruncatedError ? 'truncated' : 'failed'
}

function* readLoggedEvents(log: EventLog): Generator<RunEvent> {
  const decode = decoder()
  const utf8 = new TextDecoder()
  let rest = ''
  for (let chunk = log.read(EventLog.keyAfter(-1)); chunk; chunk = log.read(chunk.key)) {
    const frames = (rest + utf8.decode(chunk.bytes, { stream: true })).split('\n\n')
    rest = frames.pop() ?? ''
    for (const frame of frames) yield decode(eventFrameJson(frame))
  }
}
