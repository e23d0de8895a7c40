import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { anthropicJson, anthropicSse, type FaultyAnswer, faultyFetch, openaiJson, openaiSse, recorder } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'

const jsonSchema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } as const
const weather = tool(({ city }: { city: string }) => `18 °C in ${city}`, { name: 'weather', description: 'The weather.', jsonSchema })
const note = tool((text: string) => text, { name: 'note', description: 'Notes a text.' })
const inputSchema = { type: 'object', properties: { input: { type: 'string' } }, required: ['input'] }
const own = { apiKey: 'key', dangerouslyAllowBrowser: true }

describe('tools made by tool() are sent in the provider’s format, along with its own', () => {
  test('Anthropic', async () => {
    const fetch = faultyFetch({ body: JSON.stringify(anthropicJson({ text: ['Hi'] })) })
    const search = { type: 'web_search_20250305', name: 'web_search' }
    await new ChatAnthropic({ ...own, fetch }).bind({ tools: [weather, note, search] }).invoke('Hi')
    expect(fetch.calls[0]?.body).toMatchObject({
      tools: [
        { name: 'weather', description: 'The weather.', input_schema: jsonSchema },
        { name: 'note', description: 'Notes a text.', input_schema: inputSchema },
        search,
      ],
    })
  })

  test('OpenAI', async () => {
    const fetch = faultyFetch({ body: JSON.stringify(openaiJson({ text: ['Hi'] })) })
    const custom = { type: 'custom', custom: { name: 'shell' } }
    await new ChatOpenAI({ ...own, fetch }).bind({ tools: [weather, custom] }).invoke('Hi')
    expect(fetch.calls[0]?.body).toMatchObject({
      tools: [{ type: 'function', function: { name: 'weather', description: 'The weather.', parameters: jsonSchema } }, custom],
    })
  })
})

describe('a tool-calling agent over HTTP', () => {
  const asks = { toolCalls: [{ id: 'call_1', name: 'weather', args: { city: 'Paris' } }] }
  const knows = { text: ['18 °C', ' it is.'] }
  const providers = {
    ChatAnthropic: {
      make: (fetch: typeof globalThis.fetch) => new ChatAnthropic({ ...own, fetch }),
      streamed: (answer: typeof asks | typeof knows): FaultyAnswer => ({ body: anthropicSse(answer) }),
      whole: (answer: typeof asks | typeof knows): FaultyAnswer => ({ body: JSON.stringify(anthropicJson(answer)) }),
    },
    ChatOpenAI: {
      make: (fetch: typeof globalThis.fetch) => new ChatOpenAI({ ...own, fetch }),
      streamed: (answer: typeof asks | typeof knows): FaultyAnswer => ({ body: openaiSse(answer) }),
      whole: (answer: typeof asks | typeof knows): FaultyAnswer => ({ body: JSON.stringify(openaiJson(answer)) }),
    },
  }

  test.each(Object.entries(providers))('%s, streamed and whole', async (_, { make, streamed, whole }) => {
    for (const respond of [streamed, whole]) {
      const fetch = faultyFetch([respond(asks), respond(knows)])
      const agent = initializeAgent([weather], make(fetch), { agentType: 'tool-calling' })
      const record = recorder()
      const options = { callbacks: [record] }
      if (respond === whole) expect(await agent.run('How is Paris?', options)).toBe('18 °C it is.')
      else {
        const run = agent.stream('How is Paris?', options)
        await run.drain()
        expect(await run.outcome).toMatchObject({ status: 'complete', output: { output: '18 °C it is.' } })
      }
      record.check()
      expect(record.trace().filter((line) => /^[SA] /.test(line) && /weather/.test(line))).toEqual(['A weather', 'S weather<AgentExecutor'])
      expect(JSON.stringify(fetch.calls[1]?.body)).toContain('18 °C in Paris')
      expect(fetch.open).toBe(0)
    }
  })
})
