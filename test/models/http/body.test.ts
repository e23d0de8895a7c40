import { type AssistantMessage, textOf } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { anthropicJson, anthropicSse, faultyFetch, openaiJson, openaiSse } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAll } from '../../support/sources.ts'

const options = { apiKey: 'none', baseURL: 'https://llm.example/v1', maxRetries: 0, dangerouslyAllowBrowser: true }
const answer = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }
const providers = {
  ChatOpenAI: { Model: ChatOpenAI, sse: openaiSse(answer), json: openaiJson(answer) },
  ChatAnthropic: { Model: ChatAnthropic, sse: anthropicSse(answer), json: anthropicJson(answer) },
}
const names = Object.keys(providers) as (keyof typeof providers)[]

interface Served {
  readonly body: string | Uint8Array
  readonly type?: string | undefined
  readonly split?: 'bytes' | number
}

const modelOf = (name: keyof typeof providers, { body, type = 'text/event-stream', split }: Served) =>
  new providers[name].Model({ ...options, fetch: faultyFetch({ body, headers: { 'content-type': type }, ...(split && { split }) }) })

async function streamed(name: keyof typeof providers, served: Served) {
  const run = modelOf(name, served).stream('Hi')
  const { error } = await readAll(run)
  const outcome = await run.outcome
  const message = ('output' in outcome ? outcome.output : 'partial' in outcome ? outcome.partial : undefined) as
    | AssistantMessage
    | undefined
  return { status: outcome.status, text: message && textOf(message), error }
}

describe.each(names)('the format of a body, %s', (name) => {
  const { sse, json } = providers[name]
  const whole = JSON.stringify(json)

  test.each(['application/json', 'text/event-stream', 'text/plain', 'application/octet-stream'])(
    'a whole answer to a request for a stream, as %s',
    async (type) => {
      for (const body of [whole, `\n\n  ${whole}`, `\uFEFF${whole}`, JSON.stringify(json, null, 2)])
        for (const split of ['bytes', 1_000] as const)
          expect(await streamed(name, { body, type, split })).toMatchObject({ status: 'complete', text: 'Hello' })
    },
  )

  test.each(['text/html; charset=utf-8', 'application/json', 'text/plain', 'application/x-ndjson'])('a stream as %s', async (type) => {
    for (const body of [sse.join(''), `\r\n\uFEFF${sse.join('')}`, `: hello\n\n${sse.join('')}`])
      for (const split of ['bytes', 1_000] as const)
        expect(await streamed(name, { body, type, split })).toMatchObject({ status: 'complete', text: 'Hello' })
  })

  test('a stream to a request for a whole answer', async () => {
    for (const type of ['text/event-stream', 'application/json'])
      for (const body of [sse.join(''), `: hello\n\n${sse.join('')}`])
        expect(textOf(await modelOf(name, { body, type }).invoke('Hi'))).toBe('Hello')
  })

  test('a stream to a request for a whole answer is truncated without its end', async () => {
    const body = sse.slice(0, -3).join('')
    await expect(modelOf(name, { body, type: 'application/json' }).invoke('Hi')).rejects.toMatchObject({ code: 'truncated' })
  })

  test('JSON lines, the last one cut or not', async () => {
    const lines = sse.map((event) => /^data: ?(.*)$/m.exec(event)?.[1])
    for (const invoke of [true, false]) {
      const served = { body: lines.join('\n'), type: 'application/x-ndjson' }
      expect(invoke ? textOf(await modelOf(name, served).invoke('Hi')) : (await streamed(name, served)).text).toBe('Hello')
    }
    const cut = lines.slice(0, -3).join('\n').slice(0, -5)
    expect(await streamed(name, { body: cut })).toMatchObject({ status: 'truncated' })
  })

  test('HTML is no stream, whatever it is called', async () => {
    expect(await streamed(name, { body: '<html>Sign in', type: 'text/html' })).toMatchObject({
      error: { message: expect.stringContaining('text/html') },
    })
    expect(await streamed(name, { body: '<html>Sign in' })).toMatchObject({ status: 'failed', error: { code: 'wire' } })
  })

  test('any bytes, as any type, end the run with an answer or a typed error', async () => {
    const pieces = fc.array(
      fc.constantFrom(whole, ...sse, '{', '}', '\n', '[', 'data: ', '<', 'error: x\n', '\uFEFF', 'data: [DONE]\n\n', ' '),
      { maxLength: 6 },
    )
    await fc.assert(
      fc.asyncProperty(
        pieces,
        fc.constantFrom('text/event-stream', 'application/json', 'text/html'),
        fc.integer({ min: 1, max: 40 }),
        async (body, type, split) => {
          const served = { body: body.join(''), type, split }
          const { status, error } = await streamed(name, served)
          if (status !== 'complete') expect(error).toMatchObject({ code: expect.stringMatching(/wire|truncated/) })
          const invoked = await modelOf(name, served)
            .invoke('Hi')
            .catch((failure: unknown) => failure)
          if (invoked instanceof Error) expect(invoked).toMatchObject({ code: expect.stringMatching(/wire|truncated/) })
        },
      ),
      { numRuns: 100 },
    )
  })
})

describe('errors in a response with status 200 keep the provider’s words', () => {
  const chunk = `data: ${JSON.stringify({ id: 'c', model: 'm', choices: [{ index: 0, delta: { content: 'Hi' } }] })}\n\n`
  const sse = (data: unknown) => `data: ${JSON.stringify(data)}\n\n`

  test.each<readonly [string, string, string?]>([
    ['JSON', '{"error":{"message":"BOOM","type":"busy"}}', 'application/json'],
    ['JSON called a stream', '{"error":{"message":"BOOM"}}'],
    ['a list', '[{"error":{"message":"BOOM"}}]', 'application/json'],
    ['a text in JSON', '"BOOM"', 'application/json'],
    ['MiniMax', sse({ id: 'x', choices: [], base_resp: { status_code: 1002, status_msg: 'BOOM' } })],
    ['llama.cpp', `${chunk}error: {"code":500,"message":"BOOM","type":"server_error"}\n\n`],
    ['llama.cpp, at the end', `${chunk}error: {"code":500,"message":"BOOM"}`],
    ['a line with a text', `${chunk}Error: BOOM\n\n`],
    ['data with a text', `${chunk}data: error: BOOM\n\n`],
    ['data with a text that does not begin with error', `${chunk}data: BOOM went the server\n\n`],
    ['an event named error', `${chunk}event: error\ndata: BOOM\n\n`],
    ['an event named error, with JSON', `${chunk}event: error\ndata: {"code":"x","message":"BOOM"}\n\n`],
    ['an event named error, of an unknown form', `${chunk}event: error\ndata: {"reason":"BOOM"}\n\n`],
    ['Gemini, not in an event', `${chunk}{"error":{"message":"BOOM"}}\n\n`],
    ['Gemini, indented', `${chunk}${JSON.stringify({ error: { code: 503, message: 'BOOM' } }, null, 2)}\n\ndata: [DONE]\n\n`],
    ['FastAPI', `${chunk}${sse({ detail: 'BOOM' })}`],
    ['an error with [DONE] after it', `${chunk}${sse({ error: 'BOOM' })}data: [DONE]\n\n`],
  ])('%s, streamed, however it is split', async (_, body = '', type) => {
    for (const split of ['bytes', 7, 1_000] as const) {
      const { error, status, text } = await streamed('ChatOpenAI', { body, type, split })
      expect(status).toBe('failed')
      expect(error).toMatchObject({ name: 'ModelError', code: 'wire', message: expect.stringContaining('BOOM') })
      if (body.startsWith(chunk)) expect(text).toBe('Hi')
    }
  })

  test.each([
    { choices: null, base_resp: { status_code: 1008, status_msg: 'BOOM' } },
    { detail: 'BOOM' },
    { error_code: 336_003, error_msg: 'BOOM' },
    { code: 500, msg: 'BOOM', success: false },
    { choices: [{ index: 0, message: { content: 'Once' }, finish_reason: 'error', error: { message: 'BOOM' } }] },
    [{ error: { message: 'BOOM' } }],
    'BOOM',
  ])('%j, whole', async (body) => {
    const served = { body: JSON.stringify(body), type: 'application/json' }
    await expect(modelOf('ChatOpenAI', served).invoke('Hi')).rejects.toMatchObject({
      code: 'wire',
      message: expect.stringContaining('BOOM'),
    })
  })

  test.each([
    { type: 'error', error: { type: 'overloaded_error', message: 'BOOM' } },
    { error: { message: 'BOOM' } },
    { type: 'overloaded_error', message: 'BOOM' },
    { detail: 'BOOM' },
    { code: 500, msg: 'BOOM' },
    { base_resp: { status_code: 1002, status_msg: 'BOOM' } },
    [{ error: { message: 'BOOM' } }],
  ])('%j from an Anthropic server, as JSON and in a stream', async (error) => {
    const body = JSON.stringify(error)
    for (const served of [{ body, type: 'application/json' }, { body: `event: error\ndata: ${body}\n\n` }, { body: `data: ${body}\n\n` }])
      expect(await streamed('ChatAnthropic', served)).toMatchObject({
        status: 'failed',
        error: { message: expect.stringContaining('BOOM') },
      })
  })

  test('the text in the event of an error is delivered before it (P3)', async () => {
    const failed = { choices: [{ index: 0, delta: { content: '!' }, finish_reason: 'error', error: { code: 502, message: 'BOOM' } }] }
    expect(await streamed('ChatOpenAI', { body: chunk + sse(failed) })).toMatchObject({ status: 'failed', text: 'Hi!' })
  })
})

describe('the end mark', () => {
  test.each([
    'data: [DONE] \n\n',
    'data:  [DONE]\n\n',
    'data: [DONE]\t',
    'data: [DONE]\n\ndata: bye\n\n',
    'data: [DONE]\n\n<html>',
    'data: [DONE]\n\nerror: x\n',
  ])('%j ends a stream', async (end) => {
    const chunk = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'Hi' } }] })}\n\n`
    expect(await streamed('ChatOpenAI', { body: chunk + end })).toMatchObject({ status: 'complete', text: 'Hi' })
  })
})
