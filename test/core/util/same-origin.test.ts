import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { RemoteRunnable } from 'chaintap/remote'
import { anthropicJson, openaiJson } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { mentions } from '../../support/secrets.ts'

const SECRET = 'SECRET-KEY-0123456789abcdef'
const own = 'https://own.example'
const ok =
  'event: start\ndata: {"at":1,"seq":0,"type":"start","input":1,"run":{"id":"r","rootId":"r","name":"R","kind":"chain","tags":[],"metadata":{}}}\n\n'
const complete = 'event: outcome\ndata: {"status":"complete","durationMs":1}\n\n'

interface Sent {
  readonly url: string
  readonly method: string
  readonly redirect: unknown
  readonly body: string
}

/** A `fetch` that answers each request with the next response, and the last one forever. */
function answering(...responses: (() => Response)[]) {
  const sent: Sent[] = []
  const fetch = async (input: Request | URL | string, init: RequestInit = {}): Promise<Response> => {
    const isRequest = input instanceof Request
    const { method = 'GET', redirect } = isRequest ? input : init
    const body = isRequest ? await input.text() : typeof init.body === 'string' ? init.body : ''
    sent.push({ url: isRequest ? input.url : String(input), method, redirect, body })
    return (responses[Math.min(sent.length, responses.length) - 1] as () => Response)()
  }
  return { sent, fetch }
}

const redirect = (status: number, location: string) => () => new Response('moved', { status, headers: { location } })
/** The response that browsers return for a redirect that they do not follow. */
const opaque = () => Object.defineProperty(Response.error(), 'type', { value: 'opaqueredirect' })

const callers: Record<string, { call(fetch: typeof globalThis.fetch): Promise<unknown>; answer(): Response }> = {
  ChatAnthropic: {
    call: (fetch) => new ChatAnthropic({ apiKey: SECRET, dangerouslyAllowBrowser: true, baseURL: own, fetch }).invoke('private question'),
    answer: () => Response.json(anthropicJson({ text: ['Hi'] })),
  },
  ChatOpenAI: {
    call: (fetch) =>
      new ChatOpenAI({ apiKey: SECRET, dangerouslyAllowBrowser: true, baseURL: own, fetch, headers: { 'api-key': SECRET } }).invoke(
        'private question',
      ),
    answer: () => Response.json(openaiJson({ text: ['Hi'] })),
  },
  RemoteRunnable: {
    call: (fetch) =>
      new RemoteRunnable(`${own}/v1`, { headers: { 'x-api-key': SECRET }, fetch: (request) => fetch(request) }).invoke('private question'),
    answer: () => new Response(ok + complete, { headers: { 'content-type': 'text/event-stream' } }),
  },
}

describe.each(Object.entries(callers))('%s', (_, { call, answer }) => {
  const locations = fc.constantFrom(
    'https://evil.example',
    'http://own.example',
    'https://own.example:444',
    '//evil.example',
    'https://own.example.evil',
    'https://own.example@evil.example',
  )
  const statuses = fc.constantFrom(301, 302, 303, 307, 308)

  test('sends nothing to another origin, and the error names its origin only (P11)', async () => {
    await fc.assert(
      fc.asyncProperty(statuses, locations, fc.boolean(), async (status, location, isSecond) => {
        const { sent, fetch } = answering(
          ...(isSecond ? [redirect(307, '/moved')] : []),
          redirect(status, `${location}/private-path?q=private-query`),
        )
        const error = await call(fetch).catch((error: unknown) => error)
        const { origin } = new URL(location, own)
        expect(error).toMatchObject({
          code: 'http',
          status,
          message: expect.stringContaining(`redirected the request to ${origin}.`),
        })
        expect(mentions(error, 'private-')).toEqual([])
        expect(sent).toHaveLength(isSecond ? 2 : 1)
        expect(sent.every(({ url, redirect }) => new URL(url).origin === own && redirect === 'manual')).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  test('follows redirects within the origin as fetch does', async () => {
    for (const [status, method] of [
      [307, 'POST'],
      [308, 'POST'],
      [301, 'GET'],
      [302, 'GET'],
      [303, 'GET'],
    ] as const) {
      const { sent, fetch } = answering(redirect(status, `https://user@own.example/moved?a=1`), answer)
      await call(fetch)
      expect(sent[1]).toMatchObject({ url: `${own}/moved?a=1`, method, redirect: 'manual' })
      expect(sent[1]?.body.includes('private question')).toBe(method === 'POST')
    }
  })

  test('refuses a redirect whose target a browser hides, without a second request', async () => {
    const { sent, fetch } = answering(opaque)
    await expect(call(fetch)).rejects.toMatchObject({ code: 'http', status: undefined, message: expect.stringContaining('hidden') })
    expect(sent).toHaveLength(1)
  })

  test('ends a circle of redirects after 20, and answers other statuses below 400 as before', async () => {
    const circle = answering(redirect(307, '/again'))
    await expect(call(circle.fetch)).rejects.toMatchObject({ code: 'http', message: expect.stringContaining('more than 20 times') })
    expect(circle.sent).toHaveLength(21)
    const odd = answering(() => new Response('', { status: 300 }))
    await expect(call(odd.fetch)).rejects.toMatchObject({ code: 'http', status: 300 })
    expect(odd.sent).toHaveLength(1)
  })
})
