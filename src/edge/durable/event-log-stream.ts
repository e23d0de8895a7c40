import { framesAfter } from '../response/event-frames.ts'
import { HEARTBEAT_COMMENT } from '../response/sse.ts'
import { EventLog } from './event-log.ts'
import type { LogChange } from './recorder.ts'

/**
 * Creates the stream of one reader: the frames after `seq` from the log, then each commit. Nothing is buffered for a reader: a slow one
 * reads from the log what it missed.
 *
 * @param nextChange Returns the promise of the next change; undefined if the run is over.
 */
export function createEventLogStream(
  log: EventLog,
  seq: number,
  nextChange: () => Promise<LogChange> | undefined,
): ReadableStream<Uint8Array> {
  let key = EventLog.keyAfter(seq)
  let isFirst = true
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const chunk = log.read(key)
          if (chunk) {
            key = chunk.key
            controller.enqueue(isFirst ? framesAfter(seq, chunk.bytes) : chunk.bytes)
            isFirst = false
            return
          }
          const change = nextChange()
          if (!change) {
            if (!log.isPastEnd(key)) return controller.close()
            // Every reader gets the outcome, even one whose `seq` is past the end.
            key = EventLog.keyAfter(log.lastSeq - 1)
          } else if ((await change) === 'beat') return controller.enqueue(new TextEncoder().encode(HEARTBEAT_COMMENT))
        }
      },
    },
    { highWaterMark: 0 },
  )
}
