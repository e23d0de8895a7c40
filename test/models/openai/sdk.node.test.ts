import { ChatOpenAI, OpenAI } from 'chaintap/openai'
import {
  type FaultyScript,
  faultyFetch,
  openaiCompletionJson,
  openaiCompletionSse,
  openaiJson,
  openaiSse,
  recorder,
} from 'chaintap/testing'
import OfficialOpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { mentions } from '../../support/secrets.ts'

const KEY = 'sk-proj-AbCdEfGhIjKl'
const hello = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }

function setUp(script: FaultyScript) {
  const fetch = faultyFetch(script)
  const client = new OfficialOpenAI({ apiKey: KEY, fetch, logLevel: 'off' })
  return { fetch, client, model: new ChatOpenAI({ client, model: 'gpt-5.4-mini', maxRetries: 1 }) }
}

describe('ChatOpenAI with the openai package as transport', () => {
  test('streams the same message that a whole response gives', async () => {
    const { fetch, model } = setUp([{ body: openaiSse(hello) }, { body: JSON.stringify(openaiJson(hello)) }])
    const run = model.stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ status: 'complete', output: await model.invoke('Hi') })
    expect(fetch.calls[0]).toMatchObject({
      url: 'https://api.openai.com/v1/chat/completions',
      body: { stream: true, model: 'gpt-5.4-mini', stream_options: { include_usage: true } },
    })
  })

  test('sends completions too', async () => {
    const { fetch, client } = setUp([{ body: openaiCompletionSse(hello) }, { body: JSON.stringify(openaiCompletionJson(hello)) }])
    const llm = new OpenAI({ client })
    const run = llm.stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ output: 'Hello', usage: hello.usage })
    expect(await llm.invoke('Hi')).toBe('Hello')
    expect(fetch.calls[0]?.url).toBe('https://api.openai.com/v1/completions')
  })

  test('converts SDK errors to ModelError, and makes each retry itself', async () => {
    const body = JSON.stringify(openaiJson({ error: { type: 'requests', message: `Slow down ${KEY}`, code: 'rate_limit_exceeded' } }))
    const { fetch, model } = setUp({ status: 429, headers: { 'retry-after-ms': '1', 'x-request-id': 'req_1' }, body })
    const record = recorder()
    const run = model.stream('Hi', { callbacks: [record] })
    await expect(run.drain()).rejects.toMatchObject({ code: 'http', status: 429, providerType: 'requests', requestId: 'req_1' })
    expect(record.trace()).toEqual(['S ChatOpenAI', 'R 1', 'X ChatOpenAI'])
    expect(fetch.calls).toHaveLength(2)
    expect(mentions([record.events, await run.outcome, model], KEY)).toEqual([])
  })

  test('a server that refuses stream_options gets the request again without them', async () => {
    const { fetch, model } = setUp([
      { status: 400, body: JSON.stringify({ error: { message: "Unknown parameter: 'stream_options'." } }) },
      { body: openaiSse(hello) },
    ])
    const run = model.stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ status: 'complete', output: { content: 'Hello' } })
    expect(fetch.calls[1]?.body).not.toHaveProperty('stream_options')
  })

  test('a failed connection is a network error', async () => {
    const { fetch, model } = setUp({ errorBefore: new TypeError(`fetch failed ${KEY}`) })
    const error = await model.invoke('Hi').catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'network' })
    expect(mentions(error, KEY)).toEqual([])
    expect(fetch.calls).toHaveLength(2)
  })

  test('a break closes the body, even if fetch ignores its signal (P2)', async () => {
    for (const deaf of [false, true]) {
      const { fetch, model } = setUp({ body: openaiSse(hello), split: 'events', deaf })
      for await (const delta of model.stream('Hi')) if (delta.type === 'text') break
      expect(fetch.open).toBe(0)
    }
  })
})
