import { ChaintapError, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI, OpenAI } from 'chaintap/openai'
import {
  anthropicJson,
  anthropicSse,
  faultyFetch,
  openaiCompletionJson,
  openaiCompletionSse,
  openaiJson,
  openaiSse,
  recorder,
} from 'chaintap/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readAll } from '../../support/sources.ts'

// Usage that cannot be true is reported. In browsers, that would fail the test run as an uncaught error.
beforeAll(() => void vi.stubGlobal('reportError', () => {}))
afterAll(() => void vi.unstubAllGlobals())

const answer = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 }, toolCalls: [{ id: 'c', name: 't', args: { a: 1 } }] }
const text = { text: ['Hel', 'lo', '!', '?'], usage: { inputTokens: 3, outputTokens: 2 } }
const options = { apiKey: 'a-key', maxRetries: 0, dangerouslyAllowBrowser: true }
type Fetch = ReturnType<typeof faultyFetch>

const providers = {
  Anthropic: {
    create: (fetch: Fetch) => new ChatAnthropic({ ...options, fetch }).pipe(new StringOutputParser()),
    sse: [anthropicSse(answer), anthropicSse(text)],
    json: anthropicJson(answer),
  },
  OpenAI: {
    create: (fetch: Fetch) => new ChatOpenAI({ ...options, fetch }).pipe(new StringOutputParser()),
    sse: [openaiSse(answer), openaiSse(text)],
    json: openaiJson(answer),
  },
  'OpenAI completions': {
    create: (fetch: Fetch) => new OpenAI({ ...options, fetch }).pipe(new StringOutputParser()),
    sse: [openaiCompletionSse(text)],
    json: openaiCompletionJson(text),
  },
}

const junk: readonly unknown[] = [null, 5, 'x', [null], { a: 1 }]

/** Replaces the value at a place, counted over all values in their order. */
function spoil(value: unknown, place: number, by: unknown): unknown {
  let left = place
  const visit = (part: unknown): unknown => {
    if (left-- === 0) return by
    if (Array.isArray(part)) return part.map(visit)
    if (typeof part !== 'object' || part === null) return part
    return Object.fromEntries(Object.entries(part).map(([key, item]) => [key, visit(item)]))
  }
  return visit(value)
}

const countValues = (value: unknown): number =>
  1 + (typeof value === 'object' && value !== null ? Object.values(value).reduce((sum: number, item) => sum + countValues(item), 0) : 0)

const dataOf = (frame: string): unknown => {
  const data = /^data: (\{.*)$/m.exec(frame)?.[1]
  return data && JSON.parse(data)
}

/** All versions of a stream in which one value of one event is junk. */
function* spoiledStreams(sse: string): Generator<string> {
  const frames = sse.split('\n\n')
  for (const [i, frame] of frames.entries()) {
    const event = dataOf(frame)
    if (!event) continue
    for (let place = 0; place < countValues(event); place++)
      for (const by of junk)
        yield frames
          .with(
            i,
            frame.replace(/^data: .*$/m, () => `data: ${JSON.stringify(spoil(event, place, by))}`),
          )
          .join('\n\n')
  }
}

async function expectTyped(name: keyof typeof providers, status: number, body: string, streaming: boolean): Promise<void> {
  const record = recorder()
  const model = providers[name].create(faultyFetch({ status, body }))
  const runOptions = { callbacks: [record] }
  const error = streaming
    ? (await readAll(model.stream('Hi', runOptions))).error
    : await model.invoke('Hi', runOptions).then(
        () => undefined,
        (failure: unknown) => failure,
      )
  if (error !== undefined && !(error instanceof ChaintapError)) throw new Error(`${name} failed untyped for ${body}`, { cause: error })
  record.check()
}

describe.each(Object.keys(providers) as (keyof typeof providers)[])('%s', (name) => {
  const { sse, json, create } = providers[name]

  test('one value of the wrong type in any event of a stream gives an answer or a ChaintapError', async () => {
    for (const stream of sse) for (const body of spoiledStreams(stream.join(''))) await expectTyped(name, 200, body, true)
  })

  test('one value of the wrong type in a whole answer or a refusal gives an answer or a ChaintapError', async () => {
    const refusal = {
      type: 'error',
      error: { type: 't', code: 'c', message: 'm', param: 'p' },
      request_id: 'r',
      message: 'm',
      detail: [{ msg: 'm' }],
    }
    for (const [whole, status] of [
      [json, 200],
      [refusal, 200],
      [refusal, 400],
    ] as const)
      for (let place = 0; place < countValues(whole); place++)
        for (const by of junk) await expectTyped(name, status, JSON.stringify(spoil(whole, place, by)), false)
  })

  test('random JSON as an event gives an answer or a ChaintapError', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.json({ maxDepth: 4 }), { maxLength: 4 }), (events) =>
        expectTyped(name, 200, events.map((event) => `data: ${event}\n\n`).join(''), true),
      ),
      { numRuns: 200 },
    )
  })

  test('the error of a malformed event names the provider', async () => {
    const bad = { Anthropic: '{"type":"content_block_start","content_block":{"type":"text","citations":5}}', OpenAI: '{"choices":[null]}' }
    const body = `data: ${name === 'Anthropic' ? bad.Anthropic : bad.OpenAI}\n\n`
    const { error } = await readAll(create(faultyFetch({ body })).stream('Hi'))
    expect(error).toMatchObject({
      code: expect.stringMatching(/wire|truncated/),
      message: expect.stringMatching(/Anthropic|OpenAI|truncated|end marker/),
    })
  })
})
