import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpSpec } from '../support/random-models.ts'
import { runScenario, scenario } from '../support/random-scenario.ts'

const runs = fc.readConfigureGlobal().numRuns ?? 150

let server: Server
let origin = ''
/** Responses that have neither ended nor been disconnected. */
let open = 0

beforeAll(async () => {
  server = createServer((request, response) => {
    open++
    response.on('close', () => open--)
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      // The first half at once; the rest, if the client is still there, in a later turn.
      response.write(text.slice(0, text.length >> 1))
      setTimeout(() => response.end(text.slice(text.length >> 1)), 1)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const overHttp = fc.record({ model: httpSpec, rest: scenario }).map(({ model, rest }) => ({
  ...rest,
  spec: { is: 'parallel' as const, branches: [{ ...model, answers: 'real' as const }, rest.spec] },
}))

test(
  'random chains over a real fetch: every run ends once and every response is closed, with no unhandled rejection (P1, P2)',
  async () => {
    await fc.assert(
      fc.asyncProperty(overHttp, async (s) => {
        const faults = await runScenario(s, (text, signal) => fetch(origin, { method: 'POST', body: text, ...(signal && { signal }) }))
        expect(faults).toEqual([])
        await expect.poll(() => open).toBe(0)
      }),
      { numRuns: runs },
    )
  },
  Math.max(60_000, runs * 200),
)
