import { terminatedReason } from '../errors.ts'
import { Flow } from './flow.ts'
import { defaultFold } from './fold.ts'
import type { Source, SourceResult } from './source.ts'

/** A flow through a TransformStream that a user made: a real pipe, with the streams' own backpressure. */
export function pipeThroughStream<O>(flow: Flow, stream: TransformStream<unknown, O>): Flow<O> {
  const joined = new Flow<O>(new TransformStreamBridge(flow, stream), defaultFold)
  joined.ready = flow.ready
  joined.passClock = flow.passClock
  return joined
}

/**
 * Writes what the flow gives, reads what the stream makes of it. When the flow fails, the stream is closed first and read to its end:
 * aborting it would drop what it holds (P3).
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
    // Reading tells of every failure; these two would be unhandled rejections beside it.
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
    // The stream ended itself: nothing upstream is needed any more, and in workerd the writer never hears of it.
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
          // The stream's own failure is met by the reader.
          this.#writer.write(chunk).catch(() => {})
        }
      }
    } catch (error) {
      this.#failure = { error }
    }
    this.#isWritten = true
    // Its own failure in closing is met by the reader.
    await this.#writer.close().catch(() => {})
  }
}
