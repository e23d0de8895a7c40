import { type Message, toolMessage } from 'chaintap'
import { ChatOpenAI, type ChatOpenAIOptions, OpenAI, type OpenAICallOptions } from 'chaintap/openai'
import { faultyFetch, openaiCompletionSse, openaiSse } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'

const modelOptions = { apiKey: 'none', streamUsage: false, dangerouslyAllowBrowser: true } as const

/** The body after JSON encoding. */
async function bodyOf(messages: readonly Message[], options: ChatOpenAIOptions = {}): Promise<Record<string, unknown>> {
  const fetch = faultyFetch({ body: openaiSse({ text: ['Hello'] }) })
  await new ChatOpenAI({ ...modelOptions, fetch, ...options }).stream(messages).drain()
  return fetch.calls[0]?.body as Record<string, unknown>
}

async function completionOf(prompt: string, options: OpenAICallOptions = {}): Promise<Record<string, unknown>> {
  const fetch = faultyFetch({ body: openaiCompletionSse({ text: ['Hello'] }) })
  await new OpenAI({ ...modelOptions, fetch, ...options }).stream(prompt).drain()
  return fetch.calls[0]?.body as Record<string, unknown>
}

const hi: Message = { role: 'user', content: 'Hi' }
const text = (value: string) => ({ type: 'text', text: value }) as const
const common = {
  temperature: 0,
  topP: 0.5,
  stop: ['\nObservation:'],
  seed: 7,
  presencePenalty: 1,
  frequencyPenalty: -1,
  user: 'u-1',
}
const commonSent = {
  temperature: 0,
  top_p: 0.5,
  stop: ['\nObservation:'],
  seed: 7,
  presence_penalty: 1,
  frequency_penalty: -1,
  user: 'u-1',
}

describe('openaiChatWire.request()', () => {
  test('sends only the required fields by default', async () => {
    expect(await bodyOf([hi])).toEqual({ model: 'gpt-5.5', messages: [hi], stream: true })
  })

  test('sends every option in OpenAI’s format', async () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }]
    const options = {
      ...common,
      model: 'gpt-5.4-mini',
      maxTokens: 5,
      reasoningEffort: 'low',
      responseFormat: { type: 'json_object' },
      tools,
      toolChoice: 'required' as const,
      parallelToolCalls: false,
    }
    expect(await bodyOf([hi], options)).toEqual({
      ...commonSent,
      model: 'gpt-5.4-mini',
      messages: [hi],
      max_completion_tokens: 5,
      reasoning_effort: 'low',
      response_format: { type: 'json_object' },
      tools,
      tool_choice: 'required',
      parallel_tool_calls: false,
      stream: true,
    })
  })

  test('sends modelKwargs unchanged, over all other fields', async () => {
    expect(await bodyOf([hi], { maxTokens: 5, seed: 1, modelKwargs: { top_k: 3, seed: 2, service_tier: 'flex' } })).toMatchObject({
      max_completion_tokens: 5,
      seed: 2,
      top_k: 3,
      service_tier: 'flex',
    })
  })

  test('sends texts as one string, which every server accepts', async () => {
    const content = [text('A long book. '), { ...text('The end.'), cacheControl: { type: 'ephemeral' } }] as const
    const messages: readonly Message[] = [
      { role: 'system', content },
      { role: 'user', content },
    ]
    expect((await bodyOf(messages)).messages).toEqual([
      { role: 'system', content: 'A long book. The end.' },
      { role: 'user', content: 'A long book. The end.' },
    ])
  })

  test('sends images as URLs, base64 as data URLs, and OpenAI’s own blocks', async () => {
    const content = [
      text('What is this?'),
      text(''),
      { type: 'image', url: 'https://example.com/bear.jpg' },
      { type: 'image', data: 'aGk=', mediaType: 'image/png' },
      { type: 'block', provider: 'openai', block: { type: 'file', file: { file_id: 'file-1' } } },
    ] as const
    expect((await bodyOf([{ role: 'user', content }])).messages).toEqual([
      {
        role: 'user',
        content: [
          text('What is this?'),
          { type: 'image_url', image_url: { url: 'https://example.com/bear.jpg' } },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
          { type: 'file', file: { file_id: 'file-1' } },
        ],
      },
    ])
  })

  test('omits reasoning, because DeepSeek refuses its own', async () => {
    const content = [{ type: 'reasoning', text: 'Hm.', signature: 'c2ln' }, text('Hello')] as const
    expect((await bodyOf([hi, { role: 'assistant', content }])).messages).toEqual([hi, { role: 'assistant', content: 'Hello' }])
  })

  test('sends tool calls with JSON arguments, and results with the id of their call', async () => {
    const toolCalls = [
      { id: '1', name: 'weather', args: { city: 'Paris' } },
      { id: '2', name: 'now', args: '{"cut' },
      { id: '3', name: 'now', args: undefined },
    ]
    const messages: Message[] = [
      hi,
      { role: 'assistant', content: '', toolCalls },
      toolMessage('18 °C', '1'),
      toolMessage([text('No '), text('clock')], '2', { isError: true }),
      toolMessage('', '3'),
    ]
    const sent = (id: string, name: string, args: string) => ({ id, type: 'function', function: { name, arguments: args } })
    expect((await bodyOf(messages)).messages).toEqual([
      hi,
      {
        role: 'assistant',
        content: '',
        tool_calls: [sent('1', 'weather', '{"city":"Paris"}'), sent('2', 'now', '{"input":"{\\"cut"}'), sent('3', 'now', '{}')],
      },
      { role: 'tool', tool_call_id: '1', content: '18 °C' },
      { role: 'tool', tool_call_id: '2', content: 'No clock' },
      { role: 'tool', tool_call_id: '3', content: '' },
    ])
  })

  test('replaces ids of tool calls that the server refuses, in calls and results alike', async () => {
    const ids = ['call_1', 'functions.weather:0', `chatcmpl-tool-${'0'.repeat(32)}`, `chatcmpl-tool-${'1'.repeat(32)}`]
    const messages: Message[] = [
      hi,
      { role: 'assistant', content: '', toolCalls: ids.map((id) => ({ id, name: 'weather', args: {} })) },
      ...ids.map((id) => toolMessage('x', id)),
    ]
    const sentIds = async (baseURL: string) => {
      const sent = (await bodyOf(messages, { baseURL })).messages as { tool_calls?: { id: string }[]; tool_call_id?: string }[]
      const [calls, results] = [sent[1]?.tool_calls?.map(({ id }) => id), sent.slice(2).map((message) => message.tool_call_id)]
      expect(results).toEqual(calls)
      expect(new Set(calls).size).toBe(ids.length)
      return calls ?? []
    }
    const sent = await sentIds('https://llm.example/v1')
    expect(sent.slice(0, 2)).toEqual(ids.slice(0, 2))
    for (const id of sent) expect(id.length).toBeLessThanOrEqual(40)
    for (const id of await sentIds('https://api.mistral.ai/v1')) expect(id).toMatch(/^[a-z0-9]{9}$/)
  })

  test('sends calls of custom tools in their format', async () => {
    const messages: Message[] = [hi, { role: 'assistant', content: '', toolCalls: [{ id: 'a', name: 'sql', args: 'select 1' }] }]
    const tools = [{ type: 'custom', custom: { name: 'sql' } }]
    const call = { id: 'a', type: 'custom', custom: { name: 'sql', input: 'select 1' } }
    expect((await bodyOf(messages, { tools })).messages).toMatchObject([hi, { tool_calls: [call] }, { role: 'tool' }])
  })

  test('returns what a compatible server sent with calls, and nothing of it to OpenAI', async () => {
    const extra_content = { google: { thought_signature: 'SIGNED' } }
    const reasoning = { type: 'reasoning', text: 'THOUGHT' } as const
    const toolCalls = [{ id: 'a', name: 'weather', args: {}, extra: { extra_content } }]
    const messages: Message[] = [
      { role: 'assistant', content: [reasoning, text('Hi')], toolCalls, extra: { reasoning_field: 'reasoning_content' } },
      {
        role: 'assistant',
        content: [reasoning],
        toolCalls,
        extra: { reasoning_details: [{ type: 'reasoning.encrypted', data: 'SIGNED' }] },
      },
      // Reasoning of another provider, and of servers that do not expect it.
      { role: 'assistant', content: [{ ...reasoning, signature: 'x' }], toolCalls: [{ id: 'b', name: 'weather', args: {} }] },
      { role: 'assistant', content: [reasoning], extra: { reasoning_field: 'reasoning_content' } },
    ]
    const sent = (await bodyOf(messages, { baseURL: 'https://llm.example/v1' })).messages as readonly { readonly role: string }[]
    expect(sent.filter(({ role }) => role === 'assistant')).toMatchObject([
      { content: 'Hi', reasoning_content: 'THOUGHT', tool_calls: [{ extra_content }] },
      { reasoning_details: [{ type: 'reasoning.encrypted', data: 'SIGNED' }], tool_calls: [{ extra_content }] },
      { tool_calls: [{ id: 'b' }] },
    ])
    expect(JSON.stringify(sent).match(/THOUGHT/g)).toHaveLength(1)
    expect(JSON.stringify(await bodyOf(messages))).not.toMatch(/THOUGHT|SIGNED/)
  })

  test('omits an empty assistant message', async () => {
    expect((await bodyOf([hi, { role: 'assistant', content: '' }, hi])).messages).toEqual([hi, hi])
  })

  test('does not change its input', async () => {
    const messages: readonly Message[] = Object.freeze([hi, Object.freeze(toolMessage('x', '1'))])
    const before = structuredClone(messages)
    await bodyOf(messages)
    expect(messages).toEqual(before)
  })
})

describe('openaiCompletionsWire.request()', () => {
  test('sends only the required fields by default, with LangChain’s 256 tokens', async () => {
    expect(await completionOf('Once upon')).toEqual({
      model: 'gpt-3.5-turbo-instruct',
      prompt: 'Once upon',
      max_tokens: 256,
      stream: true,
    })
  })

  test('sends every option in OpenAI’s format, and modelKwargs unchanged', async () => {
    const options = { ...common, model: 'llama', maxTokens: 5, modelKwargs: { best_of: 2 } }
    expect(await completionOf('Once upon', options)).toEqual({
      ...commonSent,
      model: 'llama',
      prompt: 'Once upon',
      max_tokens: 5,
      best_of: 2,
      stream: true,
    })
  })
})
