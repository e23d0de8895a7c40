import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anthropicSse } from 'chaintap/testing'

/** A provider on a real socket, which goes on talking until it is left. */
export interface Provider {
  readonly url: string
  /** Answers that have begun and neither ended nor been left. */
  readonly open: () => number
  /** Answers that were left before their end. */
  readonly left: () => number
  /** Tokens that were sent. */
  readonly tokens: () => number
  stop(): Promise<void>
}

/** Speaks Anthropic's wire format: a token each `paceMs`, endlessly; at 0 as many as are read. */
export async function startProvider({ paceMs = 5 }: { readonly paceMs?: number } = {}): Promise<Provider> {
  let [open, left, tokens] = [0, 0, 0]
  const events = anthropicSse({ text: ['one '] })
  const tokenAt = events.findIndex((event) => event.includes('text_delta'))
  const atOnce = paceMs === 0 ? 200 : 1
  const server = createServer((request, response) => {
    request.resume()
    open++
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(events.slice(0, tokenAt).join(''))
    const say = (): void => {
      tokens += atOnce
      if (response.write(events[tokenAt]?.repeat(atOnce))) next()
      else response.once('drain', next)
    }
    let timer: NodeJS.Timeout | undefined
    const next = (): void => {
      timer = setTimeout(say, paceMs)
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
