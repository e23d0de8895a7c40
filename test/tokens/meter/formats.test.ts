import type { UsageRecord } from 'chaintap/meter'
import { anthropicJson, openaiCompletionJson, openaiJson } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { metered, read, stable } from '../../contracts/meter.ts'
import { fixture } from '../../support/fixtures.ts'

const json = 'application/json'
const sse = 'text/event-stream'

/** The record of an answer. Checks that it is the same however the answer is cut. */
async function recordOf(url: string, type: string, body: string | Uint8Array): Promise<Partial<UsageRecord> | undefined> {
  const splits = [undefined, 'bytes', 5, 64] as const
  const { fetch, records } = metered((_, index) => ({
    body,
    headers: { 'content-type': type },
    ...(splits[index] && { split: splits[index] }),
  }))
  for (const _ of splits) await read(await fetch(url, { method: 'POST' }))
  const stableRecords = records.map(stable)
  for (const record of stableRecords) expect(record).toEqual(stableRecords[0])
  expect([0, splits.length]).toContain(stableRecords.length)
  return stableRecords[0]
}

const events = (...all: readonly unknown[]): string =>
  all.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
const usage = (inputTokens: number, outputTokens: number, more: object = {}): object => ({
  inputTokens,
  outputTokens,
  totalTokens: inputTokens + outputTokens,
  ...more,
  requests: 1,
  source: 'provider',
})

describe('answers that are not streamed', () => {
  const hello = { id: 'id_1', model: 'model-1', text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }
  const known = { provider: undefined, model: 'model-1', responseId: 'id_1', complete: true, reason: 'end', usage: usage(3, 2) }
  const gemini = {
    candidates: [{ content: { parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 3, candidatesTokenCount: 2, totalTokenCount: 5 },
    modelVersion: 'model-1',
    responseId: 'id_1',
  }

  test.each<readonly [string, unknown, object]>([
    ['Anthropic', anthropicJson(hello), { ...known, provider: 'anthropic' }],
    ['OpenAI, chat', openaiJson(hello), known],
    ['OpenAI, completions', openaiCompletionJson(hello), known],
    [
      'OpenAI, responses',
      {
        id: 'id_1',
        object: 'response',
        status: 'completed',
        error: null,
        model: 'model-1',
        output: [],
        usage: { input_tokens: 3, output_tokens: 2 },
      },
      known,
    ],
    [
      'OpenAI, embeddings',
      { object: 'list', data: [], model: 'model-1', usage: { prompt_tokens: 3, total_tokens: 3 } },
      {
        complete: true,
        model: 'model-1',
        usage: { inputTokens: 3, totalTokens: 3, requests: 1, source: 'provider' },
      },
    ],
    [
      'OpenAI, images',
      { created: 1, data: [{ b64_json: 'AAAA' }], usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 } },
      { complete: true, usage: usage(3, 2) },
    ],
    ['Gemini', gemini, { ...known, provider: 'gemini' }],
    [
      'Gemini, a blocked prompt',
      { promptFeedback: { blockReason: 'SAFETY' }, usageMetadata: { promptTokenCount: 3, totalTokenCount: 3 } },
      {
        complete: true,
        usage: { inputTokens: 3, totalTokens: 3, requests: 1, source: 'provider' },
      },
    ],
    [
      'Gemini, interactions',
      {
        id: 'id_1',
        object: 'interaction',
        status: 'completed',
        model: 'model-1',
        usage: { total_input_tokens: 3, total_output_tokens: 2, total_tokens: 5 },
      },
      { ...known, provider: 'gemini' },
    ],
    [
      'Ollama',
      { model: 'model-1', message: { content: 'Hello' }, done: true, prompt_eval_count: 3, eval_count: 2 },
      { ...known, provider: 'ollama', responseId: undefined },
    ],
    [
      'Ollama, generate',
      { model: 'model-1', response: 'Hello', done: true, prompt_eval_count: 3, eval_count: 2 },
      { provider: 'ollama', usage: usage(3, 2) },
    ],
    [
      'Ollama, embeddings',
      { model: 'model-1', embeddings: [[1]], prompt_eval_count: 3 },
      { provider: 'ollama', complete: true, usage: { inputTokens: 3, requests: 1, source: 'provider' } },
    ],
    [
      'Workers AI',
      { result: { response: 'Hello', usage: { prompt_tokens: 3, completion_tokens: 2 } }, success: true, errors: [], messages: [] },
      { provider: 'workersai', complete: true, usage: usage(3, 2) },
    ],
    [
      'Bedrock',
      {
        output: { message: { role: 'assistant', content: [] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 3, outputTokens: 2, totalTokens: 5 },
      },
      { provider: 'bedrock', complete: true, usage: usage(3, 2) },
    ],
  ])('%s', async (_, answer, expected) => {
    const url = 'https://proxy.example/v1/thing'
    expect(await recordOf(url, json, JSON.stringify(answer))).toMatchObject(expected)
    expect(await recordOf(url, 'application/json; charset=utf-8', `\n\n  ${JSON.stringify(answer, null, 2)}\n`)).toMatchObject(expected)
  })

  test('a cut answer is incomplete at a model’s URL; elsewhere it has no record', async () => {
    const cut = JSON.stringify(openaiJson(hello)).slice(0, -20)
    expect(await recordOf('https://api.openai.com/v1/chat/completions', json, cut)).toMatchObject({
      complete: false,
      reason: 'truncated',
      provider: 'openai',
    })
    expect(await recordOf('https://proxy.example/v1/thing', json, cut)).toBeUndefined()
  })

  test('an answer in progress is incomplete, and a failed one has the reason `error`', async () => {
    const answer = { id: 'resp_1', object: 'response', model: 'model-1', output: [], usage: null }
    const url = 'https://api.openai.com/v1/responses/resp_1'
    expect(await recordOf(url, json, JSON.stringify({ ...answer, status: 'queued' }))).toMatchObject({
      responseId: 'resp_1',
      complete: false,
      reason: 'truncated',
    })
    const failed = { ...answer, status: 'failed', error: { code: 'server_error' } }
    expect(await recordOf(url, json, JSON.stringify(failed))).toMatchObject({ responseId: 'resp_1', complete: false, reason: 'error' })
    expect(await recordOf(url, json, '{"error":{"message":"No"}}')).toMatchObject({ provider: 'openai', complete: false, reason: 'error' })
  })
})

describe('Gemini without alt=sse: one array', () => {
  const chunk = (text: string, more: object = {}): object => ({
    candidates: [{ content: { parts: [{ text }] }, ...more }],
    modelVersion: 'gemini-2.5-flash',
  })
  const chunks = [
    { ...chunk('{"]}'), usageMetadata: { promptTokenCount: 40, thoughtsTokenCount: 30, totalTokenCount: 70 } },
    { ...chunk('\\"'), usageMetadata: { promptTokenCount: 40, candidatesTokenCount: 5, totalTokenCount: 75 } },
    { ...chunk('!', { finishReason: 'STOP' }), usageMetadata: { promptTokenCount: 41, candidatesTokenCount: 18 } },
  ]
  const url = 'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:streamGenerateContent?key=secret'

  test('merges running totals field by field', async () => {
    const expected = { provider: 'gemini', model: 'gemini-2.5-flash', complete: true, usage: usage(41, 48, { reasoningTokens: 30 }) }
    expect(await recordOf(url, json, JSON.stringify(chunks))).toMatchObject(expected)
    expect(await recordOf(url, json, `[${chunks.map((each) => JSON.stringify(each, null, 2)).join('\n,\r\n')}\n]\n`)).toMatchObject(
      expected,
    )
  })

  test('keeps the output before an interruption', async () => {
    const cut = JSON.stringify(chunks).slice(0, -30)
    expect(await recordOf(url, json, cut)).toMatchObject({
      complete: false,
      reason: 'truncated',
      usage: { inputTokens: 40, outputTokens: 35, totalTokens: 75, source: 'partial' },
    })
  })

  test('reads an error during the answer, which is plain JSON and not an event', async () => {
    const [first] = chunks
    const error = JSON.stringify({ error: { code: 503, message: 'Overloaded', status: 'UNAVAILABLE' } }, null, 2)
    expect(await recordOf(`${url}&alt=sse`, sse, `${events(first)}${error}`)).toMatchObject({
      complete: false,
      reason: 'error',
      usage: { inputTokens: 40 },
    })
    expect(await recordOf(url, json, `[${JSON.stringify(first)},${error}]`)).toMatchObject({
      complete: false,
      reason: 'error',
      usage: { inputTokens: 40 },
    })
  })
})

test('Gemini, interactions', async () => {
  const body = events(
    { event_type: 'interaction.created', interaction: { id: 'int_1', model: 'gemini-3', status: 'in_progress' } },
    { event_type: 'step.delta', index: 0, delta: { type: 'text', text: 'Hi' } },
    {
      event_type: 'interaction.completed',
      interaction: { id: 'int_1', status: 'completed', usage: { total_input_tokens: 3, total_output_tokens: 2 } },
    },
  )
  const url = 'https://generativelanguage.googleapis.com/v1beta/interactions'
  expect(await recordOf(url, sse, body)).toMatchObject({
    provider: 'gemini',
    model: 'gemini-3',
    responseId: 'int_1',
    complete: true,
    usage: usage(3, 2),
  })
})

describe('OpenAI, responses', () => {
  const url = 'https://api.openai.com/v1/responses'
  const response = { id: 'resp_1', object: 'response', model: 'gpt-5.5', usage: { input_tokens: 3, output_tokens: 2 }, error: null }

  test('an answer requested again has its id, from its end or from the URL', async () => {
    const delta = { type: 'response.output_text.delta', sequence_number: 4, item_id: 'msg_1', delta: 'lo' }
    const completed = { type: 'response.completed', sequence_number: 5, response: { ...response, status: 'completed' } }
    const again = `${url}/resp_1?stream=true&starting_after=3`
    expect(await recordOf(again, sse, events(delta, completed))).toMatchObject({ responseId: 'resp_1', complete: true, usage: usage(3, 2) })
    expect(await recordOf(again, sse, events(delta))).toMatchObject({
      responseId: 'resp_1',
      model: undefined,
      complete: false,
      reason: 'truncated',
    })
  })

  test('an answer cut by a token limit is complete; a failed one is not', async () => {
    const ends = (status: string) => events({ type: `response.${status}`, sequence_number: 1, response: { ...response, status } })
    expect(await recordOf(url, sse, ends('incomplete'))).toMatchObject({ complete: true, reason: 'end' })
    expect(await recordOf(url, sse, ends('failed'))).toMatchObject({
      complete: false,
      reason: 'error',
      usage: { inputTokens: 3, source: 'partial' },
    })
    const error = { type: 'error', sequence_number: 1, code: 'server_error', message: 'No', param: null }
    expect(await recordOf(url, sse, events(error))).toMatchObject({ complete: false, reason: 'error' })
  })
})

describe('OpenAI-compatible servers', () => {
  const chunk = (delta: object, more: object = {}): object => ({
    id: 'c_1',
    model: 'm',
    choices: [{ index: 0, delta, finish_reason: null }],
    ...more,
  })
  const url = 'https://api.example.com/v1/chat/completions'
  const figures = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 }

  test('Azure’s first event, without a model, is read', async () => {
    const body = events(
      { choices: [], prompt_filter_results: [], id: '', model: '' },
      chunk({ content: 'Hi' }),
      chunk({}, { usage: figures }),
      '[DONE]',
    )
    const azure = 'https://mine.openai.azure.com/openai/deployments/mine/chat/completions?api-version=2024-10-21'
    expect(await recordOf(azure, sse, body)).toMatchObject({
      provider: 'azure',
      model: 'm',
      responseId: 'c_1',
      complete: true,
      usage: usage(3, 2),
    })
  })

  test('usage in every chunk is a running total; null is unknown, and 0 is 0', async () => {
    const body = events(
      chunk(
        { content: 'a' },
        { usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4, prompt_tokens_details: { cached_tokens: 0 } } },
      ),
      chunk({ content: 'b' }, { usage: { prompt_tokens: null, completion_tokens: 2, prompt_tokens_details: null } }),
      chunk({}, { usage: null }),
      '[DONE]',
    )
    expect(await recordOf(url, sse, body)).toMatchObject({ usage: usage(3, 2, { cacheReadTokens: 0 }) })
  })

  test('[DONE] is an end marker, and so is a finish reason', async () => {
    expect(await recordOf(url, sse, events(chunk({ content: 'a' }), '[DONE]'))).toMatchObject({ complete: true, reason: 'end' })
    const finished = { ...chunk({}), choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
    expect(await recordOf(url, sse, events(chunk({ content: 'a' }), finished))).toMatchObject({ complete: true, reason: 'end' })
    expect(await recordOf(url, sse, events(chunk({ content: 'a' })))).toMatchObject({ complete: false, reason: 'truncated' })
  })

  test('reads errors during the answer: OpenRouter’s, Groq’s', async () => {
    const failed = { error: { code: 502, message: 'Gone' }, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] }
    expect(await recordOf(url, sse, events(chunk({ content: 'a' }), failed, '[DONE]'))).toMatchObject({ complete: false, reason: 'error' })
    const groq = chunk({}, { x_groq: { error: 'over capacity' } })
    expect(await recordOf(url, sse, events(chunk({ content: 'a' }), groq, '[DONE]'))).toMatchObject({ complete: false, reason: 'error' })
  })

  test('figures that are not numbers are unknown', async () => {
    const odd = chunk({}, { usage: { prompt_tokens: '3', completion_tokens: 2, total_tokens: {} } })
    const record = await recordOf(url, sse, events(chunk({ content: 'a' }), odd, '[DONE]'))
    expect(record?.usage).toEqual({ outputTokens: 2, requests: 1, source: 'provider' })
  })
})

test('the last known value counts for nested figures too (P8)', async () => {
  const chunk = (choices: unknown, usage: object): object => ({ id: 'c', object: 'chat.completion.chunk', model: 'm', choices, usage })
  const body = events(
    chunk([{ delta: { content: 'Hi' } }], { prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { cached_tokens: 5 } }),
    chunk([{ delta: {}, finish_reason: 'stop' }], {
      prompt_tokens: 9,
      completion_tokens: 2,
      prompt_tokens_details: { cached_tokens: null },
    }),
    '[DONE]',
  )
  expect(await recordOf('https://localhost/v1/chat/completions', sse, body)).toMatchObject({ usage: usage(9, 2, { cacheReadTokens: 5 }) })
})

test('Anthropic’s input grows with its tools; figures that are omitted later stay (P8)', async () => {
  const body = events(
    {
      type: 'message_start',
      message: { id: 'm_1', model: 'claude', usage: { input_tokens: 25, cache_read_input_tokens: 7, output_tokens: 1 } },
    },
    { type: 'message_delta', delta: {}, usage: { input_tokens: 10_682, cache_read_input_tokens: null, output_tokens: 510 } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 520 } },
    { type: 'message_stop' },
  )
  expect(await recordOf('https://proxy.example/messages', sse, body)).toMatchObject({
    provider: 'anthropic',
    usage: usage(10_689, 520, { cacheReadTokens: 7 }),
  })
})

describe('Bedrock’s event stream', () => {
  const url = 'https://bedrock-runtime.us-east-1.amazonaws.com/model/some.model-v1%3A0/invoke-with-response-stream'
  const type = 'application/vnd.amazon.eventstream'
  const encoder = new TextEncoder()

  /** A frame without its checksums, which the meter does not verify. */
  function frame(headers: Readonly<Record<string, string>>, payload: string): Uint8Array {
    const header = Object.entries(headers).flatMap(([name, value]) => [
      name.length,
      ...encoder.encode(name),
      7,
      value.length >> 8,
      value.length & 255,
      ...encoder.encode(value),
    ])
    const body = encoder.encode(payload)
    const bytes = new Uint8Array(16 + header.length + body.length)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, bytes.length)
    view.setUint32(4, header.length)
    bytes.set(header, 12)
    bytes.set(body, 12 + header.length)
    return bytes
  }
  const joined = (...frames: readonly Uint8Array[]): Uint8Array => Uint8Array.from(frames.flatMap((each) => Array.from(each)))
  const wrapped = (event: object): Uint8Array =>
    frame(
      { ':event-type': 'chunk', ':content-type': json, ':message-type': 'event' },
      JSON.stringify({ bytes: btoa(String.fromCharCode(...encoder.encode(JSON.stringify(event)))), p: 'abc' }),
    )

  test('reads a model’s own events, wrapped', async () => {
    const body = joined(
      wrapped({ type: 'message_start', message: { id: 'm_1', model: 'claude', usage: { input_tokens: 3, output_tokens: 1 } } }),
      wrapped({ type: 'content_block_delta', delta: { type: 'text_delta', text: '世界' } }),
      wrapped({ type: 'message_delta', delta: {}, usage: { output_tokens: 2 } }),
      wrapped({ type: 'message_stop', 'amazon-bedrock-invocationMetrics': { inputTokenCount: 3, outputTokenCount: 2 } }),
    )
    expect(await recordOf(url, type, body)).toMatchObject({
      provider: 'bedrock',
      model: 'claude',
      complete: true,
      usage: usage(3, 2),
      outputWeight: 1.6,
    })
  })

  test('other models have Amazon’s metrics, and the model from the URL', async () => {
    const metrics = { inputTokenCount: 3, outputTokenCount: 2, cacheReadInputTokenCount: 4 }
    const body = joined(
      wrapped({ generation: 'Hi', stop_reason: null }),
      wrapped({ generation: '', stop_reason: 'stop', 'amazon-bedrock-invocationMetrics': metrics }),
    )
    expect(await recordOf(url, type, body)).toMatchObject({
      provider: 'bedrock',
      model: 'some.model-v1:0',
      complete: true,
      usage: usage(7, 2, { cacheReadTokens: 4 }),
    })
  })

  test('reads an exception, an error, and a body that is no event stream', async () => {
    const start = frame({ ':event-type': 'messageStart', ':message-type': 'event' }, '{"role":"assistant"}')
    const exception = frame({ ':exception-type': 'throttlingException', ':message-type': 'exception' }, '{"message":"Slow down"}')
    const error = frame({ ':error-code': '500', ':error-message': 'Broken', ':message-type': 'error' }, '')
    for (const end of [exception, error])
      expect(await recordOf(url, type, joined(start, end))).toMatchObject({ complete: false, reason: 'error' })
    for (const end of [new Uint8Array(40), new Uint8Array(40).fill(255), encoder.encode('no frames at all')]) {
      expect(await recordOf(url, type, joined(start, end))).toMatchObject({ provider: 'bedrock', complete: false })
    }
  })

  test('cacheWrite1hTokens has the one-hour cache writes', async () => {
    const figures = { inputTokens: 3, outputTokens: 2, totalTokens: 505, cacheWriteInputTokens: 500 }
    const details = (inputTokens: number): object => ({
      cacheDetails: [
        { ttl: '5m', inputTokens: 100 },
        { ttl: '1h', inputTokens },
      ],
    })
    const end = (more: object): Uint8Array =>
      joined(
        frame({ ':event-type': 'messageStop', ':message-type': 'event' }, '{"stopReason":"end_turn"}'),
        frame({ ':event-type': 'metadata', ':message-type': 'event' }, JSON.stringify({ usage: { ...figures, ...more } })),
      )
    const known = usage(503, 2, { cacheWriteTokens: 500 })
    expect(await recordOf(url, type, end(details(400)))).toMatchObject({ usage: known, cacheWrite1hTokens: 400 })
    for (const none of [details(0), {}, { cacheDetails: null }]) {
      const record = await recordOf(url, type, end(none))
      expect(record).toMatchObject({ usage: known })
      expect(record).not.toHaveProperty('cacheWrite1hTokens')
    }
  })

  test('a stream cut within a frame keeps the events so far', async () => {
    const { bytes } = fixture('bedrock-converse.eventstream')
    const cut = bytes.slice(0, -10)
    expect(await recordOf(url, type, cut)).toMatchObject({ provider: 'bedrock', complete: true })
    expect(await recordOf(url, type, cut)).not.toHaveProperty('usage')
  })
})

test('Workers AI: only [DONE] is an end marker', async () => {
  const url = 'https://api.cloudflare.com/client/v4/accounts/a/ai/run/@cf/meta/llama-3.1-8b-instruct'
  const body = events({ response: 'Hi', p: 'abc' }, { response: '', usage: { prompt_tokens: 3, completion_tokens: 2 } })
  expect(await recordOf(url, sse, body)).toMatchObject({
    provider: 'workersai',
    model: '@cf/meta/llama-3.1-8b-instruct',
    complete: false,
    reason: 'truncated',
    usage: { outputTokens: 2 },
  })
  expect(await recordOf(url, sse, body + events('[DONE]'))).toMatchObject({ complete: true, usage: usage(3, 2) })
})

test('Ollama: a missing count of the prompt stays unknown', async () => {
  const lines = [
    { model: 'm', message: { content: 'Hi' }, done: false },
    { model: 'm', done: true, eval_count: 2 },
  ]
  const body = lines.map((line) => JSON.stringify(line)).join('\n')
  const record = await recordOf('http://localhost:11434/api/chat', 'application/x-ndjson', body)
  expect(record).toMatchObject({ provider: 'ollama', complete: true, usage: { outputTokens: 2, requests: 1, source: 'provider' } })
})
