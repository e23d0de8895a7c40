import {
  type AssistantMessage,
  ChaintapError,
  type Delta,
  lambda,
  ModelError,
  type Outcome,
  type Runnable,
  type RunOptions,
  retry,
  StringOutputParser,
  TimeoutError,
  TruncatedError,
  textOf,
  type Usage,
  UserStop,
} from 'chaintap'
import { type FaultyAnswer, type FaultyFetch, type FaultyScript, faultyFetch, recorder } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import type { LLMResult } from '../../src/models/model.ts'
import { type Expected, fixture } from '../support/fixtures.ts'
import { mentions } from '../support/secrets.ts'
import { readAll, turn } from '../support/sources.ts'

/** A chat model returns messages and streams Deltas; a text model returns and streams strings. */
type Output = AssistantMessage | string
type Chunk = Delta | string
interface Model extends Runnable<string, Output, Chunk> {
  generate(inputs: readonly string[], options?: RunOptions): Promise<LLMResult>
}
type Run = ReturnType<Model['stream']>

export interface WireOptions {
  readonly fetch: FaultyFetch
  readonly apiKey?: string | (() => Promise<string>)
  readonly baseURL?: string
  readonly maxRetries?: number
  readonly onTruncated?: 'error' | 'accept'
  readonly streaming?: boolean
}

/** A response of any provider. A text model has only text and usage. */
export interface WireAnswer {
  readonly id?: string
  readonly model?: string
  readonly reasoning?: readonly string[]
  /** In tokens, one event per item. */
  readonly text: readonly string[]
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[]
  readonly usage?: Usage
}

/** A provider's model and its wire format. */
export interface WireUnderTest {
  make(options: WireOptions): Model
  /** Recorded responses, by file name. */
  readonly fixtures: readonly string[]
  /** A streamed response, one event per item. */
  sse(answer: WireAnswer): readonly string[]
  /** The same response as a whole. */
  json(answer: WireAnswer): unknown
  /** The body of an error response, and the same as an error event. */
  refusal(type: string, message: string): { readonly body: string; readonly event: string }
  /** The beginning of an event that exceeds the size limit. */
  readonly endless: string
  /** The model uses a binding, which has neither an API key nor a URL. */
  readonly isBound?: boolean
  /** The format has no fields for the id, the model and reasoning. */
  readonly isTerse?: boolean
}

const KEY = 'sk-ant-api03-AbCdEfGhIjKlMnOp_QrStUvWxYz-0123456789'
const usage: Usage = { inputTokens: 1_250, outputTokens: 40, cacheReadTokens: 1_024, cacheWriteTokens: 128, reasoningTokens: 12 }
const textAnswer: WireAnswer = { id: 'msg_1', model: 'model-1', text: ['Hél', 'lo\n', '"🌍"'], usage }
const chatAnswer: WireAnswer = {
  ...textAnswer,
  reasoning: ['Let me', ' see.'],
  toolCalls: [
    { id: 'call_1', name: 'weather', args: { city: 'Zürich', days: [1, 2] } },
    { id: 'call_2', name: 'now', args: {} },
  ],
}
const plain: WireAnswer = { text: ['Hel', 'lo', '!'], usage: { inputTokens: 5, outputTokens: 3 } }

/** The tests that every wire format must pass. */
export function wireContract(name: string, wire: WireUnderTest): void {
  const serve = (script: FaultyScript, options: Partial<WireOptions> = {}): { fetch: FaultyFetch; model: Model } => {
    const fetch = faultyFetch(script)
    return { fetch, model: wire.make({ fetch, apiKey: KEY, ...options }) }
  }
  const isChat = serve({}).model.kind === 'chat_model'
  const full = isChat ? chatAnswer : textAnswer
  const { id: _id, model: _model, reasoning: _reasoning, ...terse } = full
  const answer: WireAnswer = wire.isTerse ? terse : full
  /** What an error tells the user to check. */
  const check = wire.isBound ? 'binding' : 'baseURL'
  /** Tests of keys and URLs, which a binding does not have. */
  const addressed = wire.isBound ? { describe: skipped, test: skipped } : { describe, test }
  const streamed = (content: WireAnswer, faults: FaultyAnswer = {}): FaultyAnswer => ({ body: wire.sse(content), ...faults })
  const whole = (content: WireAnswer): FaultyAnswer => ({ body: JSON.stringify(wire.json(content)) })
  /** The events of the plain response up to its last text, without those that end it. */
  const unended = wire.sse(plain).slice(0, wire.sse(plain).findLastIndex((event) => event.includes('"!"')) + 1)
  const lengthOf = (text: string): number => new TextEncoder().encode(text).length
  /** The number of bytes of the plain response before this text. */
  const lengthUntil = (text: string): number => lengthOf(wire.sse(plain).join('').split(`"${text}"`)[0] ?? '') + 1

  describe(`${name}: recorded responses`, () => {
    test.each(wire.fixtures)(
      '%s is decoded the same, whole and cut at every byte',
      async (file) => {
        const { bytes, expected } = fixture(file)
        const cuts = Array.from(bytes, (_, at): FaultyAnswer => ({ body: [bytes.slice(0, at), bytes.slice(at)] }))
        const answers: readonly FaultyAnswer[] = [{ body: bytes }, { body: bytes, split: 'bytes' }, ...cuts]
        const headers = { 'content-type': expected.contentType }
        const { model } = serve((_, index) => ({ headers, ...answers[index] }))
        const wrong: unknown[] = []
        const right = JSON.stringify(decodedOf(expected, isChat))
        for (const [i] of answers.entries()) {
          const decoded = await decode(model.stream('Hi'))
          if (JSON.stringify(decoded) !== right) wrong.push({ cutAt: i - 2, decoded })
        }
        expect(wrong).toEqual([])
        // Thousands of calls: a busy machine exceeds the default timeout.
      },
      60_000,
    )
  })

  describe(`${name}: events and order`, () => {
    test('emits text as tokens and the rest as deltas, between start and end, in the order of arrival', async () => {
      const { model } = serve(streamed(answer))
      const record = recorder()
      await model.stream('Hi', { callbacks: [record] }).drain()
      record.check()
      const lines = record.trace().filter((line) => !/^D (meta|usage|stop)$/.test(line))
      const expected = [...(answer.reasoning ? ['D reasoning'] : []), ...(answer.toolCalls ? ['D tool-call'] : [])]
      expect(new Set(lines.filter((line) => line.startsWith('D')))).toEqual(new Set(expected))
      expect(lines.filter((line) => !line.startsWith('D'))).toEqual([`S ${model.name}`, 'T Hél', 'T lo\n', 'T "🌍"', `E ${model.name}`])
      expect(record.events.at(-1)).toMatchObject({ usage: { ...usage, requests: 1, source: 'provider' } })
    })

    test('sends no request before the first read, and reads at most one chunk ahead of an idle reader (P6)', async () => {
      const { fetch, model } = serve(streamed(plain, { split: 'events' }))
      const run = model.stream('Hi')
      await turn()
      expect(fetch.calls).toEqual([])
      await run[Symbol.asyncIterator]().next()
      await turn()
      expect(fetch.pulls).toBeLessThanOrEqual(2)
      run.stop()
    })
  })

  describe(`${name}: whole responses`, () => {
    test('invoke() requests a whole response, emits no token, and returns the output and usage of a stream', async () => {
      const invoked = serve(whole(answer))
      const record = recorder()
      const output = await invoked.model.invoke('Hi', { callbacks: [record] })
      expect(record.trace()).toEqual([`S ${invoked.model.name}`, `E ${invoked.model.name}`])
      const run = serve(streamed(answer)).model.stream('Hi')
      await run.drain()
      const outcome = await run.outcome
      expect(outcome).toMatchObject({ status: 'complete', output, usage })
      expect(record.events.at(-1)).toMatchObject({ output, usage: outcome.usage })
      expect(outputText(output)).toBe(answer.text.join(''))
      const { id, model, toolCalls } = answer
      if (typeof output !== 'string') expect(output).toMatchObject({ ...(id && { id, model }), toolCalls, usage })
    })

    test('invoke() requests a stream with streaming: true', async () => {
      const { model } = serve(streamed(plain), { streaming: true })
      const record = recorder()
      expect(outputText(await model.invoke('Hi', { callbacks: [record] }))).toBe('Hello!')
      expect(record.trace().filter((line) => line.startsWith('T'))).toEqual(['T Hel', 'T lo', 'T !'])
    })

    test('a body without an answer is an error that names the problem', async () => {
      const bodies = { '': /empty body/, '<html>Sign in</html>': /not valid JSON/, '{"hello":1}': /JSON without an answer/ }
      for (const [body, message] of Object.entries(bodies)) {
        const error = await failure(serve({ body, headers: { 'content-type': 'application/json' } }).model.invoke('Hi'))
        expect(error).toMatchObject({ name: 'ModelError', code: 'wire', message: expect.stringMatching(message) })
      }
    })

    test('an error with status 200 is a ModelError with the provider’s type', async () => {
      const { body } = wire.refusal('overloaded_error', 'Overloaded')
      expect(await failure(serve({ body }).model.invoke('Hi'))).toMatchObject({ code: 'wire', providerType: 'overloaded_error' })
    })
  })

  describe(`${name}: generate`, () => {
    const stalled = (): FaultyAnswer => ({ ...whole(plain), stallBeforeHeaders: true })

    test('answers inputs in order, in a run each, and adds up their usage', async () => {
      const { fetch, model } = serve((_, index) => whole({ ...plain, text: [`answer ${index}`] }))
      const record = recorder()
      const { generations, usage } = await model.generate(['One', 'Two'], { callbacks: [record], maxConcurrency: 1, tags: ['both'] })
      record.check()
      expect(generations.map(([{ text }]) => text)).toEqual(['answer 0', 'answer 1'])
      expect(usage).toEqual({ inputTokens: 10, outputTokens: 6, totalTokens: 16, requests: 2, source: 'provider' })
      expect(record.trace()).toEqual([`S ${model.name}`, `E ${model.name}`, `S ${model.name}`, `E ${model.name}`])
      expect(record.events.every(({ run }) => run.parentId === undefined && run.tags.includes('both'))).toBe(true)
      if (isChat) expect(generations[1]?.[0]).toMatchObject({ message: { role: 'assistant', content: 'answer 1' } })
      else expect(generations[1]).toEqual([{ text: 'answer 1' }])
      expect(fetch.calls).toHaveLength(2)
    })

    test('returns undefined usage if no provider reported any (P8)', async () => {
      expect((await serve(whole({ text: ['Hi'] })).model.generate(['One', 'Two'])).usage).toBeUndefined()
      expect(await serve({}).model.generate([])).toEqual({ generations: [], usage: undefined })
    })

    test('the first failure aborts the other runs and is thrown (P1, P2)', async () => {
      const { fetch, model } = serve((_, index) => (index === 1 ? { status: 400, body: wire.refusal('some_error', 'No').body } : stalled()))
      const record = recorder()
      const error = await failure(model.generate(['One', 'Two', 'Three'], { callbacks: [record] }))
      expect(error).toMatchObject({ status: 400 })
      record.check()
      expect(record.trace().filter((line) => line.startsWith('X'))).toHaveLength(3)
      expect(fetch.open).toBe(0)
    })

    test('maxConcurrency limits the concurrent calls', async () => {
      const { promise, resolve } = Promise.withResolvers<void>()
      const { fetch, model } = serve({ ...stalled(), until: promise })
      const generated = model.generate(['One', 'Two', 'Three'], { maxConcurrency: 2 })
      await until(() => fetch.calls.length === 2)
      await turn()
      expect(fetch.calls).toHaveLength(2)
      resolve()
      expect((await generated).generations).toHaveLength(3)
      expect(fetch.calls).toHaveLength(3)
    })
  })

  addressed.describe(`${name}: URLs`, () => {
    const secret = 'AbCdEfGhIj'
    const query = `?api-version=2024-10-21&key=${secret}`
    const baseURL = `https://server.example/base/${query}`

    test('appends the query of baseURL to the path', async () => {
      const { fetch, model } = serve(whole(plain), { baseURL })
      expect(outputText(await model.invoke('Hi'))).toBe('Hello!')
      // faultyFetch redacts the key.
      expect(fetch.calls[0]?.url).toMatch(/^https:\/\/server\.example\/base\/\w[^?]+\w\?api-version=2024-10-21&key=\[redacted\]$/)
    })

    test('treats slashes at the end of baseURL as one', async () => {
      const urls = await Promise.all(
        ['https://server.example/base', 'https://server.example/base//'].map(async (baseURL) => {
          const { fetch, model } = serve(whole(plain), { baseURL })
          await model.invoke('Hi')
          return fetch.calls[0]?.url
        }),
      )
      expect(urls[0]).toMatch(/^https:\/\/server\.example\/base\/\w/)
      expect(urls[1]).toBe(urls[0])
    })

    test('no error contains the query or the password of baseURL (P11)', async () => {
      const baseURL = `https://me:${secret}@server.example/base/${query}`
      const scripts: readonly FaultyAnswer[] = [
        { errorBefore: new TypeError(`Request cannot be constructed from ${baseURL}`) },
        { status: 404, body: `There is no /base${query}` },
        { status: 401, body: wire.refusal('some_error', `The key ${secret} is wrong`).body },
        { body: '<html>', headers: { 'content-type': 'text/html' } },
      ]
      for (const script of scripts) {
        const { error } = await readAll(serve(script, { baseURL, maxRetries: 0 }).model.stream('Hi'))
        expect(error).toBeInstanceOf(ChaintapError)
        expect(mentions(error, secret)).toEqual([])
        expect(mentions(error, 'api-version')).toEqual([])
      }
    })
  })

  describe(`${name}: error responses`, () => {
    const refused = (status: number, headers: Readonly<Record<string, string>> = {}): FaultyAnswer => ({
      status,
      headers: { 'content-type': 'application/json', ...headers },
      body: wire.refusal('some_error', `Status ${status} it is`).body,
    })
    const again = { 'retry-after-ms': '1' }

    test.each([400, 401, 403, 404, 413])('%i fails at once, with the provider’s message and a hint', async (status) => {
      const { fetch, model } = serve(refused(status, { 'request-id': 'req_1' }))
      const run = model.stream('Hi')
      const { chunks, error } = await readAll(run)
      expect(chunks).toEqual([])
      expect(error).toBeInstanceOf(ModelError)
      expect(error).toMatchObject({ code: 'http', status, providerType: 'some_error', requestId: 'req_1' })
      expect(String(error)).toContain(`Status ${status} it is`)
      expect(await run.outcome).toMatchObject({ status: 'failed', error })
      expect(fetch.calls).toHaveLength(1)
      expect(fetch.open).toBe(0)
    })

    test.each([408, 409, 429, 500, 503, 529])('%i is retried after the time that the provider asks for', async (status) => {
      const { fetch, model } = serve([refused(status, again), refused(status, again), streamed(plain)])
      const record = recorder()
      const run = model.stream('Hi', { callbacks: [record] })
      expect((await decode(run)).text).toBe('Hello!')
      record.check()
      expect(record.trace().slice(0, 3)).toEqual([`S ${model.name}`, 'R 1', 'R 2'])
      expect(record.events[1]).toMatchObject({ error: { status, retryAfterMs: 1 } })
      expect(fetch.calls).toHaveLength(3)
      expect(fetch.open).toBe(0)
    })

    test.each([
      [500, 'false', 1, false],
      [429, 'false', 1, false],
      [400, 'true', 2, true],
      [429, 'yes', 2, undefined],
    ])('%i with x-should-retry: %s is requested %i times', async (status, header, calls, isRetryable) => {
      const { fetch, model } = serve(refused(status, { ...again, 'x-should-retry': header }), { maxRetries: 1 })
      expect(await failure(model.invoke('Hi'))).toMatchObject({ status, isRetryable })
      expect(fetch.calls).toHaveLength(calls)
    })

    test.each(['insufficient_quota', 'exceeded_current_quota_error'])(
      'an account without money (429, %s) is not asked again',
      async (type) => {
        const { fetch, model } = serve({ ...refused(429), body: wire.refusal(type, 'You exceeded your current quota.').body })
        expect(await failure(model.invoke('Hi'))).toMatchObject({ providerType: type, isRetryable: false })
        expect(await failure(retry(model, { delay: 0 }).invoke('Hi'))).toMatchObject({ providerType: type })
        expect(fetch.calls).toHaveLength(2)
      },
    )

    test('maxRetries limits the retries, to 2 by default', async () => {
      for (const [options, calls] of [
        [{}, 3],
        [{ maxRetries: 0 }, 1],
        [{ maxRetries: 1 }, 2],
      ] as const) {
        const { fetch, model } = serve(refused(529, again), options)
        expect(await failure(model.invoke('Hi'))).toMatchObject({ status: 529 })
        expect(fetch.calls).toHaveLength(calls)
      }
    })

    test('retry-after is read in seconds or as a date; a pause of over a minute is not waited for', async () => {
      const inTwoMinutes = new Date(Date.now() + 120_000).toUTCString()
      for (const [after, least, most] of [
        ['90', 90_000, 90_000],
        [inTwoMinutes, 61_000, 120_000],
      ] as const) {
        const { fetch, model } = serve(refused(429, { 'retry-after': after }))
        const error = await failure(model.invoke('Hi'))
        expect(error).toBeInstanceOf(ModelError)
        const { retryAfterMs = 0 } = error as ModelError
        expect(retryAfterMs).toBeGreaterThanOrEqual(least)
        expect(retryAfterMs).toBeLessThanOrEqual(most)
        expect(fetch.calls).toHaveLength(1)
      }
    })

    test('an unreachable server is retried; the error says what to check and keeps the cause', async () => {
      const errorBefore = new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })
      const { model } = serve([{ errorBefore }, streamed(plain)])
      expect((await decode(model.stream('Hi'))).text).toBe('Hello!')
      const error = await failure(serve({ errorBefore }, { maxRetries: 0 }).model.invoke('Hi'))
      expect(error).toMatchObject({ code: 'network', message: expect.stringMatching(`fetch failed.*${check}`) })
      expect(error).toMatchObject({
        cause: { name: 'TypeError', message: 'fetch failed', cause: { message: 'refused', code: 'ECONNREFUSED' } },
      })
    })

    test('an error response without JSON, or with an endless body, is reported', async () => {
      const html = { 'content-type': 'text/html' }
      expect(await failure(serve({ status: 403, body: '<h1>Blocked</h1>', headers: html }).model.invoke('Hi'))).toMatchObject({
        status: 403,
        message: expect.stringContaining('Blocked'),
      })
      const { fetch, model } = serve({ status: 400, body: Array<string>(1_000).fill('x'.repeat(1_000)), deaf: true })
      const error = await failure(model.invoke('Hi'))
      expect(error).toMatchObject({ status: 400 })
      expect(String(error).length).toBeLessThan(1_000)
      expect(fetch.pulls).toBeLessThan(30)
      expect(fetch.open).toBe(0)
    })

    test('a connection lost during the response is not retried: the received text is delivered, then the error (P3)', async () => {
      const { fetch, model } = serve(streamed(plain, { split: 'events', dropAfter: lengthUntil('!') }))
      const { error, ...rest } = await decodeWithError(model.stream('Hi'))
      expect(rest.text).toBe('Hello')
      expect(error).toMatchObject({
        code: 'network',
        message: expect.stringContaining('lost during the response'),
        cause: { name: 'TypeError' },
      })
      expect(fetch.calls).toHaveLength(1)
    })

    test('an error in the middle of the stream is thrown after the text before it (P3)', async () => {
      const { event } = wire.refusal('overloaded_error', 'Overloaded')
      const { model } = serve({ body: [...unended, event] })
      const record = recorder()
      const { error, text } = await decodeWithError(model.stream('Hi', { callbacks: [record] }))
      record.check()
      expect(text).toBe('Hello!')
      expect(error).toMatchObject({ name: 'ModelError', code: 'wire', providerType: 'overloaded_error' })
      const last = record.events.at(-1)
      expect(last).toMatchObject({ type: 'error', partial: expect.toSatisfy((partial) => outputText(partial) === 'Hello!') })
      // Not all providers report usage before the end.
      if (last?.type === 'error' && last.usage) expect(last.usage.source).toBe('partial')
    })
  })

  describe(`${name}: invalid streams`, () => {
    test('a response of another content type is an error that names both types, and its body is closed', async () => {
      const { fetch, model } = serve({ body: '<html>', headers: { 'content-type': 'text/html' }, deaf: true })
      const { error } = await readAll(model.stream('Hi'))
      expect(error).toMatchObject({ code: 'wire', message: expect.stringMatching(`text/event-stream.*text/html.*${check}`) })
      expect(fetch.open).toBe(0)
    })

    test.each(['error', 'accept'] as const)('an empty stream is a TruncatedError that says so (onTruncated: %s)', async (onTruncated) => {
      const { error } = await readAll(serve({ body: '' }, { onTruncated }).model.stream('Hi'))
      expect(error).toMatchObject({ code: 'truncated', message: expect.stringContaining('empty') })
    })

    test('an event that is not JSON is an error that says so', async () => {
      const { error } = await readAll(serve({ body: 'data: {"type":\n\n' }).model.stream('Hi'))
      expect(error).toMatchObject({ code: 'wire', message: expect.stringContaining('not valid JSON') })
    })

    test('an endless event throws event_too_large before it fills the memory, and its body is closed (P2, P3)', async () => {
      const { fetch, model } = serve({
        body: [...unended, wire.endless, ...Array<string>(40).fill('x'.repeat(1_000_000))],
      })
      const { error, text } = await decodeWithError(model.stream('Hi'))
      expect(text).toBe('Hello!')
      expect(error).toMatchObject({ code: 'event_too_large' })
      expect(fetch.pulls).toBeLessThan(30)
      expect(fetch.open).toBe(0)
    })
  })

  describe(`${name}: truncated responses`, () => {
    const cut = streamed(plain, { split: 'events', truncateAfter: lengthUntil('!') })

    test('throw TruncatedError by default, after the received text (P3)', async () => {
      const run = serve(cut).model.stream('Hi')
      const { error, text } = await decodeWithError(run)
      expect(text).toBe('Hello')
      expect(error).toBeInstanceOf(TruncatedError)
      expect(await run.outcome).toMatchObject({
        status: 'truncated',
        error,
        partial: expect.toSatisfy((partial) => outputText(partial) === 'Hello'),
      })
    })

    test('end without an error with onTruncated: accept, and the outcome is truncated', async () => {
      const run = serve(cut, { onTruncated: 'accept' }).model.stream('Hi')
      const { error, text } = await decodeWithError(run)
      expect(text).toBe('Hello')
      expect(error).toBeUndefined()
      expect(await run.outcome).toMatchObject({ status: 'truncated', partial: expect.toSatisfy((cut) => outputText(cut) === 'Hello') })
    })
  })

  describe(`${name}: stopping (P1, P2)`, () => {
    const places: Readonly<Record<string, FaultyAnswer>> = {
      'between chunks': streamed(plain, { split: 'events', stallAfter: lengthOf(unended.join('')) }),
      'inside an event': streamed(plain, { split: 10, stallAfter: lengthUntil('lo') }),
    }
    const cases = Object.keys(places).flatMap((place) =>
      [false, true].map((deaf) => ({ place, deaf, what: deaf ? 'a deaf fetch' : 'fetch' })),
    )

    test.each(cases)('$place: stop() closes the body of $what within one microtask', async ({ place, deaf }) => {
      const { fetch, model } = serve({ ...places[place], deaf })
      const record = recorder()
      const run = model.stream('Hi', { callbacks: [record] })
      const texts: string[] = []
      const reading = readAll(run).then(({ chunks }) => texts.push(textIn(chunks)))
      await until(() => record.trace().some((line) => line.startsWith('T')))
      await turn()
      expect(fetch.open).toBe(1)
      run.stop()
      await Promise.resolve()
      expect(fetch.open).toBe(0)
      await reading
      record.check()
      expect('Hello!'.startsWith(texts[0] ?? '-')).toBe(true)
      expect(await run.outcome).toMatchObject({ status: 'aborted', error: expect.any(UserStop) })
    })

    test.each([false, true])('before the headers: an abort ends the run at once (deaf: %s)', async (deaf) => {
      const headers = Promise.withResolvers<void>()
      const { fetch, model } = serve(streamed(plain, { stallBeforeHeaders: true, until: headers.promise, deaf }))
      const record = recorder()
      const abort = new AbortController()
      // In a child run, the run itself must end, not only its reader.
      const chain = lambda((question: string, context) => model.invoke(question, context), { name: 'Chain' })
      const failed = failure(chain.invoke('Hi', { callbacks: [record], signal: abort.signal }))
      await until(() => fetch.calls.length === 1)
      abort.abort(new Error('mine'))
      expect(await failed).toMatchObject({ message: 'mine' })
      record.check()
      expect(record.trace()).toEqual(['S Chain', `S ${model.name}<Chain`, `X ${model.name}`, 'X Chain'])
      headers.resolve()
      await turn()
      expect(fetch.open).toBe(0)
      expect(deaf ? fetch.cancels : fetch.aborts).toHaveLength(1)
    })

    const waits: Readonly<Record<string, FaultyAnswer>> = {
      'for the headers': { stallBeforeHeaders: true },
      'for the headers, of a deaf fetch': { stallBeforeHeaders: true, deaf: true },
      'for the next attempt': { status: 529, body: '{}', headers: { 'retry-after': '30' } },
      'for the rest of an error response': { status: 400, body: 'x'.repeat(100), stallAfter: 10, deaf: true },
    }

    test.each(Object.entries(waits))(
      'a step that times out while it waits %s fails its chain at once with TimeoutError',
      async (_, script) => {
        const chain = serve(script).model.withConfig({ timeout: 20 }).pipe(new StringOutputParser())
        expect(await failure(chain.invoke('Hi'))).toBeInstanceOf(TimeoutError)
      },
    )

    test('while an error response is read: stop() closes its body', async () => {
      const { fetch, model } = serve({ status: 500, body: 'x'.repeat(100), stallAfter: 10, deaf: true })
      const run = model.stream('Hi')
      const reading = readAll(run)
      await until(() => fetch.pulls >= 2)
      run.stop()
      expect((await reading).chunks).toEqual([])
      await turn()
      expect(fetch.open).toBe(0)
      expect(fetch.calls).toHaveLength(1)
    })

    test('during the pause before a retry: stop() ends the run, and no request follows', async () => {
      const { fetch, model } = serve({ status: 529, body: '{}', headers: { 'retry-after': '30' } })
      const run = model.stream('Hi')
      const reading = readAll(run)
      await until(() => fetch.calls.length === 1 && fetch.open === 0)
      await turn()
      run.stop()
      await reading
      expect(await run.outcome).toMatchObject({ status: 'aborted' })
      expect(fetch.calls).toHaveLength(1)
    })

    addressed.test('while the API key is resolved: an abort prevents the request', async () => {
      const key = Promise.withResolvers<string>()
      const { fetch, model } = serve(streamed(plain, { deaf: true }), { apiKey: () => key.promise })
      const abort = new AbortController()
      const failed = failure(model.invoke('Hi', { signal: abort.signal }))
      await turn()
      abort.abort(new Error('mine'))
      expect(await failed).toMatchObject({ message: 'mine' })
      key.resolve(KEY)
      await turn()
      expect(fetch.calls).toEqual([])
    })

    test('an abort before the call prevents the request', async () => {
      const { fetch, model } = serve(streamed(plain))
      expect(await failure(model.invoke('Hi', { signal: AbortSignal.abort(new Error('mine')) }))).toMatchObject({ message: 'mine' })
      expect(fetch.calls).toEqual([])
    })
  })

  describe(`${name}: secrets (P11)`, () => {
    const echoed = `The key ${KEY} is wrong; so is Bearer ${KEY}`
    const echoes: Readonly<Record<string, FaultyAnswer>> = {
      'an error response': {
        status: 401,
        headers: { 'content-type': 'application/json', 'request-id': KEY },
        body: wire.refusal(KEY, echoed).body,
      },
      'an error response without JSON': { status: 502, headers: { 'content-type': 'text/html', 'retry-after-ms': '1' }, body: echoed },
      'a failed connection': {
        errorBefore: new TypeError(`invalid header ${KEY}`, { cause: Object.assign(new Error(KEY), { headers: { key: KEY } }) }),
      },
      'an error in the stream': { body: [...unended, wire.refusal('some_error', echoed).event] },
      'a response of another content type': { headers: { 'content-type': `text/html; key=${KEY}` }, body: 'x' },
      'an event that is not JSON': { body: `data: ${KEY}\n\n` },
    }

    test('no property of the model shows the key: not in the console, in JSON, or by reflection', () => {
      const { model } = serve(streamed(plain))
      expect(mentions(model, KEY)).toEqual([])
      expect(mentions(model.withConfig({ tags: ['a'] }), KEY)).toEqual([])
    })

    test.each(Object.entries(echoes))('%s that echoes the key: no event and no error contains it', async (_, script) => {
      const record = recorder()
      const run = serve(script, { maxRetries: 1 }).model.stream('Hi', { callbacks: [record] })
      const { error } = await readAll(run)
      expect(error).toBeInstanceOf(ChaintapError)
      expect(mentions([error, record.events, await run.outcome], KEY)).toEqual([])
      expect(mentions([error, record.events, await run.outcome], KEY.slice(0, 20))).toEqual([])
    })
  })
}

const skipped = (_name: string, _define: () => unknown): void => {}

/** A decoded response, in the form of expected.json. */
interface Decoded {
  readonly text: string
  readonly reasoning: string
  readonly toolCalls: readonly unknown[]
  readonly stopReason: string | null
  readonly complete: boolean
  readonly error: unknown
  readonly usage: unknown
}

/** The output of a text model has no stop reason. */
function decodedOf({ text, reasoning = '', toolCalls = [], stopReason, complete, error, usage }: Expected, isChat: boolean): Decoded {
  return {
    text,
    reasoning,
    toolCalls,
    stopReason: isChat ? stopReason : null,
    complete,
    error: error && { type: error.type, message: error.message },
    usage: sorted(usage),
  }
}

async function decode(run: Run): Promise<Decoded> {
  return (await decodeWithError(run)).decoded
}

async function decodeWithError(run: Run): Promise<Decoded & { readonly decoded: Decoded }> {
  const { chunks, error } = await readAll(run)
  const outcome = await run.outcome
  const output = (outcome.status === 'complete' ? outcome.output : outcome.partial) as Output | undefined
  const message = typeof output === 'string' ? undefined : output
  const decoded: Decoded = {
    text: textIn(chunks),
    reasoning: chunks.map((chunk) => (typeof chunk !== 'string' && chunk.type === 'reasoning' ? chunk.text : '')).join(''),
    toolCalls: (message?.toolCalls ?? []).map((call) => ({ name: call.name, arguments: call.args })),
    stopReason: message?.stopReason ?? null,
    complete: outcome.status === 'complete',
    error: error instanceof ModelError ? { type: error.providerType, message: /: "(.*)"\./.exec(error.message)?.[1] } : undefined,
    usage: usageIn(outcome),
  }
  return { ...decoded, error, decoded }
}

function usageIn({ usage }: Outcome<unknown>): unknown {
  if (!usage) return null
  const { requests: _requests, source: _source, ...figures } = usage
  return sorted(figures)
}

const sorted = (figures: object | null): unknown =>
  figures && Object.fromEntries(Object.entries(figures).sort(([a], [b]) => (a < b ? -1 : 1)))

const chunkText = (chunk: Chunk): string => (typeof chunk === 'string' ? chunk : chunk.type === 'text' ? chunk.text : '')
const textIn = (chunks: readonly Chunk[]): string => chunks.map(chunkText).join('')

/** The text of an output. */
const outputText = (output: unknown): string => (typeof output === 'string' ? output : textOf(output as AssistantMessage))

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('The promise did not reject')
}

/** Waits for a condition, one turn of the event loop at a time. */
async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await turn()
}
