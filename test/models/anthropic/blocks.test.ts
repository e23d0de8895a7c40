import { type AssistantMessage, type Delta, type Message, toolMessage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { parse, stringify } from 'chaintap/json'
import { type AnthropicAnswer, anthropicJson, anthropicSse, type FaultyAnswer, faultyFetch, recorder } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

type Json = Readonly<Record<string, unknown>>

const hi: Message = { role: 'user', content: 'Hi' }
const claude = (fetch: ReturnType<typeof faultyFetch>): ChatAnthropic =>
  new ChatAnthropic({ apiKey: 'a-key', fetch, dangerouslyAllowBrowser: true })

/** Decodes a response, streamed and whole, and returns the blocks that the next request contains of it. */
async function roundTrip(answer: AnthropicAnswer, cut: FaultyAnswer = {}, results: readonly Message[] = []) {
  const whole = { body: JSON.stringify(anthropicJson(answer)) }
  const fetch = faultyFetch([{ body: anthropicSse(answer), ...cut }, whole, whole])
  const model = claude(fetch)
  const run = model.stream([hi])
  const deltas: Delta[] = []
  for await (const delta of run) deltas.push(delta)
  const outcome = await run.outcome
  const message = await model.invoke([hi])
  await model.invoke([hi, message, ...results])
  const { messages, ...request } = Object(fetch.calls[2]?.body) as {
    messages: readonly { role: string; content: readonly Json[] }[]
  } & Json
  return {
    message,
    streamed: outcome.status === 'complete' ? outcome.output : outcome.error,
    deltas,
    request,
    sent: messages.find(({ role }) => role === 'assistant')?.content,
  }
}

const text = (value: string, citations?: readonly Json[]): Json => ({ type: 'text', text: value, ...(citations && { citations }) })
const thinking = (value: string, signature: string): Json => ({ type: 'thinking', thinking: value, signature })
const call = (id: string, more: Json = {}): Json => ({ type: 'tool_use', id, name: 'weather', input: { city: id }, ...more })
const page = {
  type: 'web_search_result_location',
  url: 'https://bears.example',
  title: 'Bears',
  cited_text: 'Bears sleep',
  encrypted_index: 'Eo8',
}
const passage = {
  type: 'char_location',
  cited_text: 'Bears',
  document_index: 0,
  document_title: null,
  start_char_index: 0,
  end_char_index: 5,
}
const search: readonly Json[] = [
  { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: { query: 'do bears sleep' }, caller: { type: 'direct' } },
  {
    type: 'web_search_tool_result',
    tool_use_id: 'srvtoolu_1',
    content: [{ type: 'web_search_result', url: page.url, title: page.title, encrypted_content: 'Eq4', page_age: null }],
    caller: { type: 'direct' },
  },
]

const answers: Readonly<Record<string, readonly Json[]>> = {
  'a search, and a text that cites its results': [
    text('I look.'),
    ...search,
    text('Yes: '),
    text('bears sleep', [page, passage]),
    text('.'),
  ],
  'texts that cite different sources': [text('One.', [page]), text('Two.', [passage])],
  'a fetched page': [
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_fetch', input: { url: page.url } },
    {
      type: 'web_fetch_tool_result',
      tool_use_id: 'srvtoolu_1',
      content: { type: 'web_fetch_result', url: page.url, retrieved_at: null, content: { type: 'document', title: null, citations: null } },
    },
  ],
  'executed code': [
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'bash_code_execution', input: { command: 'ls' } },
    {
      type: 'bash_code_execution_tool_result',
      tool_use_id: 'srvtoolu_1',
      content: { type: 'bash_code_execution_result', stdout: 'a', stderr: '', return_code: 0, content: [] },
    },
    { type: 'container_upload', file_id: 'file_1' },
    text('There is a.'),
  ],
  'a tool of an MCP server': [
    { type: 'mcp_tool_use', id: 'mcptoolu_1', name: 'echo', server_name: 'example', input: {} },
    { type: 'mcp_tool_result', tool_use_id: 'mcptoolu_1', is_error: false, content: [{ type: 'text', text: 'hello' }] },
  ],
  'a search for tools': [
    { type: 'server_tool_use', id: 'srvtoolu_1', name: 'tool_search_tool_bm25', input: { query: 'weather' } },
    {
      type: 'tool_search_tool_result',
      tool_use_id: 'srvtoolu_1',
      content: { type: 'tool_search_tool_search_result', tool_references: [{ type: 'tool_reference', tool_name: 'weather' }] },
    },
    call('1'),
  ],
  'a compaction, signed': [
    { type: 'compaction', content: 'They spoke of bears.', encrypted_content: 'Zm9v', signature: 'c2ln' },
    text('Go on.'),
  ],
  'a compaction that failed': [{ type: 'compaction', content: null, encrypted_content: null }, text('Go on.')],
  'a block of an unknown type': [{ type: 'hologram', frames: [{ x: 1 }] }, text('Look.')],
  'thinking without text, and redacted': [thinking('', 'c2ln'), { type: 'redacted_thinking', data: 'c2VjcmV0' }, text('So.')],
  'calls after thinking and text': [thinking('Hm.', 'a'), text('I look.'), call('1'), call('2')],
  'thinking between calls': [thinking('Hm.', 'a'), call('1'), thinking('And.', 'b'), call('2')],
  'text and blocks between calls': [call('1'), call('2'), text('And.'), ...search, call('3')],
  'calls made by executed code': [
    ...search,
    call('1', { caller: { type: 'code_execution_20260120', tool_id: 'srvtoolu_1' } }),
    call('2', { caller: { type: 'code_execution_20260120', tool_id: 'srvtoolu_1' } }),
  ],
  'calls of a toolset’s tool': [call('1'), call('2', { toolset_name: 'browser' }), call('3')],
}

describe('ChatAnthropic: blocks', () => {
  test.each(Object.entries(answers))(
    '%s: the stream and the whole response give the same message, which is sent back unchanged',
    async (_, blocks) => {
      const { message, streamed, sent } = await roundTrip({ blocks })
      expect(streamed).toEqual(message)
      expect(sent).toEqual(blocks)
      expect(parse(stringify(message))).toEqual(message)
    },
  )

  test('keep their order in the content, with tool calls in toolCalls', async () => {
    const { message } = await roundTrip({ blocks: [text('I look.'), ...search, text('Bears sleep', [page]), call('1')] })
    expect(message.content).toEqual([
      { type: 'text', text: 'I look.' },
      ...search.map((block) => ({ type: 'block', provider: 'anthropic', block })),
      { type: 'text', text: 'Bears sleep', citations: [page] },
    ])
    expect(message.toolCalls).toEqual([{ id: '1', name: 'weather', args: { city: '1' } }])
  })

  test('text in several blocks becomes one string if there is nothing else', async () => {
    const { message, streamed } = await roundTrip({
      blocks: [text('Hello'), text(' you')],
      toolCalls: [{ id: '1', name: 'now', args: {} }],
    })
    expect(message).toMatchObject({ content: 'Hello you', toolCalls: [{ id: '1' }] })
    expect(streamed).toEqual(message)
  })

  test('handlers receive each block as one delta when it is complete', async () => {
    const record = recorder()
    await claude(faultyFetch({ body: anthropicSse({ blocks: [...search, text('Yes', [page])] }) }))
      .stream('Hi', { callbacks: [record] })
      .drain()
    record.check()
    const deltas = record.events.flatMap((event) => (event.type === 'delta' ? [event.delta] : []))
    expect(deltas).toContainEqual({ type: 'block', provider: 'anthropic', block: search[0] })
    expect(deltas).toContainEqual({ type: 'citation', citation: page })
  })

  test('a tool call is sent back with the arguments of its message', async () => {
    const { message } = await roundTrip({ blocks: [call('1'), thinking('Hm.', 'a'), call('2')] })
    const fetch = faultyFetch({ body: JSON.stringify(anthropicJson({ text: ['Hi'] })) })
    const toolCalls = message.toolCalls?.map((toolCall) => ({ ...toolCall, args: { city: 'Rome' } })) ?? []
    await claude(fetch).invoke([hi, { ...message, toolCalls }])
    expect(fetch.calls[0]?.body).toMatchObject({
      messages: [{}, { content: [{ id: '1', input: { city: 'Rome' } }, { type: 'thinking' }, { id: '2', input: { city: 'Rome' } }] }, {}],
    })
  })

  test('the file_id of a citation is kept but not sent back, because Anthropic refuses it', async () => {
    const { message, sent } = await roundTrip({ blocks: [text('Bears', [{ ...passage, file_id: null }])] })
    expect(message.content).toMatchObject([{ citations: [{ file_id: null }] }])
    expect(sent).toEqual([text('Bears', [passage])])
  })
})

describe('ChatAnthropic: random blocks', () => {
  const words = fc.string({ minLength: 1, unit: 'grapheme' }).filter((value) => value.trim() !== '')
  const data = fc.jsonValue({ maxDepth: 2 }).map((value): unknown => JSON.parse(JSON.stringify({ value })))
  const id = fc.uuid()
  const anyBlock: fc.Arbitrary<Json> = fc.oneof(
    fc.record({ type: fc.constant('text'), text: words }),
    fc.record({
      type: fc.constant('text'),
      text: words,
      citations: fc.array(fc.constantFrom(page, passage), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ type: fc.constant('thinking'), thinking: fc.string(), signature: words }),
    fc.record({ type: fc.constant('redacted_thinking'), data: words }),
    fc.record({ type: fc.constant('tool_use'), id, name: words, input: data }),
    fc.record({ type: fc.constant('tool_use'), id, name: words, input: data, caller: fc.constant({ type: 'code', tool_id: 'srv_1' }) }),
    fc.record({ type: fc.constant('server_tool_use'), id, name: words, input: data }),
    fc.record({ type: fc.constant('web_search_tool_result'), tool_use_id: id, content: data }),
    fc.record({ type: fc.constant('compaction'), content: fc.option(words), encrypted_content: fc.option(words), signature: words }),
    fc.record({ type: fc.constant('telepathy'), data, thinking: words, to: fc.constant('you') }),
  )

  test('a stream cut anywhere gives the same message as the whole response, and is sent back unchanged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyBlock, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 200 }), async (blocks, split) => {
        const { message, streamed, sent } = await roundTrip({ blocks }, { split })
        expect(streamed).toEqual(message)
        const [texts, calls] = [blocks.filter(({ type }) => type === 'text'), blocks.filter(({ type }) => type !== 'text')]
        const joined = [text(texts.map((block) => block.text).join('')), ...calls]
        expect(sent).toEqual(typeof message.content === 'string' && texts.length > 0 ? joined : blocks)
      }),
      { numRuns: 60 },
    )
  })
})

describe('ChatAnthropic: metadata', () => {
  const stopDetails = { type: 'refusal', category: 'bio', explanation: 'No.' }

  test('a refusal keeps its details', async () => {
    const { message, streamed } = await roundTrip({ text: ['I '], stopReason: 'refusal', stopDetails })
    expect(message).toMatchObject({ content: 'I ', stopReason: 'refusal', stopDetails })
    expect(streamed).toEqual(message)
  })

  test('a paused turn is continued in its container', async () => {
    const container = { id: 'container_1', expires_at: '2027-01-01T00:00:00Z', skills: null }
    const { message, streamed, sent, request } = await roundTrip({ blocks: search, stopReason: 'pause_turn', container })
    expect(message).toMatchObject({ stopReason: 'pause_turn', extra: { container } })
    expect(streamed).toEqual(message)
    expect(sent).toEqual(search)
    expect(request.container).toBe('container_1')
  })

  test('a turn with tool results is continued in its container; the next user turn is not', async () => {
    const container = { id: 'container_1' }
    const done = await roundTrip({ blocks: [call('1')], container }, {}, [toolMessage('18 °C', '1')])
    expect(done.request.container).toBe('container_1')
    const next = await roundTrip({ text: ['Hello'], container }, {}, [{ role: 'user', content: 'And now?' }])
    expect(next.request).not.toHaveProperty('container')
  })

  test('the model of a response is the one that the API fell back to', async () => {
    const fallback = { type: 'fallback', from: { model: 'claude-a' }, to: { model: 'claude-b' }, trigger: { type: 'refusal' } }
    const { message, streamed, sent } = await roundTrip({ model: 'claude-a', blocks: [fallback, text('Hello')] })
    expect(message.model).toBe('claude-b')
    expect(streamed).toEqual(message)
    expect(sent).toEqual([fallback, text('Hello')])
  })

  test('blocks of other providers are not sent to Anthropic', async () => {
    const fetch = faultyFetch({ body: JSON.stringify(anthropicJson({ text: ['Hi'] })) })
    const answer: AssistantMessage = {
      role: 'assistant',
      content: [
        { type: 'block', provider: 'openai', block: { type: 'web_search_call' } },
        { type: 'text', text: 'Hello' },
      ],
    }
    await claude(fetch).invoke([hi, answer])
    expect(fetch.calls[0]?.body).toMatchObject({ messages: [{}, { role: 'assistant', content: [text('Hello')] }] })
  })
})
