import type { AssistantMessage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicJson, anthropicSse, faultyFetch } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { wireContract } from '../contracts/wire.ts'

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

/** The message that these events make. They have no names, as some compatible servers leave them out. */
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
const said = [block(0, { type: 'text', text: '' }), delta(0, { type: 'text_delta', text: 'Hello' }), stop(0)]

describe('Anthropic’s stream', () => {
  test('is read without names of events', async () => {
    expect(await messageOf([start(), ...said, ...end])).toEqual({
      role: 'assistant',
      content: 'Hello',
      id: 'msg_1',
      model: 'claude',
      stopReason: 'end_turn',
    })
  })

  test('what is not known is passed over: events, blocks, deltas, and what is no object', async () => {
    const unknown = [
      { type: 'telepathy', message: 'Hello?' },
      {},
      block(7, { type: 'hologram' }),
      delta(7, { type: 'hologram_delta', text: 'x' }),
      stop(7),
      { type: 'content_block_start' },
    ]
    expect(await messageOf([start(), ...unknown, null as never, 5 as never, ...said, ...end])).toMatchObject({ content: 'Hello' })
  })

  test('a gateway’s complaint has no type', async () => {
    for (const complaint of [{ error: { message: 'No route' } }, { error: 'No route' }, { message: 'No route' }]) {
      await expect(messageOf([start(), complaint, ...said, ...end])).rejects.toMatchObject({
        code: 'wire',
        message: expect.stringContaining('"No route"'),
      })
    }
  })

  test('tools that run on Anthropic’s servers make no call', async () => {
    const server = [
      block(1, { type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }),
      delta(1, { type: 'input_json_delta', partial_json: '{"query":"bears"}' }),
      stop(1),
      block(2, { type: 'web_search_tool_result', tool_use_id: 'srvtoolu_1', content: [] }),
      stop(2),
    ]
    expect(await messageOf([start(), ...said, ...server, ...end])).not.toHaveProperty('toolCalls')
  })

  test('a call has the input that its pieces make; without any, what its start had', async () => {
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

  test('thinking keeps its signature, and its parts their order', async () => {
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

  test('P8: a later report of usage corrects an earlier one, and what it leaves out stays', async () => {
    const usage = { input_tokens: 25, cache_read_input_tokens: 100, output_tokens: 1 }
    const corrected = { type: 'message_delta', delta: { stop_reason: null }, usage: { input_tokens: 10_682, output_tokens: 15 } }
    expect((await messageOf([start({ usage }), ...said, corrected, ...end])).usage).toEqual({
      inputTokens: 10_782,
      outputTokens: 15,
      totalTokens: 10_797,
      cacheReadTokens: 100,
    })
  })
})
