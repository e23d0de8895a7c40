import { type FaultyAnswer, faultyFetch } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'

const url = 'https://api.test/v1/messages'
const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** All chunks of a body as text, then how it ended. */
async function read(body: ReadableStream<Uint8Array> | null): Promise<{ chunks: string[]; error?: unknown }> {
  const chunks: string[] = []
  const reader = body?.getReader()
  try {
    for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) chunks.push(decoder.decode(read.value))
    return { chunks }
  } catch (error) {
    return { chunks, error }
  }
}

async function chunksOf(answer: FaultyAnswer): Promise<string[]> {
  const { body } = await faultyFetch(answer)(url)
  return (await read(body)).chunks
}

/** Waits long enough for every promise that can settle on its own. */
const turn = () => new Promise((resolve) => setTimeout(resolve, 5))

describe('faultyFetch(): script', () => {
  test('responds once per item, and repeats the last one', async () => {
    const fetch = faultyFetch([{ status: 529, headers: { 'retry-after': '3' }, body: '{"type":"error"}' }, { body: 'data: 1\n\n' }])
    const response = await fetch(url)
    expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([529, '3', { type: 'error' }])
    expect(await (await fetch(url)).text()).toBe('data: 1\n\n')
    expect(await (await fetch(url)).text()).toBe('data: 1\n\n')
  })

  test('calls a script function with the request and its index', async () => {
    const fetch = faultyFetch(({ body }, index) => ({ body: `${index} ${JSON.stringify(body)}` }))
    await fetch(url)
    expect(await (await fetch(url, { method: 'POST', body: '{"a":1}' })).text()).toBe('1 {"a":1}')
  })

  test('rejects with invalid_options if the script is empty', async () => {
    await expect(faultyFetch([])(url)).rejects.toMatchObject({ code: 'invalid_options' })
  })

  test('derives the content type from the body, unless it is given', async () => {
    const type = async (answer: FaultyAnswer) => (await faultyFetch(answer)(url)).headers.get('content-type')
    expect(await type({ body: '{}' })).toBe('application/json')
    expect(await type({ body: encoder.encode('[]') })).toBe('application/json')
    expect(await type({ body: ['event: x\n\n'] })).toBe('text/event-stream; charset=utf-8')
    expect(await type({ body: '{}', headers: { 'Content-Type': 'text/plain' } })).toBe('text/plain')
  })

  test('responds without a body to a null body status, and closes', async () => {
    const fetch = faultyFetch({ status: 204 })
    expect((await fetch(url)).body).toBe(null)
    expect(fetch.open).toBe(0)
  })
})

describe('faultyFetch(): chunks', () => {
  const sse = 'event: a\ndata: 1\n\ndata: 2\r\n\r\ndata: 3\r\rdata: ü'

  test('keeps the chunks of the script without `split`', async () => {
    expect(await chunksOf({ body: sse })).toEqual([sse])
    expect(await chunksOf({ body: ['a', '', encoder.encode('b')] })).toEqual(['a', 'b'])
  })

  test('split: events cuts after each event, for every kind of line end', async () => {
    const events = ['event: a\ndata: 1\n\n', 'data: 2\r\n\r\n', 'data: 3\r\r', 'data: ü']
    expect(await chunksOf({ body: [sse.slice(0, 20), sse.slice(20)], split: 'events' })).toEqual(events)
  })

  test('split cuts into bytes, or into chunks of that many bytes', async () => {
    expect(await chunksOf({ body: ['ab', 'cde'], split: 'bytes' })).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(await chunksOf({ body: ['ab', 'cde'], split: 2 })).toEqual(['ab', 'cd', 'e'])
    await expect(faultyFetch({ body: 'a', split: 0 })(url)).rejects.toMatchObject({ code: 'invalid_options' })
  })

  test('the chunks join to the body for any `split` and `stallAfter`', async () => {
    const chunk = fc.oneof(fc.string(), fc.constant('data: 1\n\n'), fc.uint8Array())
    const split = fc.option(fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom('bytes' as const, 'events' as const)), {
      nil: undefined,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(chunk), split, fc.nat(40), async (body, split, stallAfter) => {
        const whole = body.flatMap((chunk) => [...(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)])
        const fetch = faultyFetch({ body, ...(split && { split }), stallAfter, until: Promise.resolve() })
        const response = await fetch(url)
        expect([...new Uint8Array(await response.arrayBuffer())]).toEqual(whole)
        expect(fetch.open).toBe(0)
      }),
    )
  })

  test('crlf converts line ends, and leaves CRLF unchanged', async () => {
    expect(await chunksOf({ body: ['a\n\nb\r\n', encoder.encode('ü\n')], crlf: true })).toEqual(['a\r\n\r\nb\r\n', 'ü\r\n'])
  })

  test('bom prepends a byte order mark', async () => {
    const response = await faultyFetch({ body: 'a', bom: true })(url)
    expect([...new Uint8Array(await response.arrayBuffer())]).toEqual([0xef, 0xbb, 0xbf, 0x61])
  })
})

describe('faultyFetch(): faults', () => {
  test('errorBefore rejects the call with that error', async () => {
    const error = new TypeError('fetch failed')
    const fetch = faultyFetch({ errorBefore: error })
    await expect(fetch(url)).rejects.toBe(error)
    expect([fetch.calls.length, fetch.open]).toEqual([1, 0])
  })

  test('dropAfter delivers the bytes before it, then fails with a TypeError', async () => {
    const fetch = faultyFetch({ body: ['abc', 'def'], dropAfter: 4 })
    const { chunks, error } = await read((await fetch(url)).body)
    expect(chunks).toEqual(['abc', 'd'])
    expect(error).toBeInstanceOf(TypeError)
    expect([fetch.open, fetch.cancels]).toEqual([0, []])
  })

  test('dropAfter beyond the last byte fails instead of ending', async () => {
    const { chunks, error } = await read((await faultyFetch({ body: 'abc', dropAfter: 9 })(url)).body)
    expect([chunks, error]).toEqual([['abc'], expect.any(TypeError)])
  })

  test('truncateAfter ends the body early, without an error', async () => {
    expect(await read((await faultyFetch({ body: ['abc', 'def'], truncateAfter: 4 })(url)).body)).toEqual({ chunks: ['abc', 'd'] })
  })

  test('stallAfter stalls the body until `until` settles', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const fetch = faultyFetch({ body: 'abcdef', stallAfter: 4, until: promise })
    const reader = (await fetch(url)).body?.getReader()
    expect(decoder.decode((await reader?.read())?.value)).toBe('abcd')
    let isSettled = false
    const next = reader?.read().finally(() => (isSettled = true))
    await turn()
    expect([isSettled, fetch.open]).toEqual([false, 1])
    resolve()
    expect(decoder.decode((await next)?.value)).toBe('ef')
  })

  test('stallAfter without `until` stalls the body until it is cancelled', async () => {
    const fetch = faultyFetch({ body: 'abc', stallAfter: 0 })
    const reader = (await fetch(url)).body?.getReader()
    const next = reader?.read()
    await reader?.cancel('enough')
    expect(await next).toMatchObject({ done: true })
    expect([fetch.open, fetch.cancels]).toEqual([0, ['enough']])
  })

  test('stallBeforeHeaders withholds the response until `until` settles', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const fetch = faultyFetch({ body: 'abc', stallBeforeHeaders: true, until: promise })
    let isSettled = false
    const response = fetch(url).finally(() => (isSettled = true))
    await turn()
    expect([isSettled, fetch.open]).toEqual([false, 1])
    resolve()
    expect(await (await response).text()).toBe('abc')
  })

  test('delayMs delays chunks, and a cancel does not wait for them', async () => {
    const fetch = faultyFetch({ body: ['a', 'b'], delayMs: 1 })
    expect(await (await fetch(url)).text()).toBe('ab')
    const reader = (await faultyFetch({ body: 'a', delayMs: 1_000_000 })(url)).body?.getReader()
    const next = reader?.read()
    await reader?.cancel()
    expect(await next).toMatchObject({ done: true })
  })
})

describe('faultyFetch(): signal, as fetch treats it', () => {
  const reason = new Error('mine')

  test('sends no request if the signal is already aborted', async () => {
    const fetch = faultyFetch({ body: 'abc' })
    await expect(fetch(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect([fetch.calls.length, fetch.open]).toEqual([0, 0])
  })

  test('rejects with an AbortError if the signal has no reason', async () => {
    await expect(faultyFetch({ body: 'abc' })(url, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
  })

  test('rejects the call if the signal aborts before the headers', async () => {
    const abort = new AbortController()
    const fetch = faultyFetch({ stallBeforeHeaders: true })
    const response = fetch(url, { signal: abort.signal })
    await turn()
    abort.abort(reason)
    await expect(response).rejects.toBe(reason)
    expect([fetch.open, fetch.aborts, fetch.cancels]).toEqual([0, [reason], []])
  })

  test('errors the body if the signal aborts between reads or during one', async () => {
    const abort = new AbortController()
    const fetch = faultyFetch([{ body: ['a', 'b'] }, { body: 'a', stallAfter: 0 }, { body: 'a', delayMs: 1_000_000 }])
    const readers = await Promise.all([1, 2, 3].map(async () => (await fetch(url, { signal: abort.signal })).body?.getReader()))
    await readers[0]?.read()
    const waiting = [readers[1]?.read(), readers[2]?.read()]
    abort.abort(reason)
    for (const read of waiting) await expect(read).rejects.toBe(reason)
    await expect(readers[0]?.read()).rejects.toBe(reason)
    expect([fetch.open, fetch.aborts]).toEqual([0, [reason, reason, reason]])
  })

  test('removes its listener at the end, and ignores a later abort', async () => {
    const abort = new AbortController()
    const added = vi.spyOn(abort.signal, 'addEventListener')
    const removed = vi.spyOn(abort.signal, 'removeEventListener')
    const fetch = faultyFetch({ body: 'a' })
    await (await fetch(url, { signal: abort.signal })).text()
    expect([added.mock.calls.length, removed.mock.calls]).toEqual([1, added.mock.calls])
    abort.abort(reason)
    await turn()
    expect(fetch.aborts).toEqual([])
  })

  test('deaf ignores the signal before and during the body; a cancel closes it', async () => {
    const abort = new AbortController()
    const fetch = faultyFetch({ body: ['a', 'b', 'c'], deaf: true })
    const reader = (await fetch(url, { signal: abort.signal })).body?.getReader()
    await reader?.read()
    abort.abort(reason)
    expect(await reader?.read()).toMatchObject({ done: false })
    await reader?.cancel(reason)
    expect([fetch.open, fetch.aborts, fetch.cancels]).toEqual([0, [], [reason]])
    expect(await (await fetch(url, { signal: abort.signal })).text()).toBe('abc')
  })

  test('uses the signal of a Request too', async () => {
    const request = new Request(url, { signal: AbortSignal.abort() })
    await expect(faultyFetch({ body: 'abc' })(request)).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('faultyFetch(): record', () => {
  test('contains the requests, with parsed bodies', async () => {
    const fetch = faultyFetch({})
    await fetch(new URL(url), { method: 'post', headers: { 'Content-Type': 'application/json' }, body: '{"a":1}' })
    await fetch(new Request(url, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'plain' }))
    await fetch('/relative')
    expect(fetch.calls).toEqual([
      { url, method: 'POST', headers: { 'content-type': 'application/json' }, body: { a: 1 } },
      { url, method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'plain' },
      { url: '/relative', method: 'GET', headers: {}, body: undefined },
    ])
  })

  test('redacts keys but keeps their names (P11)', async () => {
    const fetch = faultyFetch({})
    const headers = { 'X-Api-Key': 'sk-1', Authorization: 'Bearer sk-2', 'x-goog-api-key': 'sk-3', 'anthropic-version': '2023-06-01' }
    await fetch(`${url}?alt=sse&key=sk-4`, { headers })
    expect(JSON.stringify(fetch.calls)).not.toContain('sk-')
    expect(fetch.calls[0]).toMatchObject({
      url: `${url}?alt=sse&key=[redacted]`,
      headers: { 'x-api-key': '[redacted]', 'anthropic-version': '2023-06-01' },
    })
  })

  test('pulls nothing before a read, and nothing ahead of it (P6)', async () => {
    const fetch = faultyFetch({ body: ['a', 'b', 'c'] })
    const { body } = await fetch(url)
    await turn()
    expect(fetch.pulls).toBe(0)
    const reader = body?.getReader()
    await reader?.read()
    await reader?.read()
    await turn()
    expect([fetch.pulls, fetch.open]).toEqual([2, 1])
  })

  test('counts an unread body as open', async () => {
    const fetch = faultyFetch({ body: 'a' })
    const { body } = await fetch(url)
    expect(fetch.open).toBe(1)
    await body?.cancel()
    expect(fetch.open).toBe(0)
  })
})
