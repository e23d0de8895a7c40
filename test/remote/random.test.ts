import { type Handler, type Listener, lambda, type Runnable, StringOutputParser } from 'chaintap'
import { serve } from 'chaintap/edge'
import { RemoteRunnable } from 'chaintap/remote'
import { recorder } from 'chaintap/testing'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { resumableServer } from '../support/resumable.ts'
import { counted, Talker, turn } from '../support/sources.ts'

const url = 'https://app.example/chat'

const scenario = fc.record({
  chunks: fc.array(fc.array(fc.constantFrom('a', 'bb', 'é'), { maxLength: 3 }), { maxLength: 4 }),
  ends: fc.constantFrom('well', 'fails', 'stalls'),
  server: fc.constantFrom('plain', 'resumable'),
  cuts: fc.array(fc.nat(1_500), { maxLength: 4 }),
  /** The position of the remote in the chain, and how the run is read. */
  place: fc.constantFrom('alone', 'first', 'last', 'called'),
  way: fc.constantFrom('invoke', 'stream', 'events', 'drain'),
  leavesAfter: fc.option(fc.nat(5), { nil: undefined }),
  abort: fc.option(fc.nat(6), { nil: undefined }),
  slow: fc.boolean(),
  raisesAt: fc.option(fc.nat(12), { nil: undefined }),
  stopsAt: fc.option(fc.nat(12), { nil: undefined }),
})

type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

/** Handlers that are slow, that throw, and that stop the run of an event. */
function others({ slow, raisesAt, stopsAt }: Scenario): Handler[] {
  let [raise, stop] = [raisesAt, stopsAt]
  const raiser: Listener = () => {
    if (raise !== undefined && raise-- === 0) throw new Error('raised')
  }
  const stopper: Listener = (_, end) => {
    if (stop !== undefined && stop-- === 0) end?.(new Error('by a handler'))
  }
  const slowly: Listener = (event) => (event.seq % 3 === 0 ? turn(1) : undefined)
  return [...(slow ? [slowly] : []), Object.assign(raiser, { raiseError: true }), stopper]
}

function placed(remote: Runnable<string, string>, place: Scenario['place']): Runnable<string, string, unknown> {
  if (place === 'first') return remote.pipe(new StringOutputParser())
  if (place === 'last') return lambda((text: string) => text).pipe(remote)
  return place === 'called' ? lambda((text: string, context) => remote.invoke(text, context)) : remote
}

async function read(chain: Runnable<string, string, unknown>, s: Scenario, callbacks: Handler[], signal: AbortSignal): Promise<void> {
  const options = { callbacks, signal, onHandlerError: () => {} }
  if (s.way === 'invoke') return void (await chain.invoke('in', options))
  const run = s.way === 'events' ? chain.events('in', options) : chain.stream('in', options)
  if (s.leavesAfter !== undefined) setTimeout(() => run.stop(), 2 + s.leavesAfter)
  let left = s.leavesAfter ?? -1
  if (s.way === 'drain') await run.drain()
  else for await (const _ of run as AsyncIterable<unknown>) if (left-- === 0) break
  await run.flushed
}

test('for random cuts, handlers and cancellations, every run ends once on both sides and every body is closed (P1, P2)', async () => {
  await fc.assert(
    fc.asyncProperty(scenario, async (s) => {
      const talker = new Talker(() =>
        counted(s.chunks, {
          ...(s.ends === 'fails' && { error: new Error('socket') }),
          stall: s.ends === 'stalls',
          before: (chunk) => (chunk.length === 1 ? turn() : undefined),
        }),
      )
      const [here, there] = [recorder(), recorder()]
      const server = resumableServer(talker, { cut: (answer) => s.cuts[answer], callbacks: [there], piece: 120 })
      const fetch =
        s.server === 'plain' ? (request: Request) => serve(talker, { callbacks: [there], exposeErrors: true })(request, {}) : server.fetch
      const remote = new RemoteRunnable<string, string>(url, { fetch, reconnectDelay: () => 0 })
      const abort = new AbortController()
      if (s.abort !== undefined) setTimeout(() => abort.abort(new Error('abort')), s.abort)
      // Ends a run that stalls, so that the test ends.
      const last = setTimeout(() => abort.abort(new Error('at last')), 40)
      await read(placed(remote, s.place), s, [here, ...others(s)], abort.signal).catch(() => {})
      clearTimeout(last)
      // The server detects the disconnect a little later.
      await vi.waitFor(() => {
        expect([...here.open, ...there.open]).toEqual([])
        expect(talker.sources.filter((source) => source.isOpen())).toEqual([])
        expect(server.open()).toBe(0)
      }, patience)
      for (const recording of [here, there]) recording.check()
    }),
    { numRuns: 150 },
  )
}, 60_000)
