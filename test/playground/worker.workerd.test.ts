import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import type { RunEvent } from 'chaintap'
import { decoder, parse } from 'chaintap/json'
import { type AnthropicAnswer, anthropicJson, anthropicSse, type FaultyAnswer, faultyFetch } from 'chaintap/testing'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { upstream } from '../../playground/offline.ts'
import worker from '../../playground/worker.ts'
import { patience } from '../support/patience.ts'

const key = 'sk-ant-not-a-key'

type Sent = Request<unknown, IncomingRequestCfProperties>

function call(path: string, init?: RequestInit, env: Parameters<typeof worker.fetch>[1] = {}) {
  const context = createExecutionContext()
  return { context, answered: worker.fetch(new Request(`https://playground.test${path}`, init) as Sent, env, context) }
}

const asking = (question: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ input: { question } }),
})

async function framesOf(response: Response): Promise<readonly EventSourceMessage[]> {
  const frames: EventSourceMessage[] = []
  createParser({ onEvent: (frame) => frames.push(frame) }).feed(await response.text())
  return frames
}

function readerOf({ body }: Response): ReadableStreamDefaultReader<string> {
  return (body as ReadableStream<BufferSource>).pipeThrough(new TextDecoderStream()).getReader()
}

/** Reads an answer until its first token. */
async function untilToken(response: Response): Promise<ReadableStreamDefaultReader<string>> {
  const reader = readerOf(response)
  for (let { value } = await reader.read(); !value?.includes('event: token'); { value } = await reader.read()) {
    if (value === undefined) throw new Error('The answer ended without a token')
  }
  return reader
}

function provider(answer: FaultyAnswer): ReturnType<typeof faultyFetch> {
  const fetch = faultyFetch(answer)
  vi.stubGlobal('fetch', fetch)
  return fetch
}

afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

describe('a response', () => {
  it('contains the numbered events of the whole run tree, and then the outcome', async () => {
    const { answered, context } = call('/api/chain?pace=0', asking('What is 17 + 4 * 2?'))
    const response = await answered
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('no-cache, no-transform')
    const frames = await framesOf(response)
    const events = frames.slice(0, -1)
    const decoded: readonly RunEvent[] = events.map(({ data }) => data).map(decoder())
    expect(events.map(({ id }) => id)).toEqual(decoded.map((_, i) => `${i}`))
    expect(decoded.map(({ seq, type }) => [`${seq}`, type])).toEqual(events.map(({ id, event }) => [id, event]))
    expect(decoded.filter(({ type }) => type === 'start').map(({ run }) => run.name)).toEqual([
      'RunnableSequence',
      'ChatPromptTemplate',
      'ChatOpenAI',
      'StringOutputParser',
    ])
    expect(decoded.at(-1)).toMatchObject({ type: 'end', output: '17 + 4 * 2 = 25.' })
    expect(frames.at(-1)).toMatchObject({ event: 'outcome', id: undefined })
    expect(JSON.parse(frames.at(-1)?.data ?? '')).toMatchObject({ status: 'complete', usage: { inputTokens: 21, outputTokens: 8 } })
    await waitOnExecutionContext(context)
  })

  it('sends heartbeats while the model is silent, and none after it is cancelled', async () => {
    vi.useFakeTimers()
    const reader = readerOf(await call('/api/chain?pace=60000', asking('hello')).answered)
    let received = ''
    for (const upTo of ['"ChatOpenAI"', ': heartbeat\n\n']) {
      while (!received.includes(upTo)) {
        const read = reader.read()
        if (received.includes('"ChatOpenAI"')) await vi.advanceTimersByTimeAsync(15_000)
        received += (await read).value
      }
    }
    expect(received).not.toContain('event: token')
    await reader.cancel()
    await vi.waitFor(() => expect(vi.getTimerCount()).toBe(0), patience)
  })
})

describe('a disconnected client closes the upstream (P2)', () => {
  it('by cancelling the response body', async () => {
    const { opened, cancelled } = upstream
    const reader = await untilToken(await call('/api/chain?pace=5', asking('a joke about a very, very patient tortoise')).answered)
    expect(upstream).toEqual({ opened: opened + 1, open: 1, cancelled })
    await reader.cancel()
    await vi.waitFor(() => expect(upstream).toEqual({ opened: opened + 1, open: 0, cancelled: cancelled + 1 }), patience)
  })

  it('by closing the connection, which aborts the request’s signal', async () => {
    const { opened, cancelled } = upstream
    const controller = new AbortController()
    const init = { ...asking('a joke about a very, very patient tortoise'), signal: controller.signal }
    const reader = await untilToken(await call('/api/chain?pace=5', init).answered)
    controller.abort()
    await vi.waitFor(() => expect(upstream).toEqual({ opened: opened + 1, open: 0, cancelled: cancelled + 1 }), patience)
    let last: string | undefined
    for (let { value } = await reader.read(); value !== undefined; { value } = await reader.read()) last = value
    expect(last).toContain('"status":"aborted"')
  })
})

describe('with an API key', () => {
  const env = { ANTHROPIC_API_KEY: key }

  it('the same chain calls the provider', async () => {
    const fetch = provider({ body: anthropicSse({ text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }) })
    expect(await (await call('/api/model', undefined, env).answered).json()).toEqual({ name: 'claude-haiku-4-5', offline: false })
    const frames = await framesOf(await call('/api/chain', asking('hello'), env).answered)
    expect(JSON.parse(frames.at(-2)?.data ?? '')).toMatchObject({ type: 'end', output: 'Hello' })
    expect(fetch.calls).toMatchObject([{ url: 'https://api.anthropic.com/v1/messages', body: { model: 'claude-haiku-4-5', stream: true } }])
    expect((await call('/api/upstream', undefined, env).answered).status).toBe(404)
  })

  it('the outcome has the provider’s error message, without the key (P11)', async () => {
    const refused: AnthropicAnswer = { error: { type: 'authentication_error', message: `invalid x-api-key: ${key}` } }
    provider({ status: 401, body: JSON.stringify(anthropicJson(refused)) })
    const text = await (await call('/api/chain', asking('hello'), env).answered).text()
    const outcome = parse(text.slice(text.lastIndexOf('data: ') + 'data: '.length))
    expect(outcome).toMatchObject({
      status: 'failed',
      error: expect.objectContaining({ message: expect.stringContaining('invalid x-api-key') }),
    })
    expect(text).not.toContain(key)
  })

  it('OFFLINE selects the offline model even with a key', async () => {
    expect(await (await call('/api/model', undefined, { ...env, OFFLINE: '1' }).answered).json()).toEqual({
      name: 'offline',
      offline: true,
    })
  })
})

describe('an invalid request is refused with a message', () => {
  const json = { 'content-type': 'application/json' }
  const endless = () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(1_024)) })

  it.each<[string, number, RequestInit, RegExp]>([
    ['another method', 405, { method: 'GET' }, /GET is not allowed: use POST/],
    ['a form', 415, { method: 'POST', body: new URLSearchParams({ question: 'hello' }) }, /x-www-form-urlencoded/],
    ['no type', 415, { method: 'POST' }, /received missing/],
    ['no JSON', 400, { method: 'POST', headers: json, body: '{' }, /must be a JSON object/],
    ['no object', 400, { method: 'POST', headers: json, body: 'null' }, /must be a JSON object/],
    ['no input', 400, { method: 'POST', headers: json, body: '{}' }, /must be a JSON object/],
    ['16 KB and more', 413, asking('1'.repeat(16 * 1_024)), /16384 bytes/],
    ['a body without end', 413, { method: 'POST', headers: json, body: endless() }, /16384 bytes/],
  ])('%s: %i', async (_, status, init, words) => {
    const { opened } = upstream
    const response = await call('/api/chain', init).answered
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ error: expect.stringMatching(words) })
    expect(upstream.opened).toBe(opened)
  })

  it('an unknown path: 404', async () => {
    expect((await call('/api/nothing').answered).status).toBe(404)
  })
})
