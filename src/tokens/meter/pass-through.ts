/** How reading comes to its end. */
export type BodyEndReason = 'end' | 'cancel' | 'abort' | 'error'

/** What is told of a body that is read through it. Neither throws. */
export interface BodyObserver {
  onChunk(chunk: Uint8Array): void
  onEnd(ending: BodyEndReason): void
}

type MeteredBytes = Uint8Array<ArrayBuffer>

/**
 * A body that is read through: the same chunks, each when it is asked for, and none before. Not a `tee`, which reads at the pace of the
 * faster branch, keeps the rest for the other, and cancels only when both have.
 */
export function passThroughBody(body: ReadableStream<MeteredBytes>, tap: BodyObserver): ReadableStream<MeteredBytes> {
  const reader = body.getReader()
  let [isReading, isOver] = [false, false]
  let controller: ReadableStreamDefaultController<MeteredBytes>
  const over = (ending: BodyEndReason): void => {
    isOver = true
    tap.onEnd(ending)
  }
  const onRead = ({ done, value }: ReadableStreamReadResult<MeteredBytes>): void => {
    isReading = false
    if (isOver) return
    if (done) {
      over('end')
      return controller.close()
    }
    // Before the chunk goes on: who gets it may transfer it. A body that somebody made may be of anything.
    if (ArrayBuffer.isView(value)) tap.onChunk(value)
    controller.enqueue(value)
  }
  const onError = (error: unknown): void => {
    if (isOver) return
    over(Object(error).name === 'AbortError' ? 'abort' : 'error')
    controller.error(error)
  }
  // Without a promise: the stream's own machinery around one costs 80 ns per chunk. One read at a time is what it is there for.
  const pull = (): void => {
    if (isReading) return
    isReading = true
    reader.read().then(onRead, onError)
  }
  const cancel = (reason: unknown): Promise<void> => {
    over('cancel')
    return reader.cancel(reason)
  }
  return new ReadableStream({ start: (given) => void (controller = given), pull, cancel }, { highWaterMark: 0 })
}

/** Gives a response that was made of another what the constructor leaves out, and what is `ours`. Its clones have it too. */
export function copyResponseMetadata(response: Response, { url, redirected, type }: Response, ours: object): Response {
  const clone = (): Response => copyResponseMetadata(Response.prototype.clone.call(response), { url, redirected, type } as Response, ours)
  const kept = { url, redirected, type, clone, ...ours }
  for (const key of Reflect.ownKeys(kept)) {
    Object.defineProperty(response, key, { value: kept[key as keyof typeof kept], configurable: true })
  }
  return response
}
