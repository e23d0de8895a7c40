import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { recorder } from 'chaintap/testing'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'

// Only a real fetch rejects the read of a body that was cancelled in the same turn.
let server: Server
let closed = 0
const unhandled: unknown[] = []
const collect = (reason: unknown): void => void unhandled.push(reason)
let others: NodeJS.UnhandledRejectionListener[] = []

beforeAll(async () => {
  server = createServer((request, response) => {
    request.resume()
    response.on('close', () => closed++)
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})
beforeEach(() => {
  others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', collect)
  unhandled.length = 0
})
afterEach(() => {
  process.off('unhandledRejection', collect)
  for (const listener of others) process.on('unhandledRejection', listener)
})

const models = { ChatAnthropic, ChatOpenAI }
const cases = Array.from({ length: 13 }, (_, turn) => turn).flatMap((turn) =>
  Object.entries(models).map(([name, Model]) => [turn, name, Model] as const),
)

test.each(cases)(
  'a run stopped %i microtasks after its response leaves no open run, no open body and no unhandled rejection: %s (P1, P2)',
  async (turn, _, Model) => {
    const events = recorder()
    const abort = new AbortController()
    const before = closed
    const stoppingFetch: typeof fetch = async (...args) => {
      const response = await fetch(...args)
      let later = Promise.resolve()
      for (let count = 0; count < turn; count++) later = later.then(() => {})
      void later.then(() => abort.abort(new Error('enough')))
      return response
    }
    const { port } = server.address() as AddressInfo
    const model = new Model({ apiKey: 'a-key', maxRetries: 0, baseURL: `http://127.0.0.1:${port}`, fetch: stoppingFetch })
    const run = model.stream('Hi', { signal: abort.signal, callbacks: [events] })
    await expect(run.drain()).rejects.toThrow('enough')
    expect((await run.outcome).status).toBe('aborted')
    await run.flushed
    await expect.poll(() => closed).toBe(before + 1)
    expect(events.open).toEqual([])
    expect(unhandled).toEqual([])
  },
)
