type BatchGenerator<T> = AsyncGenerator<readonly T[], void>

/** A stream of what comes in batches. Nothing is begun before somebody reads; whoever makes the batches is told when the reader has left. */
export function streamFromBatches<T>(make: (left: Promise<void>) => Promise<BatchGenerator<T>>): ReadableStream<T> {
  const left = Promise.withResolvers<void>()
  let batches: Promise<BatchGenerator<T>> | undefined
  return new ReadableStream<T>(
    {
      async pull(controller) {
        batches ??= make(left.promise)
        const { value, done } = await (await batches).next()
        if (done) return controller.close()
        for (const item of value) controller.enqueue(item)
      },
      async cancel() {
        left.resolve()
        await (await batches)?.return()
      },
    },
    { highWaterMark: 0 },
  )
}
