import { offlineFetch } from 'chaintap/testing'

/** Statistics of the offline model's answers since this Worker started, for tests. No other state outlives a request. */
export const upstream: { opened: number; open: number; cancelled: number } = { opened: 0, open: 0, cancelled: 0 }

/** Reads `?pace=500`, the delay of the offline model before each token, in ms. Maximum: one minute. Default: 40 ms. */
export function paceOf({ searchParams }: URL): number {
  const pace = Number(searchParams.get('pace') ?? 40)
  return pace >= 0 ? Math.min(pace, 60_000) : 40
}

/** Returns a `fetch` that calls the offline model instead of the network, and counts its answers. */
export function offline(delayMs: number): typeof globalThis.fetch {
  const fetch = offlineFetch({ delayMs })
  return async (input, init) => {
    const response = await fetch(input, init)
    return new Response(response.body && counted(response.body), response)
  }
}

function counted(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let isOpen = true
  upstream.opened++
  upstream.open++
  const close = ({ cancelled }: { cancelled: boolean }): void => {
    if (!isOpen) return
    isOpen = false
    upstream.open--
    if (cancelled) upstream.cancelled++
  }
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value } = await reader.read().catch((reason: unknown) => {
          // The request was aborted.
          close({ cancelled: true })
          throw reason
        })
        if (value) return controller.enqueue(value)
        close({ cancelled: false })
        controller.close()
      },
      cancel(reason) {
        close({ cancelled: true })
        return reader.cancel(reason)
      },
    },
    // Each pull is one read: nothing is read ahead.
    { highWaterMark: 0 },
  )
}
