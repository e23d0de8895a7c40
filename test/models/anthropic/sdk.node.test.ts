import Anthropic from '@anthropic-ai/sdk'
import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicJson, anthropicSse, type FaultyScript, faultyFetch, recorder } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { mentions } from '../../support/secrets.ts'

const KEY = 'sk-ant-api03-AbCdEfGhIjKl'
const hello = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }

function setUp(script: FaultyScript) {
  const fetch = faultyFetch(script)
  const client = new Anthropic({ apiKey: KEY, fetch, logLevel: 'off' })
  return { fetch, model: new ChatAnthropic({ client, model: 'claude-haiku-4-5', maxRetries: 1 }) }
}

describe('ChatAnthropic with @anthropic-ai/sdk as transport', () => {
  test('streams the same message that a whole response gives', async () => {
    const { fetch, model } = setUp([{ body: anthropicSse(hello) }, { body: JSON.stringify(anthropicJson(hello)) }])
    const run = model.stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ status: 'complete', output: await model.invoke('Hi') })
    expect(fetch.calls[0]).toMatchObject({
      url: 'https://api.anthropic.com/v1/messages',
      body: { stream: true, model: 'claude-haiku-4-5' },
    })
  })

  test('converts SDK errors to ModelError, and makes each retry itself', async () => {
    const body = JSON.stringify({
      ...anthropicJson({ error: { type: 'overloaded_error', message: `Overloaded ${KEY}` } }),
      request_id: 'req_1',
    })
    const { fetch, model } = setUp({ status: 529, headers: { 'retry-after-ms': '1' }, body })
    const record = recorder()
    const run = model.stream('Hi', { callbacks: [record] })
    await expect(run.drain()).rejects.toMatchObject({ code: 'http', status: 529, providerType: 'overloaded_error', requestId: 'req_1' })
    expect(record.trace()).toEqual(['S ChatAnthropic', 'R 1', 'X ChatAnthropic'])
    expect(fetch.calls).toHaveLength(2)
    expect(mentions([record.events, await run.outcome, model], KEY)).toEqual([])
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
      const { fetch, model } = setUp({ body: anthropicSse(hello), split: 'events', deaf })
      for await (const delta of model.stream('Hi')) if (delta.type === 'text') break
      expect(fetch.open).toBe(0)
    }
  })
})
