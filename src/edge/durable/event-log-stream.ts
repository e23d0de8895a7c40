import { framesAfter } from '../response/event-frames.ts'
import { HEARTBEAT_COMMENT } from '../response/sse.ts'
import { EventLog } from './event-log.ts'
import type { LogChange } from './recorder.ts'

/**
 * A reader's bytes: the frames after `seq` from the log, then each commit as it comes. Nothing is held for a reader: who is slow finds in
 * the log what it has missed, and who does not read, or has left, is never asked for.
 */
export function createEventLogStream(
  log: EventLog,
  seq: number,
  changed: () => Promise<LogChange> | undefined,
): ReadableStream<Uint8Array> {
  let key = EventLog.keyAfter(seq)
  let isFirst = true
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        for (;;) {
          const piece = log.read(key)
          if (piece) {
            key = piece.key
            controller.enqueue(isFirst ? framesAfter(seq, piece.bytes) : piece.bytes)
            isFirst = false
            return
          }
          const change = changed()
          if (!change) {
            if (!log.isPastEnd(key)) return controller.close()
            // The outcome is for everybody, also for who says to have heard what nobody has.
            key = EventLog.keyAfter(log.lastSeq - 1)
          } else if ((await change) === 'beat') return controller.enqueue(new TextEncoder().encode(HEARTBEAT_COMMENT))
        }
      },
    },
    { highWaterMark: 0 },
  )
}
