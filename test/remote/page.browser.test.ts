import { RemoteRunnable } from 'chaintap/remote'
import { afterEach, expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { resumableServer } from '../support/resumable.ts'
import { counted, Talker, turn } from '../support/sources.ts'

const say = (target: EventTarget, type: string, properties: object = {}): void =>
  void target.dispatchEvent(Object.assign(new Event(type, { bubbles: true }), properties))

/** Makes the page look like a background tab. */
function hide(isHidden: boolean): void {
  Object.defineProperty(document, 'visibilityState', { value: isHidden ? 'hidden' : 'visible', configurable: true })
  say(document, 'visibilitychange')
}

afterEach(() => {
  Reflect.deleteProperty(document, 'visibilityState')
  vi.restoreAllMocks()
})

/** Starts a run that is silent after two chunks. `gets` counts the reconnects. */
async function silent(graceMs: number, cut?: number) {
  const talker = new Talker(() => counted([['a'], ['b']], { stall: true }))
  const server = resumableServer(talker, { cut: (answer) => (answer === 0 ? cut : undefined) })
  const remote = new RemoteRunnable<string, string>('https://app.example/chat', {
    fetch: server.fetch,
    graceMs,
    reconnectDelay: () => (cut === undefined ? 0 : 60_000),
  })
  const chunks: string[] = []
  const run = remote.stream('hi')
  const reading = (async () => {
    for await (const chunk of run) chunks.push(chunk)
  })()
  await vi.waitFor(() => {
    expect(server.requests.length).toBe(1)
    // The chunks were sent, or the connection was cut.
    if (cut === undefined) expect(chunks).toEqual(['a', 'b'])
    else expect(server.open()).toBe(0)
  }, patience)
  await turn(20)
  const end = async (): Promise<void> => {
    run.stop()
    await reading
    await run.flushed
  }
  return { gets: () => server.requests.filter(({ method }) => method === 'GET').length, chunks, end, server }
}

test('a page that is shown again reopens a silent connection and receives no event twice', async () => {
  const { gets, chunks, end, server } = await silent(0)
  hide(true)
  await turn(5)
  hide(false)
  await vi.waitFor(() => expect(gets()).toBe(1), patience)
  await vi.waitFor(() => expect(chunks).toEqual(['a', 'b']), patience)
  await end()
  expect(server.open()).toBe(0)
})

test('a page hidden for less than graceMs keeps its connection', async () => {
  const { gets, end } = await silent(60_000)
  for (let i = 0; i < 5; i++) {
    hide(true)
    await turn(2)
    hide(false)
  }
  await turn(20)
  expect(gets()).toBe(0)
  await end()
})

test('a page restored from the back/forward cache, or online again, reconnects regardless of graceMs', async () => {
  const { gets, end } = await silent(60_000)
  say(window, 'pagehide')
  await turn(2)
  say(window, 'pageshow', { persisted: true })
  await vi.waitFor(() => expect(gets()).toBe(1), patience)
  say(window, 'offline')
  await turn(2)
  say(window, 'online')
  await vi.waitFor(() => expect(gets()).toBe(2), patience)
  await end()
})

test('the `online` event ends a pause between attempts', async () => {
  const { gets, chunks, end } = await silent(60_000, 600)
  expect(gets()).toBe(0)
  say(window, 'offline')
  say(window, 'online')
  await vi.waitFor(() => expect(gets()).toBe(1), patience)
  await vi.waitFor(() => expect(chunks).toEqual(['a', 'b']), patience)
  await end()
})

test('resume() without a network sends its request at the `online` event', async () => {
  const server = resumableServer(new Talker(() => counted([['a'], ['b']])))
  let calls = 0
  const remote = new RemoteRunnable<string, string>('https://app.example/chat', {
    fetch: (request) => (request.method === 'GET' && ++calls === 1 ? Promise.reject(new TypeError('offline')) : server.fetch(request)),
    reconnectDelay: () => 60_000,
  })
  await remote.invoke('hi')
  const text = remote.attach(server.ids()[0] ?? '').invoke()
  await vi.waitFor(() => expect(calls).toBe(1), patience)
  await turn(20)
  say(window, 'offline')
  say(window, 'online')
  expect(await text).toBe('ab')
})

test('a run that has ended removes its page listeners', async () => {
  const added = vi.spyOn(globalThis, 'addEventListener')
  const removed = vi.spyOn(globalThis, 'removeEventListener')
  const { end } = await silent(0)
  await end()
  expect(added.mock.calls.length).toBeGreaterThan(0)
  for (const [type, listener] of added.mock.calls) expect(removed).toHaveBeenCalledWith(type, listener)
})
