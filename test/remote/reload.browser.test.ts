import { expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { resumableServer } from '../support/resumable.ts'
import { counted, Talker } from '../support/sources.ts'

const entry = new URL('../../src/remote/index.ts', import.meta.url).href

/** A page with a chat. `host` is the test, which has the server and checks what is shown. */
const page = `<script type="module">
  import { RemoteRunnable } from '${entry}'
  const chat = new RemoteRunnable('https://app.example/chat', {
    // Copied to a stream of this document, so that its promises belong to it.
    fetch: async (request) => {
      const { body, headers } = await parent.host.fetch(request)
      return new Response(body.pipeThrough(new TransformStream()), { headers })
    },
    onResumable: ({ id }) => sessionStorage.setItem('run', id),
  })
  const received = []
  const callbacks = [({ type, token }) => void (type === 'token' && received.push(token))]
  const id = sessionStorage.getItem('run')
  const run = id ? chat.resume(id, { callbacks }) : chat.stream('hi', { callbacks })
  for await (const text of run) parent.host.show(text)
  parent.host.over(received, (await run.outcome).status)
</script>`

// The process of WebKitGTK 2.50 hangs on a stream of one document that is piped in another.
const passesStreams = Symbol.asyncIterator in ReadableStream.prototype

test.runIf(passesStreams)(
  'a page reloaded during a response resumes it, with one call of the model (not WebKitGTK: its documents share no streams)',
  async () => {
    sessionStorage.removeItem('run')
    const more = Promise.withResolvers<void>()
    const talker = new Talker(() =>
      counted([['a', 'b'], ['c'], ['d']], { before: (chunk) => (chunk[0] === 'c' ? more.promise : undefined) }),
    )
    const server = resumableServer(talker)
    let shown: string[] = []
    const over = vi.fn()
    Object.assign(globalThis, { host: { fetch: server.fetch, show: (text: string) => shown.push(text), over } })
    const frame = document.createElement('iframe')
    frame.srcdoc = page
    document.body.appendChild(frame)
    await vi.waitFor(() => expect(shown).toEqual(['a', 'b']), patience)
    shown = []
    frame.srcdoc = page
    await vi.waitFor(() => expect(shown).toEqual(['a', 'b']), patience)
    more.resolve()
    await vi.waitFor(() => expect(over).toHaveBeenCalledWith(['a', 'b', 'c', 'd'], 'complete'), patience)
    expect(shown).toEqual(['a', 'b', 'c', 'd'])
    expect(talker.sources.length).toBe(1)
    expect(server.stopped).toEqual([])
    frame.remove()
    sessionStorage.removeItem('run')
  },
  30_000,
)
