import { meter, meterMiddleware, tagged, type UsageListener, type UsageRecord, usageTag } from 'chaintap/meter'
import { anthropicSse, type FaultyAnswer, openaiJson, openaiSse } from 'chaintap/testing'
import { describe, expect, test, vi } from 'vitest'
import { answerOf, metered, read, stable, urlOf } from '../../contracts/meter.ts'
import { fixture } from '../../support/fixtures.ts'
import { mentions } from '../../support/secrets.ts'
import { turn } from '../../support/sources.ts'

const anthropic = 'https://api.anthropic.com/v1/messages'
const openai = 'https://api.openai.com/v1/chat/completions'
const post = { method: 'POST', body: '{"stream":true}' }
const hello = { text: ['Hel', 'lo'], usage: { inputTokens: 25, outputTokens: 15 } }

describe('meter() emits one record for each way in which an answer ends', () => {
  const events: FaultyAnswer = { body: anthropicSse(hello), split: 'events' }

  /** Sends a request, reads some chunks, performs the action, and lets everything settle. */
  async function leaving(chunks: number, answer: FaultyAnswer, leave: (reader: ReadableStreamDefaultReader, abort: () => void) => unknown) {
    const { fetch, records, scripted } = metered(answer)
    const controller = new AbortController()
    const response = await fetch(anthropic, { ...post, signal: controller.signal })
    const reader = response.body?.getReader() as ReadableStreamDefaultReader
    for (let i = 0; i < chunks; i++) await reader.read()
    const seen = await leave(reader, () => controller.abort(new Error('Enough')))
    await turn()
    return { records, scripted, seen }
  }

  /** The error of further reading. */
  const failure = async (reader: ReadableStreamDefaultReader): Promise<unknown> => {
    try {
      while (!(await reader.read()).done);
    } catch (error) {
      return error
    }
  }

  const left = { inputTokens: 25, outputTokens: 1, totalTokens: 26, requests: 1, source: 'partial' }

  test('read to the end', async () => {
    const { fetch, records } = metered(events)
    await (await fetch(anthropic, post)).text()
    const usage = { inputTokens: 25, outputTokens: 15, totalTokens: 40, requests: 1, source: 'provider' }
    expect(records).toMatchObject([{ reason: 'end', complete: true, usage }])
    expect(records[0]?.durationMs).toBeGreaterThanOrEqual(0)
  })

  test('cancelled, with the reason passed on', async () => {
    const reason = { because: 'enough' }
    const { records, scripted } = await leaving(3, events, (reader) => reader.cancel(reason))
    expect(records).toMatchObject([{ reason: 'cancel', complete: false, usage: left }])
    expect(scripted.cancels).toEqual([reason])
    expect(scripted.open).toBe(0)
  })

  test('aborted: the reader receives the fetch’s error', async () => {
    const { records, seen } = await leaving(3, { ...events, stallAfter: 500 }, async (reader, abort) => {
      const failed = failure(reader)
      await turn()
      abort()
      return failed
    })
    expect(records).toMatchObject([{ reason: 'abort', complete: false, usage: left }])
    expect(String(seen)).toMatch(/Enough/)
  })

  test('aborted with a fetch that ignores the signal: the record is emitted at once, and the data continues', async () => {
    const { records, seen } = await leaving(3, { ...events, deaf: true }, async (reader, abort) => {
      abort()
      const chunks: unknown[] = []
      for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
      return chunks.length
    })
    expect(records).toMatchObject([{ reason: 'abort', complete: false, usage: left }])
    expect(seen).toBe(anthropicSse(hello).length - 3)
  })

  test('aborted before the request, with a fetch that ignores the signal', async () => {
    const { fetch, records } = metered({ ...events, deaf: true })
    await fetch(anthropic, { ...post, signal: AbortSignal.abort() })
    expect(records).toMatchObject([{ reason: 'abort', complete: false, provider: 'anthropic' }])
    expect(records[0]).not.toHaveProperty('usage')
  })

  test('a lost connection: the reader receives the same error', async () => {
    const { records, seen } = await leaving(1, { ...events, dropAfter: 600 }, failure)
    expect(records).toMatchObject([{ reason: 'error', complete: false, usage: left }])
    expect(seen).toBeInstanceOf(TypeError)
    expect(String(seen)).toMatch(/terminated/)
  })

  test('an AbortError without an aborted signal', async () => {
    const failing = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new DOMException('Gone', 'AbortError')) })
    const records: UsageRecord[] = []
    const fetch = meter(
      async () => new Response(failing, { headers: { 'content-type': 'text/event-stream' } }),
      (record) => void records.push(record),
    )
    await (await fetch(anthropic, post)).text().catch(() => {})
    expect(records).toMatchObject([{ reason: 'abort' }])
  })

  test('a body without the provider’s end marker', async () => {
    const { fetch, records } = metered({ ...events, truncateAfter: 600 })
    await (await fetch(anthropic, post)).text()
    expect(records).toMatchObject([{ reason: 'truncated', complete: false, usage: left }])
  })

  test('an empty body', async () => {
    const { fetch, records } = metered({ body: '' })
    await (await fetch(anthropic, post)).text()
    expect(records).toMatchObject([{ reason: 'truncated', complete: false, provider: 'anthropic', model: undefined }])
  })

  test('an error of the provider during the answer', async () => {
    const each = fixture('anthropic-error-midstream.sse')
    const { fetch, records } = metered(answerOf(each))
    await (await fetch(anthropic, post)).text()
    expect(records).toMatchObject([{ reason: 'error', complete: false, usage: { inputTokens: 90 } }])
  })

  test('a reader that stops at the provider’s end marker without cancelling', async () => {
    for (const [url, body] of [
      [anthropic, anthropicSse(hello)],
      [openai, openaiSse(hello)],
    ] as const) {
      const { fetch, records } = metered({ body: body.join('') })
      await (await fetch(url, post)).body?.getReader().read()
      expect(records).toMatchObject([{ reason: 'end', complete: true }])
    }
  })

  test('two endings emit one record: an abort after the end, a cancel after an abort', async () => {
    const { fetch, records } = metered([events, { ...events, deaf: true }])
    const controller = new AbortController()
    await (await fetch(anthropic, { ...post, signal: controller.signal })).text()
    controller.abort()
    const second = new AbortController()
    const response = await fetch(anthropic, { ...post, signal: second.signal })
    second.abort()
    await response.body?.cancel()
    expect(records.map(({ reason }) => reason)).toEqual(['end', 'abort'])
  })

  test('an interrupted Gemini answer keeps its running totals', async () => {
    const each = fixture('gemini-thinking-tool.sse')
    const { fetch, records } = metered(answerOf(each, { split: 'events' }))
    const reader = (await fetch(urlOf(each.expected))).body?.getReader()
    await reader?.read()
    await reader?.read()
    await reader?.cancel()
    const usage = { inputTokens: 40, outputTokens: 51, totalTokens: 91, reasoningTokens: 46, requests: 1, source: 'partial' }
    expect(records[0] && stable(records[0])).toMatchObject({ reason: 'cancel', usage, model: 'gemini-2.5-flash', responseId: 'fxGem01' })
  })

  test('an interrupted OpenAI answer has no usage (P8)', async () => {
    const { fetch, records } = metered({ body: openaiSse(hello), split: 'events' })
    const reader = (await fetch(openai, post)).body?.getReader()
    for (let i = 0; i < 3; i++) await reader?.read()
    await reader?.cancel()
    expect(records[0]).not.toHaveProperty('usage')
    expect(records[0]?.outputWeight).toBeGreaterThan(0)
  })
})

describe('requests', () => {
  const answer = { body: openaiSse(hello).join('') }

  test('a string, a URL and a Request are passed to fetch unchanged, as a plain function call', async () => {
    const seen: { self: unknown; given: unknown[] }[] = []
    const records: UsageRecord[] = []
    const fetch = meter(
      async function (this: unknown, ...given: unknown[]) {
        seen.push({ self: this, given })
        return new Response(answer.body, { headers: { 'content-type': 'text/event-stream' } })
      },
      (record) => void records.push(record),
    )
    const [url, request, init] = [new URL(openai), new Request(openai, post), { ...post, headers: { a: 'b' } }]
    for (const given of [[openai, init], [url, init], [request, init], [openai], [request]] as const) {
      seen.length = 0
      await (await fetch(...(given as unknown as Parameters<typeof fetch>))).text()
      expect(seen).toEqual([{ self: undefined, given }])
      expect(seen[0]?.given.every((each, index) => each === given[index])).toBe(true)
    }
    expect(records.map((record) => record.url)).toEqual(Array.from({ length: 5 }, () => openai))
  })

  test('the signal of a Request is followed too', async () => {
    const { fetch, records } = metered({ ...answer, deaf: true })
    const controller = new AbortController()
    await fetch(new Request(openai, { ...post, signal: controller.signal }))
    controller.abort()
    expect(records).toMatchObject([{ reason: 'abort' }])
  })

  test('a fetch that rejects or throws rejects with the same error, without a record', async () => {
    const error = new TypeError('fetch failed')
    const { fetch, records } = metered({ errorBefore: error })
    await expect(fetch(openai, post)).rejects.toBe(error)
    const throwing = meter(
      () => {
        throw error
      },
      (record) => void records.push(record),
    )
    await expect(throwing(openai)).rejects.toBe(error)
    expect(records).toEqual([])
  })

  test('the record’s URL has no user, password or query (P11)', async () => {
    const { fetch, records } = metered(answer)
    await (await fetch('https://user:AbCdEf@api.openai.com/v1/chat/completions?key=GhIjKl#MnOp', post)).text()
    expect(records[0]?.url).toBe(openai)
    expect(records[0]?.provider).toBe('openai')
    for (const secret of ['AbCdEf', 'GhIjKl', 'MnOp']) expect(mentions(records, secret)).toEqual([])
  })

  test('each attempt of a client that retries has its own record', async () => {
    const { fetch, records } = metered([
      { status: 529, body: '{"type":"error"}' },
      { status: 429, body: '{}' },
      { body: anthropicSse(hello) },
    ])
    for (let i = 0; i < 3; i++) await (await fetch(anthropic, post)).text()
    expect(records).toMatchObject([
      { status: 529, complete: false, reason: 'error', provider: 'anthropic' },
      { status: 429, complete: false, reason: 'error' },
      { status: 200, complete: true, reason: 'end' },
    ])
  })
})

describe('responses', () => {
  const sse = { 'content-type': 'text/event-stream; charset=utf-8', 'request-id': 'req_1' }
  const serve = (response: Response) => {
    const records: UsageRecord[] = []
    return {
      records,
      fetch: meter(
        async () => response,
        (record) => void records.push(record),
      ),
    }
  }

  test('status, headers, url, redirected and type are unchanged, also in clones', async () => {
    const response = new Response(openaiSse(hello).join(''), { status: 201, statusText: 'Made', headers: sse })
    Object.defineProperties(response, { url: { value: `${openai}?here` }, redirected: { value: true }, type: { value: 'cors' } })
    const { fetch, records } = serve(response)
    const got = await fetch(openai)
    for (const each of [got, got.clone(), got.clone().clone()]) {
      expect(each).toBeInstanceOf(Response)
      expect(each).toMatchObject({
        status: 201,
        statusText: 'Made',
        ok: true,
        url: `${openai}?here`,
        redirected: true,
        type: 'cors',
        bodyUsed: false,
      })
      expect(Object.fromEntries(each.headers)).toMatchObject(sse)
      expect(await each.text()).toBe(openaiSse(hello).join(''))
    }
    expect(records).toHaveLength(1)
  })

  test('a response that cannot be observed is returned unchanged', async () => {
    const html = new Response('<p>', { headers: { 'content-type': 'text/html' } })
    const locked = new Response('{}', { headers: { 'content-type': 'application/json' } })
    locked.body?.getReader()
    const foreign = { ok: true, status: 200, headers: new Headers(sse), body: { pipe() {} } } as unknown as Response
    for (const response of [
      new Response(null, { status: 204, headers: sse }),
      new Response(null, { headers: sse }),
      Response.error(),
      html,
      locked,
      foreign,
    ]) {
      const { fetch, records } = serve(response)
      expect(await fetch(openai)).toBe(response)
      expect(records).toEqual([])
    }
  })

  test('a user-made response is returned unchanged, and an invalid URL is passed to fetch', async () => {
    const made = { ok: true, status: 200, json: async () => ({ made: 'up' }) }
    const inputs: unknown[] = []
    const fetch = meter(
      (async (input: unknown) => {
        inputs.push(input)
        return made
      }) as never,
      () => {},
    )
    expect(await fetch(openai)).toBe(made)
    const place = { toString: () => openai }
    expect(await fetch(place as never)).toBe(made)
    expect(await fetch(openai, null as never)).toBe(made)
    expect(inputs).toEqual([openai, place, openai])
  })

  test('a refused request to a model is recorded at once, and its body is not read', async () => {
    const refusal = () => new Response('{"error":{"message":"No"}}', { status: 400, headers: { 'content-type': 'application/json' } })
    for (const [url, count] of [
      [openai, 1],
      [anthropic, 1],
      ['https://api.openai.com/v1/files', 0],
      ['https://example.com/', 0],
    ] as const) {
      const response = refusal()
      const { fetch, records } = serve(response)
      expect(await fetch(url, post)).toBe(response)
      expect(records).toHaveLength(count)
    }
  })

  test('a slow answer from a model’s URL is awaited', async () => {
    const ping = 'event: ping\ndata: {"type":"ping"}\n\n'
    const { fetch, records } = metered({ body: [...Array.from({ length: 100 }, () => ping), ...anthropicSse(hello)] })
    await (await fetch(anthropic, post)).text()
    expect(records).toMatchObject([{ complete: true, usage: { inputTokens: 25, outputTokens: 15 } }])
  })

  test('a response that is no model’s answer has no record and is unchanged', async () => {
    const bodies = [
      ['application/json', '{"object":"list","data":[{"id":"gpt-5.5"}]}'],
      ['application/json', '{"input_tokens":2095}'],
      ['application/json', '{"response":"ok"}'],
      ['application/json', '{"error":"no such user"}'],
      ['application/json', '[1,2,{"a":{}}]'],
      ['application/json', '<html>'],
      ['application/json', 'null'],
      // Responses that share a field with an answer.
      ['application/json', '{"question":"Tea?","choices":[{"text":"Yes"},{"text":"No","message":"Why?"},null]}'],
      ['application/json', '{"candidates":[{"name":"Museum","geometry":{}},null],"status":"OK"}'],
      ['application/json', '{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}'],
      ['application/json', '{"sequence_number":3,"delta":"abc"}'],
      ['text/event-stream', 'data: {"type":"message_new","delta":{"text":"Hello"}}\n\n'],
      ['text/event-stream', 'data: {"temperature":21}\n\ndata: hello\n\n: ping\n\n'],
      ['text/event-stream', Array.from({ length: 100 }, (_, i) => `data: {"tick":${i}}\n\n`).join('')],
      ['application/x-ndjson', '{"a":1}\n{"b":2}\n'],
    ] as const
    for (const [type, body] of bodies) {
      const { fetch, records } = serve(new Response(body, { headers: { 'content-type': type } }))
      expect(new TextDecoder().decode(await (await fetch('https://example.com/api/things')).arrayBuffer())).toBe(body)
      expect(records).toEqual([])
    }
  })
})

describe('the data path', () => {
  test('reads one chunk for each read, and nothing ahead (P6)', async () => {
    const { fetch, scripted } = metered({ body: openaiSse({ text: Array.from({ length: 20 }, () => 'x') }), split: 'events' })
    const reader = (await fetch(openai, post)).body?.getReader()
    await turn()
    expect(scripted.pulls).toBe(0)
    for (let reads = 1; reads <= 5; reads++) {
      await reader?.read()
      await turn()
      expect(scripted.pulls).toBe(reads)
    }
    await Promise.all([reader?.read(), reader?.read(), reader?.read()])
    await turn()
    expect(scripted.pulls).toBe(8)
  })

  test('chunks are the same objects, and the reader may transfer them', async () => {
    const chunks = anthropicSse(hello).map((event) => new TextEncoder().encode(event))
    const expected = [...chunks]
    const records: UsageRecord[] = []
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(chunk)
        controller.close()
      },
    })
    const fetch = meter(
      async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
      (record) => void records.push(record),
    )
    for (const chunk of await read(await fetch(anthropic))) {
      expect(chunk).toBe(expected.shift())
      structuredClone(chunk, { transfer: [chunk.buffer] })
      expect(chunk.length).toBe(0)
    }
    expect(records).toMatchObject([{ complete: true, usage: { outputTokens: 15 } }])
  })

  test('chunks that are not bytes pass unchanged', async () => {
    const body = new ReadableStream({
      start(controller) {
        for (const chunk of [undefined, null, 1, {}]) controller.enqueue(chunk)
        controller.close()
      },
    })
    const fetch = meter(
      async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
      () => {},
    )
    expect(await read(await fetch('https://example.com/'))).toEqual([undefined, null, 1, {}])
  })

  test('a listener that throws is reported, and does not affect the reader or other listeners', async () => {
    const error = new Error('Full')
    const failing: readonly UsageListener[] = [
      {
        record: () => {
          throw error
        },
      },
      {
        record: () => Promise.reject(error) as unknown as undefined,
      },
      {
        record() {},
        begin() {
          throw error
        },
      },
    ]
    for (const listener of failing) {
      const onListenerError = vi.fn()
      const fetch = meter(metered({ body: openaiSse(hello) }).scripted, listener, { onListenerError })
      expect(await (await fetch(openai, post)).text()).toBe(openaiSse(hello).join(''))
      await turn()
      expect(onListenerError.mock.calls).toEqual([[error]])
    }
  })

  test('an onListenerError that throws does not affect them either', async () => {
    const reported = vi.spyOn(globalThis, 'reportError' in globalThis ? 'reportError' : 'queueMicrotask')
    if ('reportError' in globalThis) reported.mockImplementation(() => {})
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    const failing = (): never => {
      throw new Error('Full')
    }
    for (const listener of [{ record: failing }, { record() {}, begin: failing }]) {
      const fetch = meter(metered({ body: openaiSse(hello) }).scripted, listener, { onListenerError: failing })
      expect(await (await fetch(openai, post)).text()).toBe(openaiSse(hello).join(''))
    }
    reported.mockRestore()
    logged.mockRestore()
  })

  test('an unreadable event is skipped, and the record is incomplete', async () => {
    const [first = '', ...rest] = openaiSse(hello)
    const { fetch, records } = metered({ body: [first, 'data: {"choices":[nul\n\n', ...rest] })
    await (await fetch(openai, post)).text()
    expect(records).toMatchObject([{ complete: false, reason: 'end', usage: { inputTokens: 25, source: 'partial' } }])
  })

  test('plain text that is not JSON does not make the record incomplete', async () => {
    const [first = '', ...rest] = openaiSse(hello)
    const { fetch, records } = metered({ body: [first, 'data: keep-alive\n\n', ...rest] })
    await (await fetch(openai, post)).text()
    expect(records).toMatchObject([{ complete: true, reason: 'end' }])
  })

  test('an event without an end does not fill the memory, and later events are read', async () => {
    const [first = '', ...rest] = openaiSse(hello)
    const filler = 'not lean: '.repeat(100_000)
    const { fetch, records } = metered({ body: [first, 'data: {"junk":"', ...Array.from({ length: 20 }, () => filler), '"}\n\n', ...rest] })
    await read(await fetch(openai, post))
    expect(records).toMatchObject([{ complete: false, reason: 'end', usage: { inputTokens: 25, outputTokens: 15, source: 'partial' } }])
  })
})

describe('an answer of many megabytes', () => {
  const usage = { prompt_tokens: 8, total_tokens: 8 }
  const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => (i % 7 === 0 ? -0.012_345 : i / 1_000_003))
  const sse = (event: object): string => `data: ${JSON.stringify(event)}\n\n`

  test.each<readonly [string, string, string, object]>([
    [
      'embeddings, as base64',
      'https://api.openai.com/v1/embeddings',
      JSON.stringify({ object: 'list', data: Array.from({ length: 900 }, () => ({ embedding: 'Ab+/'.repeat(5_000) })), model: 'm', usage }),
      { usage: { inputTokens: 8 }, model: 'm', complete: true, reason: 'end' },
    ],
    [
      'embeddings, as numbers',
      'https://api.openai.com/v1/embeddings',
      JSON.stringify({ object: 'list', data: [{ embedding: numbers(500_000) }, { embedding: numbers(500_000) }], model: 'm', usage }),
      { usage: { inputTokens: 8 }, model: 'm', complete: true, reason: 'end' },
    ],
    [
      'an image',
      'https://api.openai.com/v1/images/generations',
      JSON.stringify({ created: 1, data: [{ b64_json: 'A'.repeat(18_000_000) }], usage: { input_tokens: 8, output_tokens: 4_000 } }),
      { usage: { inputTokens: 8, outputTokens: 4_000 }, complete: true, reason: 'end' },
    ],
    [
      'an image in a stream',
      'https://api.openai.com/v1/images/generations',
      sse({ type: 'image_generation.partial_image', b64_json: 'A'.repeat(9_000_000) }) +
        sse({ type: 'image_generation.completed', b64_json: 'A'.repeat(9_000_000), usage: { input_tokens: 8, output_tokens: 4_000 } }),
      { usage: { inputTokens: 8, outputTokens: 4_000 }, complete: true, reason: 'end' },
    ],
  ])('%s', async (_, url, body, known) => {
    const type = body.startsWith('data') ? 'text/event-stream' : 'application/json'
    const { fetch, records } = metered({ body, split: 65_536, headers: { 'content-type': type } })
    const chunks = await read(await fetch(url, post))
    expect(chunks.reduce((sum, { length }) => sum + length, 0)).toBe(body.length)
    expect(records).toMatchObject([known])
  })
})

describe('askForUsage', () => {
  const body = (more: object = {}): string => JSON.stringify({ model: 'gpt-5.5', stream: true, messages: [], ...more })
  const usageOption = { include_usage: true }

  async function sent(url: string, given: string, options: { readonly askForUsage?: boolean } = { askForUsage: true }, asRequest = false) {
    const { fetch, scripted } = metered({ body: openaiSse(hello) }, options)
    const init = { method: 'POST', headers: { 'content-type': 'application/json', authorization: 'Bearer key' }, body: given }
    await (asRequest ? fetch(new Request(url, init)) : fetch(url, init))
    const [call] = scripted.calls
    return { body: call?.body, headers: call?.headers, method: call?.method }
  }

  test.each([false, true])(
    'requests usage only for streams, and only if the request does not set it (as a Request: %s)',
    async (asRequest) => {
      const same = async (url: string, given: string): Promise<void> =>
        expect((await sent(url, given, { askForUsage: true }, asRequest)).body).toEqual(JSON.parse(given))
      expect(await sent(openai, body(), { askForUsage: true }, asRequest)).toMatchObject({
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: '[redacted]' },
        body: { model: 'gpt-5.5', messages: [], stream: true, stream_options: usageOption },
      })
      expect(
        (await sent(openai, body({ stream_options: { include_obfuscation: false } }), { askForUsage: true }, asRequest)).body,
      ).toMatchObject({
        stream_options: { include_obfuscation: false, ...usageOption },
      })
      await same(openai, body({ stream_options: { include_usage: false } }))
      await same(openai, body({ stream: false }))
      await same('https://api.mistral.ai/v1/chat/completions', body())
      await same(anthropic, body())
      await same('https://example.com/things', body())
      expect((await sent(openai, body(), {}, asRequest)).body).toEqual(JSON.parse(body()))
    },
  )

  test('removes a content-length header', async () => {
    const seen: RequestInit[] = []
    const fetch = meter(
      async (_, init = {}) => {
        seen.push(init)
        return new Response('', { headers: { 'content-type': 'text/event-stream' } })
      },
      () => {},
      { askForUsage: true },
    )
    const init = { method: 'POST', body: body(), headers: { 'Content-Length': '56', a: 'b' }, [usageTag]: 'tag' }
    await fetch(openai, init)
    expect(Object.fromEntries(new Headers(seen[0]?.headers))).toEqual({ a: 'b' })
    expect((seen[0] as typeof init)[usageTag]).toBe('tag')
    expect(init.body).toBe(body())
  })

  test('sends a body that is not a JSON text unchanged', async () => {
    const { fetch, scripted } = metered({ body: '' }, { askForUsage: true })
    await fetch(openai, { method: 'POST', body: 'no JSON' })
    await fetch(openai, { method: 'POST', body: new TextEncoder().encode(body()) })
    await fetch(openai)
    const wrong = body({ stream_options: 'all' })
    await fetch(openai, { method: 'POST', body: wrong })
    expect(scripted.calls.map((call) => call.body)).toEqual(['no JSON', JSON.parse(body()), undefined, JSON.parse(wrong)])
  })

  test('onDiagnostic is called once for streams without usage, with the fix', async () => {
    const onDiagnostic = vi.fn()
    const { fetch, records } = metered({ body: openaiSse({ text: ['Hi'] }) }, { onDiagnostic })
    for (let i = 0; i < 3; i++) await (await fetch(`${openai}?key=secret`, post)).text()
    expect(records).toHaveLength(3)
    expect(onDiagnostic.mock.calls).toEqual([
      [expect.stringMatching(/from https:\/\/api\.openai\.com\/v1\/chat\/completions had no usage.*askForUsage/)],
    ])
  })

  test('onDiagnostic is not called for usage, a cut stream, a whole answer, or a format that needs no request', async () => {
    const onDiagnostic = vi.fn()
    const none = { text: ['Hi'] }
    const answers = [
      { body: openaiSse(hello) },
      { body: openaiSse(none), truncateAfter: 200 },
      { body: JSON.stringify(openaiJson(none)) },
      { body: anthropicSse(none) },
    ]
    const { fetch, records } = metered(answers, { onDiagnostic })
    for (const _ of answers) await (await fetch(openai, post)).text()
    expect(records).toHaveLength(answers.length)
    expect(onDiagnostic).not.toHaveBeenCalled()
  })

  test('onDiagnostic is not called for an answer cancelled between its end marker and its usage', async () => {
    const onDiagnostic = vi.fn()
    const all = openaiSse(hello)
    const { fetch, records } = metered({ body: all, split: 'events' }, { onDiagnostic })
    const reader = (await fetch(openai, post)).body?.getReader()
    // Still unread: the usage, and [DONE].
    for (let left = all.length; left > 2; left--) await reader?.read()
    await reader?.cancel()
    expect(records).toMatchObject([{ complete: true, reason: 'cancel' }])
    expect(records[0]).not.toHaveProperty('usage')
    expect(onDiagnostic).not.toHaveBeenCalled()
  })

  test('onDiagnostic says if usage was requested but not reported', async () => {
    const onDiagnostic = vi.fn()
    const { fetch } = metered({ body: openaiSse({ text: ['Hi'] }) }, { onDiagnostic, askForUsage: true })
    await (await fetch(openai, { method: 'POST', body: body() })).text()
    expect(onDiagnostic.mock.calls).toEqual([[expect.stringMatching(/the server does not report it/)]])
  })

  test('the default onDiagnostic is console.warn', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    try {
      const fetch = meter(metered({ body: openaiSse({ text: ['Hi'] }) }).scripted, () => {})
      await (await fetch(openai, post)).text()
      expect(warn).toHaveBeenCalledOnce()
    } finally {
      warn.mockRestore()
    }
  })
})

describe('recipients of records', () => {
  const answer = { body: openaiSse(hello) }

  test('a call’s tag is in its record, and not passed to fetch', async () => {
    const { fetch, records, scripted } = metered(answer)
    const tag = { scope: 'search' }
    await (await fetch(openai, { ...post, ...tagged(tag) })).text()
    await (await fetch(openai, post)).text()
    expect(records[0]?.tag).toBe(tag)
    expect(records[1]).not.toHaveProperty('tag')
    expect(usageTag).toBe(Symbol.for('chaintap.usageTag'))
    expect(mentions(scripted.calls, 'search')).toEqual([])
  })

  test('begin() of a listener chooses the recipient when the request is sent', async () => {
    const names: string[] = []
    let scope: string | undefined = 'one'
    const listener: UsageListener = {
      record: () => void names.push('itself'),
      begin() {
        const name = scope
        return name === undefined ? undefined : { record: () => void names.push(name) }
      },
    }
    const { scripted } = metered(answer)
    const fetch = meter(scripted, listener)
    const first = await fetch(openai, post)
    scope = 'two'
    const second = await fetch(openai, post)
    scope = undefined
    const third = await fetch(openai, post)
    for (const response of [third, second, first]) await response.text()
    expect(names).toEqual(['two', 'one'])
  })

  test('meterMiddleware() passes the request on and records its answer', async () => {
    const records: UsageRecord[] = []
    const middleware = meterMiddleware((record) => void records.push(record))
    const request = { url: anthropic, method: 'POST', headers: new Headers(), ...tagged('mine') }
    const next = vi.fn(async () => new Response(anthropicSse(hello).join(''), { headers: { 'content-type': 'text/event-stream' } }))
    expect(await (await middleware(request, next)).text()).toBe(anthropicSse(hello).join(''))
    expect(next.mock.calls).toEqual([[request]])
    expect(records).toMatchObject([{ provider: 'anthropic', tag: 'mine', url: anthropic, complete: true }])
  })
})

describe('usage that cannot be true', () => {
  const impossible = [
    { prompt_tokens: '5', completion_tokens: 3 },
    { prompt_tokens: -5, completion_tokens: 3 },
    { prompt_tokens: [5], completion_tokens: 3 },
    { prompt_tokens: 1.5, completion_tokens: 3 },
  ]
  const answer = (usage: object): FaultyAnswer => ({
    headers: { 'content-type': 'application/json' },
    body: [
      JSON.stringify({
        id: 'c',
        object: 'chat.completion',
        model: 'm',
        choices: [{ message: { content: 'Hi' }, finish_reason: 'stop' }],
        usage,
      }),
    ],
  })

  test.each(impossible)('%j: the figure is left out of the record, and onDiagnostic is called once', async (usage) => {
    const records: UsageRecord[] = []
    const onDiagnostic = vi.fn()
    const fetch = meter(metered([answer(usage), answer(usage)]).scripted, (record) => void records.push(record), { onDiagnostic })
    await (await fetch(openai, post)).text()
    await (await fetch(openai, post)).text()
    expect(records.map((record) => record.usage)).toEqual([1, 2].map(() => ({ outputTokens: 3, requests: 1, source: 'provider' })))
    expect(onDiagnostic.mock.calls).toEqual([[expect.stringContaining(`An answer from ${openai} has impossible usage`)]])
  })

  test('tokens cached for one hour are counts, too', async () => {
    const usage = { input_tokens: 10, output_tokens: 3, cache_creation: { ephemeral_1h_input_tokens: -5 } }
    const body = [JSON.stringify({ type: 'message', role: 'assistant', model: 'm', content: [], usage })]
    const { fetch, records } = metered({ headers: { 'content-type': 'application/json' }, body })
    await (await fetch(anthropic, post)).text()
    expect(records[0]).toMatchObject({ usage: { inputTokens: 10 } })
    expect(records[0]?.cacheWrite1hTokens).toBeUndefined()
  })
})
