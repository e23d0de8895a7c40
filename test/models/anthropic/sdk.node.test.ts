import Anthropic from '@anthropic-ai/sdk'
import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicJson, anthropicSse, type FaultyScript, faultyFetch, recorder } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { mentions } from '../../support/secrets.ts'

const KEY = 'sk-ant-api03-AbCdEfGhIjKl'
const hello = { text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }

function served(script: FaultyScript) {
  const fetch = faultyFetch(script)
  const client = new Anthropic({ apiKey: KEY, fetch, logLevel: 'off' })
  return { fetch, model: new ChatAnthropic({ client, model: 'claude-haiku-4-5', maxRetries: 1 }) }
}

describe('the official SDK as transport', () => {
  test('streams, and gives the message that a whole answer gives', async () => {
    const { fetch, model } = served([{ body: anthropicSse(hello) }, { body: JSON.stringify(anthropicJson(hello)) }])
    const run = model.stream('Hi')
    await run.drain()
    expect(await run.outcome).toMatchObject({ status: 'complete', output: await model.invoke('Hi') })
    expect(fetch.calls[0]).toMatchObject({
      url: 'https://api.anthropic.com/v1/messages',
      body: { stream: true, model: 'claude-haiku-4-5' },
    })
  })

  test('its errors are the provider’s refusals, and each attempt is ours', async () => {
    const body = JSON.stringify({
      ...anthropicJson({ error: { type: 'overloaded_error', message: `Overloaded ${KEY}` } }),
      request_id: 'req_1',
    })
    const { fetch, model } = served({ status: 529, headers: { 'retry-after-ms': '1' }, body })
    const heard = recorder()
    const run = model.stream('Hi', { callbacks: [heard] })
    await expect(run.drain()).rejects.toMatchObject({ code: 'http', status: 529, providerType: 'overloaded_error', requestId: 'req_1' })
    expect(heard.trace()).toEqual(['S ChatAnthropic', 'R 1', 'X ChatAnthropic'])
    expect(fetch.calls).toHaveLength(2)
    expect(mentions([heard.events, await run.outcome, model], KEY)).toEqual([])
  })

  test('a connection that fails is a network error', async () => {
    const { fetch, model } = served({ errorBefore: new TypeError(`fetch failed ${KEY}`) })
    const error = await model.invoke('Hi').catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'network' })
    expect(mentions(error, KEY)).toEqual([])
    expect(fetch.calls).toHaveLength(2)
  })

  test('P2: stop closes the body, with a fetch that is deaf to its signal too', async () => {
    for (const deaf of [false, true]) {
      const { fetch, model } = served({ body: anthropicSse(hello), split: 'events', deaf })
      for await (const delta of model.stream('Hi')) if (delta.type === 'text') break
      expect(fetch.open).toBe(0)
    }
  })
})
