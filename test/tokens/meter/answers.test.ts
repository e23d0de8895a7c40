import type { RunEvent, Usage } from 'chaintap'
import { ChatOpenAI } from 'chaintap/openai'
import { openaiSse } from 'chaintap/testing'
import { TokenCounter } from 'chaintap/tokens'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { metered } from '../../contracts/meter.ts'

const openai = 'https://llm.example/v1/chat/completions'
const bedrock = 'https://bedrock-runtime.us-east-1.amazonaws.com/model/meta.llama3-8b-instruct-v1%3A0/invoke'
const cohere = 'https://api.cohere.com/v2/chat'
const post = { method: 'POST', body: '{}' }
const [json, sse] = ['application/json', 'text/event-stream']

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
const counted = { inputTokens: 7, outputTokens: 3, totalTokens: 10, requests: 1 }

const events = (...sent: readonly unknown[]): string =>
  sent.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
const chunk = (choice: object, more: object = {}): object => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  model: 'm',
  choices: [{ index: 0, ...choice }],
  ...more,
})
const whole = (message: object, reason: unknown = 'stop', more: object = {}): string =>
  JSON.stringify({ id: 'c1', object: 'chat.completion', model: 'm', choices: [{ index: 0, message, finish_reason: reason }], ...more })

const typed = (type: string | undefined): Record<string, string> => (type === undefined ? {} : { 'content-type': type })

/** The record of an answer, and the counter's figures for it. */
async function recordOf(url: string, body: string, type: string | undefined = json, headers: Record<string, string> = {}) {
  const { fetch, records } = metered(
    { body: [new TextEncoder().encode(body)], headers: { ...typed(type), ...headers } },
    { onDiagnostic() {} },
  )
  await (await fetch(url, post)).text()
  const counter = new TokenCounter()
  for (const record of records) counter.record(record)
  return { record: records[0], counter }
}

describe('answers that no format describes have a record: their usage is unknown, not 0', () => {
  test.each([
    ['Cohere v2', cohere, { id: 'x', finish_reason: 'COMPLETE', message: { role: 'assistant', content: [] }, usage: { tokens: {} } }],
    ['Cohere v1', 'https://api.cohere.com/v1/chat', { text: 'Hello', generation_id: 'g', finish_reason: 'COMPLETE' }],
    [
      'Workers AI, another task',
      'https://api.cloudflare.com/client/v4/accounts/a/ai/run/@cf/x/y',
      { result: { label: 'x' }, success: true },
    ],
    ['a format to come', openai, { answer: { words: ['Hello'] } }],
  ])('%s', async (_, url, body) => {
    const { record, counter } = await recordOf(url, JSON.stringify(body))
    expect(record).toMatchObject({ complete: true, reason: 'end', status: 200 })
    expect(record?.usage).toBeUndefined()
    expect(counter).toMatchObject({ totalTokens: undefined, promptTokens: undefined, completionTokens: undefined, successfulRequests: 1 })
    expect(counter.usage).toMatchObject({ requests: 1 })
  })

  test('a stream that its reader cancels', async () => {
    const { fetch, records } = metered({ body: [events({ a: 1 }), events({ b: 1 })], headers: typed(sse) })
    const reader = (await fetch(openai, post)).body?.getReader()
    await reader?.read()
    await reader?.cancel()
    const counter = new TokenCounter()
    for (const record of records) counter.record(record)
    expect(records).toMatchObject([{ complete: false, reason: 'cancel' }])
    expect(counter.totalTokens).toBeUndefined()
  })

  test.each([
    ['an empty stream', '', 0],
    ['an error', JSON.stringify({ detail: 'No such model' }), 0],
  ])('%s is not counted', async (_, body, total) => {
    const { record, counter } = await recordOf(openai, body)
    expect(record?.complete).toBe(false)
    expect(counter.totalTokens).toBe(total)
  })

  test('a request that reads, and other servers’ JSON, have no record', async () => {
    const { fetch, records } = metered({ body: ['{"object":"list","data":[]}'], headers: typed(json) })
    await (await fetch(openai)).text()
    await (await fetch('https://app.example/data', post)).text()
    expect(records).toEqual([])
  })
})

describe('models’ own formats through Bedrock’s InvokeModel', () => {
  test.each<[string, object, object | undefined]>([
    ['Meta', { generation: 'Hello', prompt_token_count: 7, generation_token_count: 3, stop_reason: 'stop' }, counted],
    ['Titan', { inputTextTokenCount: 7, results: [{ tokenCount: 3, outputText: 'Hello', completionReason: 'FINISH' }] }, counted],
    ['Mistral', { outputs: [{ text: 'Hello', stop_reason: 'stop' }] }, undefined],
    ['Cohere', { generations: [{ text: 'Hello', finish_reason: 'COMPLETE' }], id: 'x', prompt: 'Hi' }, undefined],
    ['AI21', { id: 1, completions: [{ data: { text: 'Hello' }, finishReason: { reason: 'endoftext' } }] }, undefined],
    ['Claude 2', { completion: ' Hello', stop_reason: 'stop_sequence', stop: '\n\nHuman:' }, undefined],
    [
      'Nova',
      { output: { message: { content: [{ text: 'Hello' }] } }, stopReason: 'end_turn', usage: { inputTokens: 7, outputTokens: 3 } },
      counted,
    ],
  ])('%s', async (_, body, expected) => {
    const { record, counter } = await recordOf(bedrock, JSON.stringify(body))
    expect(record).toMatchObject({ provider: 'bedrock', complete: true, reason: 'end', outputWeight: expect.closeTo(1.3, 5) })
    expect(record?.usage).toEqual(expected && { ...expected, source: 'provider' })
    if (!expected) expect(counter).toMatchObject({ totalTokens: undefined, completionTokens: 2 })
  })

  test('figures in headers are read if the body has none', async () => {
    const counts = { 'x-amzn-bedrock-input-token-count': '7', 'x-amzn-bedrock-output-token-count': '3' }
    const body = { generations: [{ text: 'Hello' }] }
    expect((await recordOf(bedrock, JSON.stringify(body), json, counts)).record?.usage).toEqual({ ...counted, source: 'provider' })
    const wrong = { 'x-amzn-bedrock-input-token-count': '-7', 'x-amzn-bedrock-output-token-count': 'many' }
    expect((await recordOf(bedrock, JSON.stringify(body), json, wrong)).record?.usage).toBeUndefined()
  })
})

const hello = { role: 'assistant', content: 'Hello' }
const streamed = events(chunk({ delta: hello, finish_reason: 'stop' }, { usage }), '[DONE]')

test.each([
  ['JSON without a type', whole(hello, 'stop', { usage }), undefined],
  ['JSON as text/plain', whole(hello, 'stop', { usage }), 'text/plain; charset=utf-8'],
  ['JSON after white space', ` \r\n${whole(hello, 'stop', { usage })}`, undefined],
  ['JSON as a stream', whole(hello, 'stop', { usage }), sse],
  ['a stream without a type', streamed, undefined],
  ['a stream as octets', streamed, 'application/octet-stream'],
  ['a stream as JSON', streamed, json],
  ['a stream that begins with a comment', `: hi\n\n${streamed}`, undefined],
])('the body of a model’s answer decides its format: %s', async (_, body, type) => {
  expect((await recordOf(openai, body, type)).record).toMatchObject({ complete: true, usage: counted, responseId: 'c1', model: 'm' })
})

test('a body cut into pieces has the same record, whatever its type says', async () => {
  const anyBody = fc.constantFrom(whole(hello, 'stop', { usage }), streamed, openaiSse({ text: ['Hello'] }).join(''))
  await fc.assert(
    fc.asyncProperty(anyBody, fc.constantFrom(json, sse, 'text/plain'), fc.array(fc.nat({ max: 400 })), async (body, type, cuts) => {
      const bytes = new TextEncoder().encode(body)
      const ends = [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
      const pieces = ends.map((end, i) => bytes.slice(ends[i - 1] ?? 0, end))
      const records = []
      for (const split of [[bytes], pieces]) {
        const { fetch, records: got } = metered({ body: split, headers: typed(type) }, { onDiagnostic() {} })
        await (await fetch(openai, post)).text()
        records.push(got.map((record) => ({ ...record, durationMs: 0 })))
      }
      expect(records[1]).toEqual(records[0])
    }),
  )
})

describe('ChatOpenAI and meter() agree', () => {
  const text = { type: 'text', text: 'Hello' }
  test.each<[string, string, string]>([
    ['finish_reason ""', whole(hello, '', { usage }), json],
    ['finish_reason null', whole(hello, null, { usage }), json],
    ['content as parts', whole({ role: 'assistant', content: [text] }, 'stop', { usage }), json],
    [
      'content as parts, streamed',
      events(chunk({ delta: { content: [text] } }), chunk({ delta: {}, finish_reason: 'stop' }, { usage })),
      sse,
    ],
    ['usage in a choice', events(chunk({ delta: hello }), chunk({ delta: {}, finish_reason: 'stop', usage })), sse],
    ['[DONE] with a blank', events(chunk({ delta: hello }, { usage }), '[DONE] '), sse],
    ['JSON instead of a stream', whole(hello, 'stop', { usage }), sse],
    ['a stream as text', streamed, 'text/plain'],
    ['one message instead of chunks', events(chunk({ message: hello }, { usage })), sse],
    [
      'messages beside deltas',
      events(chunk({ delta: hello, message: hello }), chunk({ delta: {}, message: hello, finish_reason: 'stop' }, { usage })),
      sse,
    ],
    ['a whole message at the end', events(chunk({ delta: hello }), chunk({ message: hello, finish_reason: 'stop' }, { usage })), sse],
    ['messages and no end', events(chunk({ message: hello }), chunk({ message: hello }, { usage })), sse],
    ['no end', events(chunk({ delta: hello }, { usage })), sse],
    [
      'an error in a choice',
      events(chunk({ delta: hello }, { usage }), chunk({ delta: {}, finish_reason: 'error', error: { message: 'No' } })),
      sse,
    ],
    ['an error in x_groq', events(chunk({ delta: hello }, { usage }), chunk({ delta: {} }, { x_groq: { error: 'No' } })), sse],
  ])('%s', async (_, body, type) => {
    const fetch = async (): Promise<Response> => new Response(body, { headers: typed(type) })
    const model = new ChatOpenAI({ apiKey: 'k', dangerouslyAllowBrowser: true, baseURL: 'https://llm.example/v1', maxRetries: 0, fetch })
    const ends: (Usage | undefined)[] = []
    const onEnd = (event: RunEvent): void => void ((event.type === 'end' || event.type === 'error') && ends.push(event.usage))
    const options = { callbacks: [onEnd] }
    const read = type === json ? model.invoke('x', options) : model.stream('x', options).drain()
    const isComplete = await read.then(
      () => true,
      () => false,
    )
    const { record, counter } = await recordOf(openai, body, type)
    expect({ isComplete: record?.complete, usage: record?.usage }).toEqual({ isComplete, usage: ends[0] })
    expect(record?.outputWeight).toBeCloseTo(1.3, 5)
    expect(counter.completionTokens).toBe(3)
  })
})

test('Anthropic’s format is complete with a stop reason: some compatible servers send no message_stop', async () => {
  const body = events(
    { type: 'message_start', message: { id: 'm', model: 'claude', usage: { input_tokens: 7, output_tokens: 1 } } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 3 } },
  )
  expect(await recordOf('https://llm.example/v1/messages', body, sse)).toMatchObject({
    record: { complete: true, reason: 'end', usage: counted },
  })
})
