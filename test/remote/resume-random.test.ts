import { Disconnect } from 'chaintap'
import { RemoteRunnable } from 'chaintap/remote'
import { recorder } from 'chaintap/testing'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { resumableServer } from '../support/resumable.ts'
import { counted, readAll, Talker, turn } from '../support/sources.ts'

const scenario = fc.record({
  answers: fc.array(fc.constantFrom('well', 'refused', 'down', 'out of reach', 'never', 'a page'), { maxLength: 6 }),
  cuts: fc.array(fc.nat(1_500), { maxLength: 4 }),
  maxReconnects: fc.nat(4),
  stopAfter: fc.option(fc.nat(12), { nil: undefined }),
  isDisconnect: fc.boolean(),
})

/** Creates a server that responds to resume requests as the scenario says. */
function serverOf({ answers, cuts }: { readonly answers: readonly string[]; readonly cuts: readonly number[] }) {
  const talker = new Talker(() => counted([['a'], ['b'], ['c', 'd']], { before: () => turn() }))
  const server = resumableServer(talker, { cut: (answer) => cuts[answer], piece: 150 })
  const left = [...answers]
  const fetch = async (request: Request): Promise<Response> => {
    const answer = request.method === 'POST' ? 'well' : left.shift()
    await turn()
    if (answer === 'out of reach') throw new TypeError('network')
    if (answer === 'never') return new Promise(() => {})
    if (answer === 'a page') return new Response('<p>', { headers: { 'content-type': 'text/html' } })
    if (answer === 'refused' || answer === 'down') return new Response(null, { status: answer === 'down' ? 503 : 404 })
    return server.fetch(request)
  }
  return { server, fetch }
}

test('for random responses to resume requests, each event is emitted once and in order, and only stop() stops the run (P1, P2)', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async ({ stopAfter, isDisconnect, maxReconnects, ...answers }) => {
      const { server, fetch } = serverOf(answers)
      const remote = new RemoteRunnable<string, string>('https://app.example/chat', {
        fetch,
        maxReconnects,
        reconnectDelay: () => 0,
        idleMs: 15,
      })
      const before = remote.stream('hi')
      await before[Symbol.asyncIterator]()
        .next()
        .catch(() => {})
      before.stop(new Disconnect())
      await before.flushed
      const recording = recorder()
      const run = remote.resume(server.ids()[0] ?? '', { callbacks: [recording] })
      if (stopAfter !== undefined) setTimeout(() => run.stop(isDisconnect ? new Disconnect() : undefined), stopAfter)
      const { chunks } = await readAll(run)
      await run.flushed
      recording.check()
      const { status } = await run.outcome
      expect(status === 'complete' ? ['abcd'] : ['', 'a', 'ab', 'abc', 'abcd']).toContain(chunks.join(''))
      if (stopAfter === undefined || isDisconnect) expect(server.stopped).toEqual([])
      await vi.waitFor(() => expect(server.open()).toBe(0), patience)
    }),
    { numRuns: 60 },
  )
})
