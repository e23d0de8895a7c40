import { Flow } from './flow.ts'
import { defaultFold } from './fold.ts'
import { terminatedReason } from './link.ts'
import type { Source, SourceResult } from './source.ts'

/** Pipes a flow through a user's TransformStream, with the backpressure of Web Streams. */
export function pipeThroughStream<O>(flow: Flow, stream: TransformStream<unknown, O>): Flow<O> {
  const joined = new Flow<O>(new TransformStreamBridge(flow, stream), defaultFold)
  joined.ready = flow.ready
  joined.passClock = flow.passClock
  return joined
}

/**
 * Writes the flow's chunks to the stream and reads the stream's output. When the flow fails, closes the stream and reads it to its end
 * before failing: an abort would drop the chunks that the stream still holds (P3).
 */
class TransformStreamBridge<O> implements Source<O> {
  readonly #flow: Flow
  readonly #writer: WritableStreamDefaultWriter<unknown>
  readonly #reader: ReadableStreamDefaultReader<O>
  #isWriting = false
  #isWritten = false
  #failure: { readonly error: unknown } | undefined

  constructor(flow: Flow, stream: TransformStream<unknown, O>) {
    this.#flow = flow
    this.#writer = stream.writable.getWriter()
    this.#reader = stream.readable.getReader()
    // `read()` rejects with every failure; these two promises would be unhandled rejections.
    this.#writer.closed.catch(() => {})
    this.#reader.closed.catch(() => {})
  }

  async next(): Promise<SourceResult<O>> {
    if (!this.#isWriting) {
      this.#isWriting = true
      void this.#write()
    }
    const read = (await this.#reader.read()) as SourceResult<O>
    if (!read.done) return read
    // The stream ended itself (`terminate()`), so the flow is no longer needed. In workerd the writer is not notified of that.
    if (!this.#isWritten) this.#flow.cancel(terminatedReason())
    if (this.#failure) throw this.#failure.error
    return read
  }

  cancel(reason: unknown): void {
    this.#flow.cancel(reason)
    void this.#reader.cancel(reason).catch(() => {})
    void this.#writer.abort(reason).catch(() => {})
  }

  async #write(): Promise<void> {
    try {
      for (let batch = await this.#flow.next(); batch; batch = await this.#flow.next()) {
        for (const chunk of batch) {
          await this.#writer.ready
          // The reader receives the stream's failures.
          this.#writer.write(chunk).catch(() => {})
        }
      }
    } catch (error) {
      this.#failure = { error }
    }
    this.#isWritten = true
    // The reader receives a failure to close, too.
    await this.#writer.close().catch(() => {})
  }
}
