import type { AssistantMessage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicJson, anthropicSse, faultyFetch } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { wireContract } from '../../contracts/wire.ts'

wireContract('ChatAnthropic', {
  make: (options) => new ChatAnthropic({ dangerouslyAllowBrowser: true, ...options }),
  fixtures: ['anthropic-text.sse', 'anthropic-thinking-tool.sse', 'anthropic-error-midstream.sse', 'anthropic-truncated.sse'],
  sse: anthropicSse,
  json: anthropicJson,
  refusal: (type, message) => {
    const body = JSON.stringify(anthropicJson({ error: { type, message } }))
    return { body, event: `event: error\ndata: ${body}\n\n` }
  },
  endless: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"',
})

type Json = Readonly<Record<string, unknown>>

/** The message of these events. They have no names, because some compatible servers omit them. */
async function messageOf(events: readonly Json[]): Promise<AssistantMessage> {
  const body = events.map((event) => `data: ${JSON.stringify(event)}\n\n`)
  const model = new ChatAnthropic({ apiKey: 'a-key', fetch: faultyFetch({ body }), streaming: true, dangerouslyAllowBrowser: true })
  return model.invoke('Hi')
}

const start = (message: Json = {}): Json => ({ type: 'message_start', message: { id: 'msg_1', model: 'claude', content: [], ...message } })
const block = (index: number, content_block: Json): Json => ({ type: 'content_block_start', index, content_block })
const delta = (index: number, piece: Json): Json => ({ type: 'content_block_delta', index, delta: piece })
const stop = (index: number): Json => ({ type: 'content_block_stop', index })
const end: readonly Json[] = [{ type: 'message_delta', delta: { stop_reason: 'end_turn' } }, { type: 'message_stop' }]
const hello = [block(0, { type: 'text', text: '' }), delta(0, { type: 'text_delta', text: 'Hello' }), stop(0)]

describe('AnthropicDecoder', () => {
  test('reads events without names', async () => {
    expect(await messageOf([start(), ...hello, ...end])).toEqual({
      role: 'assistant',
      content: 'Hello',
      id: 'msg_1',
      model: 'claude',
      stopReason: 'end_turn',
    })
  })

  test('ignores unknown events, blocks and deltas, and values that are not objects', async () => {
    const unknown = [
      { type: 'telepathy', message: 'Hello?' },
      {},
      block(7, { type: 'hologram' }),
      delta(7, { type: 'hologram_delta', text: 'x' }),
      stop(7),
      { type: 'content_block_start' },
    ]
    expect(await messageOf([start(), ...unknown, null as never, 5 as never, ...hello, ...end])).toMatchObject({ content: 'Hello' })
  })

  test('drops a block with unknown deltas, because Anthropic would refuse an incomplete block', async () => {
    const grown = [
      block(1, { type: 'hologram', frames: [] }),
      delta(1, { type: 'frame_delta', data: 'x', signature: 'y' }),
      stop(1),
      block(2, { type: 'tool_use', id: '1', name: 'now', input: {} }),
      delta(2, { type: 'frame_delta', frame: 'x' }),
      delta(2, { type: 'input_json_delta', partial_json: '{"a":1}' }),
      stop(2),
    ]
    expect(await messageOf([start(), ...hello, ...grown, ...end])).toMatchObject({
      content: 'Hello',
      toolCalls: [{ id: '1', name: 'now', args: { a: 1 } }],
    })
  })

  test('accepts citations before and after their text', async () => {
    const texts = [
      block(1, { type: 'text', text: '', citations: [] }),
      delta(1, { type: 'citations_delta', citation: { url: 'https://a.example' } }),
      delta(1, { type: 'text_delta', text: ' you' }),
      delta(1, { type: 'citations_delta', citation: { url: 'https://b.example' } }),
      stop(1),
      block(2, { type: 'text', text: '' }),
      delta(2, { type: 'text_delta', text: '!' }),
      stop(2),
    ]
    expect((await messageOf([start(), ...hello, ...texts, ...end])).content).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'text', text: ' you', citations: [{ url: 'https://a.example' }, { url: 'https://b.example' }] },
      { type: 'text', text: '!' },
    ])
  })

  test('a server tool block has the input of its deltas, or of its start if they are absent or incomplete', async () => {
    const use = (index: number, input: Json): Json => block(index, { type: 'server_tool_use', id: `${index}`, name: 'web_search', input })
    const blocks = [
      use(0, {}),
      delta(0, { type: 'input_json_delta', partial_json: '{"query":' }),
      delta(0, { type: 'input_json_delta', partial_json: '"bears"}' }),
      stop(0),
      use(1, { query: 'bees' }),
      stop(1),
      use(2, {}),
      delta(2, { type: 'input_json_delta', partial_json: '{"query":' }),
      stop(2),
    ]
    const { content } = await messageOf([start(), ...blocks, ...end])
    const parts = typeof content === 'string' ? [] : content
    const inputs = parts.map((part) => part.type === 'block' && part.block.input)
    expect(inputs).toEqual([{ query: 'bears' }, { query: 'bees' }, {}])
  })

  test('separates tool calls that compatible servers interleave', async () => {
    const calls = [
      block(0, { type: 'tool_use', id: '1', name: 'now', input: {} }),
      block(1, { type: 'tool_use', id: '2', name: 'now', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '{"a"' }),
      delta(1, { type: 'input_json_delta', partial_json: '{"b"' }),
      delta(0, { type: 'input_json_delta', partial_json: ':1}' }),
      stop(0),
      delta(1, { type: 'input_json_delta', partial_json: ':2}' }),
      stop(1),
    ]
    expect((await messageOf([start(), ...calls, ...end])).toolCalls).toEqual([
      { id: '1', name: 'now', args: { a: 1 } },
      { id: '2', name: 'now', args: { b: 2 } },
    ])
  })

  test('reports the matched stop sequence in stopDetails', async () => {
    const stopped = [{ type: 'message_delta', delta: { stop_reason: 'stop_sequence', stop_sequence: '\n' } }, { type: 'message_stop' }]
    expect(await messageOf([start(), ...hello, ...stopped])).toMatchObject({
      stopReason: 'stop_sequence',
      stopDetails: { stop_sequence: '\n' },
    })
  })

  test('an error event throws with the provider’s type and the request id', async () => {
    const error = { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' }
    await expect(messageOf([start(), ...hello, error])).rejects.toMatchObject({
      code: 'wire',
      providerType: 'overloaded_error',
      requestId: 'req_1',
    })
  })

  test('reads a gateway’s error without a type', async () => {
    for (const gatewayError of [{ error: { message: 'No route' } }, { error: 'No route' }, { message: 'No route' }]) {
      await expect(messageOf([start(), gatewayError, ...hello, ...end])).rejects.toMatchObject({
        code: 'wire',
        message: expect.stringContaining('"No route"'),
      })
    }
  })

  test('server tools produce no tool call', async () => {
    const server = [
      block(1, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      delta(1, { type: 'input_json_delta', partial_json: '{"query":"bears"}' }),
      stop(1),
      block(2, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
      stop(2),
    ]
    expect(await messageOf([start(), ...hello, ...server, ...end])).not.toHaveProperty('toolCalls')
  })

  test('a tool call has the input of its deltas, or of its start if there are none', async () => {
    const calls = [
      block(0, { type: 'tool_use', id: '1', name: 'now', input: {} }),
      delta(0, { type: 'input_json_delta', partial_json: '' }),
      stop(0),
      block(1, { type: 'tool_use', id: '2', name: 'weather', input: { city: 'Paris' } }),
      stop(1),
      block(2, { type: 'tool_use', id: '3', name: 'weather', input: {} }),
      delta(2, { type: 'input_json_delta', partial_json: '{"city":' }),
      delta(2, { type: 'input_json_delta', partial_json: '"Rome"}' }),
      stop(2),
    ]
    expect((await messageOf([start(), ...calls, ...end])).toolCalls).toEqual([
      { id: '1', name: 'now', args: {} },
      { id: '2', name: 'weather', args: { city: 'Paris' } },
      { id: '3', name: 'weather', args: { city: 'Rome' } },
    ])
  })

  test('thinking keeps its signature, and parts keep their order', async () => {
    const thought = [
      block(0, { type: 'thinking', thinking: '', signature: '' }),
      delta(0, { type: 'thinking_delta', thinking: 'Hm.' }),
      delta(0, { type: 'signature_delta', signature: 'c2ln' }),
      stop(0),
      block(1, { type: 'redacted_thinking', data: 'c2VjcmV0' }),
      stop(1),
      block(2, { type: 'text', text: 'So' }),
      delta(2, { type: 'text_delta', text: ': yes' }),
      stop(2),
    ]
    expect((await messageOf([start(), ...thought, ...end])).content).toEqual([
      { type: 'reasoning', text: 'Hm.', signature: 'c2ln' },
      { type: 'reasoning', text: '', redacted: 'c2VjcmV0' },
      { type: 'text', text: 'So: yes' },
    ])
  })

  test('a later usage report corrects an earlier one, and keeps the figures that it omits (P8)', async () => {
    const usage = { input_tokens: 25, cache_read_input_tokens: 100, output_tokens: 1 }
    const corrected = { type: 'message_delta', delta: { stop_reason: null }, usage: { input_tokens: 10_682, output_tokens: 15 } }
    expect((await messageOf([start({ usage }), ...hello, corrected, ...end])).usage).toEqual({
      inputTokens: 10_782,
      outputTokens: 15,
      totalTokens: 10_797,
      cacheReadTokens: 100,
    })
  })

  test('counts the usage of a compaction, reported at the end, once', async () => {
    const usage = { input_tokens: 25, output_tokens: 1 }
    const iterations = [
      { type: 'compaction', input_tokens: 1_000, output_tokens: 100 },
      { type: 'message', input_tokens: 25, output_tokens: 15 },
    ]
    const report = { type: 'message_delta', delta: { stop_reason: null }, usage: { output_tokens: 15, iterations } }
    expect((await messageOf([start({ usage }), ...hello, report, report, ...end])).usage).toEqual({
      inputTokens: 1_025,
      outputTokens: 115,
      totalTokens: 1_140,
    })
  })
})
