type BatchGenerator<T> = AsyncGenerator<readonly T[], void>

/** Returns a stream of the items of batches. `start` is called on the first read; its `cancelled` resolves when the stream is cancelled. */
export function streamFromBatches<T>(start: (cancelled: Promise<void>) => Promise<BatchGenerator<T>>): ReadableStream<T> {
  const cancelled = Promise.withResolvers<void>()
  let batches: Promise<BatchGenerator<T>> | undefined
  return new ReadableStream<T>(
    {
      async pull(controller) {
        batches ??= start(cancelled.promise)
        const { value, done } = await (await batches).next()
        if (done) return controller.close()
        for (const item of value) controller.enqueue(item)
      },
      async cancel() {
        cancelled.resolve()
        await (await batches)?.return()
      },
    },
    { highWaterMark: 0 },
  )
}
