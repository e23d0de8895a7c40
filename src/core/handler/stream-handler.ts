import { ChaintapError } from '../errors.ts'
import type { RunEvent } from '../event.ts'

type EventStream = TransformStream<RunEvent, RunEvent> | WritableStream<RunEvent>

/**
 * One writer per handler stream, shared by all runs: a writable can be locked only once. This is the only module state of core; it
 * keeps nothing alive longer than the stream.
 */
const writers = new WeakMap<EventStream, WritableStreamDefaultWriter<RunEvent>>()

/**
 * Creates a listener that writes events to a stream; the run waits for its backpressure. Drains the readable of a TransformStream unless
 * its owner has locked it. After a failed write, nothing more is written: the stream cannot recover, and one report suffices.
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
      'The handler stream is locked: it has a writer already. Pass an unlocked stream, or a function that uses your writer.',
    )
  }
  const writer = writable.getWriter()
  // The rejection of `write()` is reported; this promise would be an unhandled rejection.
  writer.closed.catch(() => {})
  writers.set(stream, writer)
  if ('readable' in stream && !stream.readable.locked) void stream.readable.pipeTo(new WritableStream()).catch(() => {})
  return writer
}
