import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anthropicSse } from 'chaintap/testing'

/** A provider on a real socket that streams until the client disconnects. */
export interface Provider {
  readonly url: string
  /** The number of responses that have begun and not ended. */
  readonly open: () => number
  /** The number of responses that the client disconnected. */
  readonly left: () => number
  /** The number of sent tokens. */
  readonly tokens: () => number
  stop(): Promise<void>
}

/** Streams Anthropic's format endlessly: one token every `paceMs` ms; with 0 as fast as the client reads. */
export async function startProvider({ paceMs = 5 }: { readonly paceMs?: number } = {}): Promise<Provider> {
  let [open, left, tokens] = [0, 0, 0]
  const events = anthropicSse({ text: ['one '] })
  const tokenAt = events.findIndex((event) => event.includes('text_delta'))
  const tokensPerWrite = paceMs === 0 ? 200 : 1
  const server = createServer((request, response) => {
    request.resume()
    open++
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(events.slice(0, tokenAt).join(''))
    const write = (): void => {
      tokens += tokensPerWrite
      if (response.write(events[tokenAt]?.repeat(tokensPerWrite))) next()
      else response.once('drain', next)
    }
    let timer: NodeJS.Timeout | undefined
    const next = (): void => {
      timer = setTimeout(write, paceMs)
    }
    next()
    response.on('close', () => {
      clearTimeout(timer)
      open--
      left++
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    open: () => open,
    left: () => left,
    tokens: () => tokens,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
