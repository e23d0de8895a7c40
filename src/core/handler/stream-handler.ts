import { ChaintapError } from '../errors.ts'
import type { RunEvent } from '../event.ts'

type EventStream = TransformStream<RunEvent, RunEvent> | WritableStream<RunEvent>

/**
 * One writer per stream for all the runs it is a handler of: a writable can be locked once. The one piece of module state; it holds
 * nothing that the stream itself does not keep alive.
 */
const writers = new WeakMap<EventStream, WritableStreamDefaultWriter<RunEvent>>()

/**
 * A stream as a listener: it is written to, and the run waits as streams wait. A TransformStream's readable is drained here, unless
 * its owner reads it. After a failed write the stream is left alone: it will not recover, and one report is enough.
 */
export function streamListener(stream: EventStream): (event: RunEvent) => Promise<void> | undefined {
  const writer = getEventWriter(stream)
  let failed = false
  return (event) => {
    if (failed) return
    return writer.write(event).catch((error: unknown) => {
      if (failed) return
      failed = true
      throw error
    })
  }
}

function getEventWriter(stream: EventStream): WritableStreamDefaultWriter<RunEvent> {
  const known = writers.get(stream)
  if (known) return known
  const writable = 'writable' in stream ? stream.writable : stream
  if (writable.locked) {
    throw new ChaintapError(
      'stream_taken',
      'This stream has a writer already, so it cannot be a handler. Pass an unlocked one, or a function that writes to yours.',
    )
  }
  const writer = writable.getWriter()
  // A write's own rejection is what gets reported; this promise would be an unhandled one beside it.
  writer.closed.catch(() => {})
  writers.set(stream, writer)
  if ('readable' in stream && !stream.readable.locked) void stream.readable.pipeTo(new WritableStream()).catch(() => {})
  return writer
}
