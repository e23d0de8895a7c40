import { type Message, toolMessage } from 'chaintap'
import type { AnthropicCallOptions } from 'chaintap/anthropic'
import { describe, expect, test } from 'vitest'
import { anthropicRequest } from '../../../src/models/anthropic/request.ts'

/** The body after JSON encoding. */
const bodyOf = (messages: readonly Message[], options: AnthropicCallOptions = {}, streaming = true): Record<string, unknown> =>
  JSON.parse(JSON.stringify(anthropicRequest(messages, options, streaming).body))

const hi: Message = { role: 'user', content: 'Hi' }
const text = (value: string) => ({ type: 'text', text: value })
const call: Message = { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'look', args: {} }] }

describe('anthropicRequest()', () => {
  test('sends only the required fields by default', () => {
    expect(anthropicRequest([hi], {}, true).path).toBe('/v1/messages')
    expect(bodyOf([hi])).toEqual({
      model: 'claude-sonnet-5-5',
      max_tokens: 4_096,
      stream: true,
      messages: [{ role: 'user', content: [text('Hi')] }],
    })
  })

  test('sends every option in Anthropic’s format', () => {
    const tools = [{ name: 'weather', description: 'Says it.', input_schema: { type: 'object' } }]
    const thinking = { type: 'enabled', budget_tokens: 2_000 }
    const options = {
      model: 'claude-haiku-4-5',
      maxTokens: 5,
      temperature: 0,
      topP: 0.5,
      topK: 3,
      stop: ['\nObservation:'],
      thinking,
      tools,
    }
    expect(bodyOf([hi], { ...options, toolChoice: 'any' }, false)).toMatchObject({
      model: 'claude-haiku-4-5',
      max_tokens: 5,
      temperature: 0,
      top_p: 0.5,
      top_k: 3,
      stop_sequences: ['\nObservation:'],
      thinking,
      tools,
      tool_choice: { type: 'any' },
      stream: false,
    })
    expect(bodyOf([hi], { toolChoice: { type: 'tool', name: 'weather' } })).toMatchObject({
      tool_choice: { type: 'tool', name: 'weather' },
    })
  })

  test('sends modelKwargs unchanged, over other fields except `stream`', () => {
    const modelKwargs = { metadata: { user_id: 'u1' }, output_config: { effort: 'low' }, max_tokens: 7, stream: true, container: 'c1' }
    expect(bodyOf([hi], { modelKwargs, maxTokens: 5 }, false)).toMatchObject({ ...modelKwargs, stream: false })
  })

  test('sends all system messages as `system`, after the `system` option', () => {
    expect(bodyOf([{ role: 'system', content: 'Be brief.' }, hi])).toMatchObject({ system: 'Be brief.', messages: [{ role: 'user' }] })
    expect(bodyOf([hi, { role: 'system', content: 'Be kind.' }], { system: 'Be brief.' })).toMatchObject({
      system: [text('Be brief.'), text('Be kind.')],
      messages: [{ role: 'user', content: [text('Hi')] }],
    })
  })

  test('sends cacheControl of parts and of the request', () => {
    const content = [{ type: 'text', text: 'A long book', cacheControl: { type: 'ephemeral', ttl: '1h' } }] as const
    const marked = [{ ...text('A long book'), cache_control: { type: 'ephemeral', ttl: '1h' } }]
    expect(
      bodyOf([
        { role: 'system', content },
        { role: 'user', content },
      ]),
    ).toMatchObject({ system: marked, messages: [{ content: marked }] })
    const image = { type: 'image', url: 'https://example.com/bear.jpg', cacheControl: { type: 'ephemeral' } } as const
    expect(bodyOf([call, toolMessage([content[0], image], '1')]).messages).toMatchObject([
      { role: 'assistant' },
      { content: [{ type: 'tool_result', content: [marked[0], { type: 'image', cache_control: { type: 'ephemeral' } }] }] },
    ])
    expect(bodyOf([hi], { cacheControl: { type: 'ephemeral' } })).toMatchObject({ cache_control: { type: 'ephemeral' } })
  })

  test('sends Anthropic’s own blocks unchanged: documents, files, search results', () => {
    const pdf = { type: 'document', source: { type: 'file', file_id: 'file_1' }, cache_control: { type: 'ephemeral' } }
    const found = { type: 'search_result', source: 'https://bears.example', title: 'Bears', content: [text('They sleep.')] }
    const part = (block: Record<string, unknown>) => ({ type: 'block', provider: 'anthropic', block }) as const
    expect(bodyOf([{ role: 'user', content: [part(pdf)] }, call, toolMessage([part(found)], '1')]).messages).toMatchObject([
      { role: 'user', content: [pdf] },
      { role: 'assistant' },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: '1', content: [found] }] },
    ])
  })

  test('sends images as URLs or base64, and data URLs as base64', () => {
    const content = [
      { type: 'image', url: 'https://example.com/bear.jpg' },
      { type: 'image', data: 'aGk=', mediaType: 'image/png' },
      { type: 'image', url: 'data:image/webp;base64,aGk=' },
    ] as const
    expect(bodyOf([{ role: 'user', content }]).messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image', source: { type: 'url', url: 'https://example.com/bear.jpg' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' } },
          { type: 'image', source: { type: 'base64', media_type: 'image/webp', data: 'aGk=' } },
        ],
      },
    ])
  })

  test('sends thinking back unchanged, and omits thinking without a signature', () => {
    const content = [
      { type: 'reasoning', text: 'Hm.', signature: 'c2ln' },
      { type: 'reasoning', text: '', redacted: 'c2VjcmV0' },
      { type: 'reasoning', text: 'of another model' },
      { type: 'text', text: 'Hello' },
    ] as const
    expect(bodyOf([hi, { role: 'assistant', content }]).messages).toEqual([
      { role: 'user', content: [text('Hi')] },
      {
        role: 'assistant',
        content: [{ type: 'thinking', thinking: 'Hm.', signature: 'c2ln' }, { type: 'redacted_thinking', data: 'c2VjcmV0' }, text('Hello')],
      },
    ])
  })

  test('sends tool calls after the text, and their results as one user turn', () => {
    const toolCalls = [
      { id: '1', name: 'weather', args: { city: 'Paris' } },
      { id: '2', name: 'now', args: '{"cut' },
    ]
    const messages: Message[] = [
      hi,
      { role: 'assistant', content: 'I look.', toolCalls },
      toolMessage('18 °C', '1'),
      toolMessage('', '2', { isError: true }),
      { role: 'user', content: 'And now?' },
    ]
    expect(bodyOf(messages).messages).toEqual([
      { role: 'user', content: [text('Hi')] },
      {
        role: 'assistant',
        content: [
          text('I look.'),
          { type: 'tool_use', id: '1', name: 'weather', input: { city: 'Paris' } },
          { type: 'tool_use', id: '2', name: 'now', input: { input: '{"cut' } },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: '1', content: [text('18 °C')] },
          { type: 'tool_result', tool_use_id: '2', is_error: true },
          text('And now?'),
        ],
      },
    ])
  })

  test('sends arguments as an object, and ids that Anthropic accepts', () => {
    const toolCalls = [
      { id: 'functions.weather:0', name: 'a', args: [1], extra: { extra_content: 'SIGNED' } },
      { id: '2', name: 'b', args: undefined },
      { id: '3', name: 'c', args: null },
    ]
    const messages: Message[] = [
      hi,
      { role: 'assistant', content: [{ type: 'reasoning', text: 'THOUGHT' }], toolCalls, extra: { reasoning_field: 'reasoning_content' } },
      toolMessage('x', 'functions.weather:0'),
    ]
    const sent = bodyOf(messages).messages as { content: { id?: string; tool_use_id?: string; input?: unknown }[] }[]
    expect(sent[1]?.content.map(({ input }) => input)).toEqual([{ input: [1] }, {}, {}])
    expect(sent[1]?.content[0]?.id).toMatch(/^[\w-]+$/)
    expect(sent[2]?.content[0]?.tool_use_id).toBe(sent[1]?.content[0]?.id)
    expect(JSON.stringify(sent)).not.toMatch(/THOUGHT|SIGNED/)
  })

  test('omits empty and blank texts, which Anthropic refuses', () => {
    expect(
      bodyOf([
        hi,
        { role: 'assistant', content: '' },
        { role: 'assistant', content: '\n\n' },
        {
          role: 'user',
          content: [
            { type: 'text', text: '' },
            { type: 'text', text: 'Go on' },
          ],
        },
      ]).messages,
    ).toEqual([{ role: 'user', content: [text('Hi'), text('Go on')] }])
  })

  test('does not change its input', () => {
    const messages: readonly Message[] = Object.freeze([hi, hi, Object.freeze(toolMessage('x', '1'))])
    const before = structuredClone(messages)
    bodyOf(messages)
    expect(messages).toEqual(before)
  })
})
