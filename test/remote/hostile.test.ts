import type { Run } from 'chaintap'
import { type RemoteHeaders, type RemoteOptions, RemoteRunnable } from 'chaintap/remote'
import { recorder } from 'chaintap/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { counted, readAll, turn } from '../support/sources.ts'

const url = 'https://app.example/joke'
const root: Run = { id: 'root', parentId: undefined, rootId: 'root', name: 'Root', kind: 'chain', tags: [], metadata: {} }
const below = (id: string, parentId: string): Run => ({ ...root, id, parentId, name: id })

type SentEvent = Readonly<Record<string, unknown>> & { readonly type: string; readonly run: Run | string }

/** Encodes events as a server sends them, with sequence numbers. */
const framesOf = (sent: readonly SentEvent[], from = 0): string =>
  sent.map((event, i) => `event: ${event.type}\nid: ${from + i}\ndata: ${JSON.stringify({ at: 1, seq: from + i, ...event })}\n\n`).join('')

const whole = framesOf([
  { type: 'start', run: root, input: 1 },
  { type: 'chunk', run: 'root', chunk: 'a' },
  { type: 'end', run: 'root', output: 'a' },
])
const complete = 'event: outcome\ndata: {"status":"complete","durationMs":1}\n\n'

const answering = (body: BodyInit, options: RemoteOptions = {}) =>
  new RemoteRunnable<string, string>(url, {
    fetch: async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
    ...options,
  })

async function readResponse(body: BodyInit) {
  const recording = recorder()
  const run = answering(body).stream('hi', { callbacks: [recording] })
  const read = await readAll(run)
  recording.check()
  return { ...read, trace: recording.trace(), outcome: await run.outcome }
}

const spellings: Record<string, string> = {
  'a byte order mark': `\uFEFF${whole}${complete}`,
  CRLF: (whole + complete).replaceAll('\n', '\r\n'),
  CR: (whole + complete).replaceAll('\n', '\r'),
  'comments, pauses and events of a later version': `: hi\n\n\nretry: 5\n\n${whole}: there\nevent: later\ndata: {\n\n${complete}`,
}

test.each(Object.entries(spellings))('RemoteRunnable accepts %s', async (_, body) => {
  const plain = await readResponse(whole + complete)
  expect(plain).toMatchObject({ chunks: ['a'], error: undefined })
  expect(await readResponse(body)).toMatchObject({ chunks: ['a'], error: undefined, trace: plain.trace })
})

test('a response with comments only is a TruncatedError', async () => {
  for (const body of ['', ': a\n\n: b\n\n']) expect((await readResponse(body)).error).toMatchObject({ name: 'TruncatedError' })
})

test('invalid UTF-8 is decoded as U+FFFD', async () => {
  const bytes = new TextEncoder().encode(whole.replace('"chunk":"a"', '"chunk":"?"') + complete)
  bytes[bytes.indexOf(0x3f)] = 0xff
  expect(await readResponse(bytes)).toMatchObject({ chunks: ['\uFFFD'], error: undefined })
})

const disorders: Record<string, { readonly sent: readonly SentEvent[]; readonly expected: readonly string[] }> = {
  'a run that ends twice': {
    sent: [
      { type: 'start', run: below('a', 'root'), input: 1 },
      { type: 'end', run: 'a', output: 1 },
      { type: 'end', run: 'a', output: 2 },
      { type: 'error', run: 'a', error: 2, partial: 1 },
    ],
    expected: ['S a<Root', 'E a', 'E Root'],
  },
  'a run that ends before it starts': {
    sent: [
      { type: 'end', run: below('a', 'root'), output: 1 },
      { type: 'start', run: below('a', 'root'), input: 1 },
      { type: 'token', run: 'a', token: 't' },
    ],
    expected: ['S a<Root', 'E a', 'E Root'],
  },
  'a run that goes on after its parent': {
    sent: [
      { type: 'start', run: below('a', 'root'), input: 1 },
      { type: 'start', run: below('b', 'a'), input: 1 },
      { type: 'end', run: 'a', output: 1 },
      { type: 'token', run: 'b', token: 't' },
      { type: 'start', run: below('c', 'b'), input: 1 },
      { type: 'end', run: 'b', output: 1 },
      { type: 'start', run: below('d', 'a'), input: 1 },
      { type: 'end', run: 'c', output: 1 },
      { type: 'end', run: 'd', output: 1 },
    ],
    expected: ['S a<Root', 'S b<a', 'X b', 'E a', 'S c<RemoteRunnable', 'S d<RemoteRunnable', 'E c', 'E d', 'E Root'],
  },
  'a root that ends twice, and before another run': {
    sent: [
      { type: 'start', run: below('a', 'root'), input: 1 },
      { type: 'end', run: 'root', output: 'x' },
      { type: 'end', run: 'a', output: 1 },
    ],
    expected: ['S a<Root', 'X a', 'E Root'],
  },
  'runs that start twice, or below each other': {
    sent: [
      { type: 'start', run: root, input: 1 },
      { type: 'start', run: below('a', 'b'), input: 1 },
      { type: 'start', run: below('b', 'a'), input: 1 },
      { type: 'start', run: below('c', 'c'), input: 1 },
    ],
    expected: ['S a<RemoteRunnable', 'S b<a', 'S c<RemoteRunnable', 'E Root', 'E b', 'E a', 'E c'],
  },
}

test.each(Object.entries(disorders))('%s in the server’s events starts and ends once locally (P1)', async (_, { sent, expected }) => {
  const start: SentEvent = { type: 'start', run: root, input: 1 }
  const { trace, error, outcome } = await readResponse(framesOf([start, ...sent, { type: 'end', run: 'root', output: 'x' }]) + complete)
  expect(trace).toEqual(['S RemoteRunnable', 'S Root<RemoteRunnable', ...expected, 'E RemoteRunnable'])
  expect(error).toBeUndefined()
  expect(outcome).toMatchObject({ status: 'complete', output: 'x' })
})

const ids = fc.constantFrom('root', 'a', 'b', 'c', 'd')
const telling = fc.record({
  type: fc.constantFrom('start', 'start', 'token', 'chunk', 'text', 'custom', 'end', 'error'),
  id: ids,
  parentId: ids,
  isWhole: fc.boolean(),
  seq: fc.option(fc.nat(20), { nil: undefined }),
})

test('for random events in random order, each run starts and ends once locally (P1)', async () => {
  const fields = { input: 1, token: 't', chunk: 'c', text: 't', name: 'n', data: 1, output: 1, error: 1, partial: 1 }
  await fc.assert(
    fc.asyncProperty(fc.array(telling, { maxLength: 25 }), fc.boolean(), async (tellings, isComplete) => {
      const sent = tellings.map(({ id, parentId, isWhole, seq, type }) => ({
        ...fields,
        type,
        run: isWhole || type === 'start' ? below(id, parentId) : id,
        ...(seq !== undefined && { seq }),
      }))
      const { outcome, trace } = await readResponse(framesOf(sent) + (isComplete ? complete : ''))
      if (isComplete) expect(trace.at(-1)).toBe(outcome.status === 'complete' ? 'E RemoteRunnable' : 'X RemoteRunnable')
    }),
    { numRuns: 500 },
  )
})

test('events after the outcome are ignored', async () => {
  const late: readonly SentEvent[] = [
    { type: 'start', run: below('late', 'root'), input: 1 },
    { type: 'chunk', run: 'late', chunk: 'late' },
  ]
  const { chunks, trace, outcome } = await readResponse(whole + complete + framesOf(late, 10) + complete.replace('complete', 'failed'))
  expect(chunks).toEqual(['a'])
  expect(trace).toEqual((await readResponse(whole + complete)).trace)
  expect(outcome.status).toBe('complete')
})

test('keys such as __proto__ in a server’s JSON have no effect', async () => {
  const evil = '{"__proto__":{"hurt":1},"constructor":{"prototype":{"hurt":1}},"$$":{"__proto__":{"hurt":1}}}'
  const sent = whole
    .replace('"metadata":{}', () => `"metadata":${evil}`)
    .replace('"input":1', () => `"input":${evil},"__proto__":{"hurt":1}`)
    .replace('"output":"a"', () => `"output":${evil},"usage":{"inputTokens":1,"__proto__":{"hurt":1}}`)
  const { outcome } = await readResponse(sent + complete.replace('{', '{"__proto__":{"hurt":1},'))
  expect(outcome).toMatchObject({ status: 'complete', usage: { inputTokens: 1 } })
  for (const value of [{}, outcome, outcome.usage, () => {}]) expect(Reflect.get(Object(value), 'hurt')).toBeUndefined()
})

test('a call cancelled before its headers are known sends no request (P2)', async () => {
  const requests: string[] = []
  const fetch = async ({ method }: Request): Promise<Response> => {
    requests.push(method)
    return new Response(whole + complete, { headers: { 'content-type': 'text/event-stream' } })
  }
  await expect(answering('', { fetch }).invoke('hi', { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
  const headers = Promise.withResolvers<RemoteHeaders>()
  const run = answering('', { fetch, headers: () => headers.promise }).stream('hi')
  const reading = readAll(run)
  await turn(2)
  run.stop()
  expect(await reading).toEqual({ chunks: [], error: undefined })
  headers.resolve({})
  await run.flushed
  expect(requests).toEqual([])
})

test('stop() in any microtask around the response closes its body, even if fetch ignores the signal (P2)', async () => {
  for (let turns = 0; turns < 20; turns++) {
    const body = counted([new TextEncoder().encode(whole)], { stall: true })
    const fetch = async (): Promise<Response> => {
      const later = (left: number): void => queueMicrotask(() => (left > 0 ? later(left - 1) : run.stop()))
      later(turns)
      return new Response(body.stream, { headers: { 'content-type': 'text/event-stream' } })
    }
    const run = answering('', { fetch }).stream('hi')
    await readAll(run)
    await run.flushed
    expect(body.isOpen()).toBe(false)
  }
})
