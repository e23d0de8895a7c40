import { type AnthropicAnswer, anthropicJson, anthropicSse } from 'chaintap/testing'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixture } from '../support/fixtures.ts'

interface Wire {
  readonly type: string
  readonly [field: string]: unknown
}

/** The events of a body that arrives in these pieces. */
function parse(pieces: readonly string[]): Wire[] {
  const events: Wire[] = []
  const parser = createParser({
    onEvent: ({ event, data }) => {
      const parsed: Wire = JSON.parse(data)
      expect(event).toBe(parsed.type)
      events.push(parsed)
    },
  })
  for (const piece of pieces) parser.feed(piece)
  return events
}

const delta = (index: number, type: string, fields: object) => ({ type: 'content_block_delta', index, delta: { type, ...fields } })

const full: AnthropicAnswer = {
  reasoning: ['Let me', ' see.'],
  signature: 'c2ln',
  text: ['Hé', 'llo 🌍'],
  toolCalls: [{ id: 'toolu_1', name: 'weather', args: { city: 'Paris' } }],
  usage: { inputTokens: 30, outputTokens: 12, cacheReadTokens: 20, cacheWriteTokens: 4, reasoningTokens: 5 },
  id: 'msg_1',
  model: 'claude-x',
}

describe('anthropicSse()', () => {
  test('returns every part in the order of the API', () => {
    expect(parse(anthropicSse(full))).toEqual([
      {
        type: 'message_start',
        message: {
          id: 'msg_1',
          type: 'message',
          role: 'assistant',
          model: 'claude-x',
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: {
            input_tokens: 6,
            cache_creation_input_tokens: 4,
            cache_read_input_tokens: 20,
            output_tokens: 1,
            output_tokens_details: { thinking_tokens: 5 },
          },
        },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
      { type: 'ping' },
      delta(0, 'thinking_delta', { thinking: 'Let me' }),
      delta(0, 'thinking_delta', { thinking: ' see.' }),
      delta(0, 'signature_delta', { signature: 'c2ln' }),
      { type: 'content_block_stop', index: 0 },
      { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
      delta(1, 'text_delta', { text: 'Hé' }),
      delta(1, 'text_delta', { text: 'llo 🌍' }),
      { type: 'content_block_stop', index: 1 },
      { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} } },
      delta(2, 'input_json_delta', { partial_json: '' }),
      delta(2, 'input_json_delta', { partial_json: '{"city":' }),
      delta(2, 'input_json_delta', { partial_json: '"Paris"}' }),
      { type: 'content_block_stop', index: 2 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'tool_use', stop_sequence: null },
        usage: { output_tokens: 12, output_tokens_details: { thinking_tokens: 5 } },
      },
      { type: 'message_stop' },
    ])
  })

  test('omits unknown usage (P8)', () => {
    expect(anthropicSse({ text: ['a'] }).join('')).not.toContain('usage')
    const [first, last] = parse(anthropicSse({ text: ['a'], usage: { outputTokens: 0 } })).filter(
      ({ type }) => /_start|_delta/.test(type) && type.startsWith('message'),
    )
    expect(first).toMatchObject({ message: { usage: { output_tokens: 0 } } })
    expect(last).toMatchObject({ usage: { output_tokens: 0 } })
    expect(JSON.stringify([first, last])).not.toMatch(/input_tokens|cache|thinking/)
  })

  test('writes an error in place of the end', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' }
    const events = parse(anthropicSse({ text: ['a'], error }))
    expect(events.at(-1)).toEqual({ type: 'error', error })
    expect(events.map(({ type }) => type)).not.toContain('message_stop')
  })

  test('writes blocks of any type in the pieces in which the API sends them', () => {
    const citation = { type: 'web_search_result_location', url: 'https://bears.example' }
    const blocks = [
      { type: 'server_tool_use', id: 's1', name: 'web_search', input: { q: 'bears' } },
      { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
      { type: 'text', text: 'They sleep.', citations: [citation] },
      { type: 'compaction', content: 'Bears.', encrypted_content: 'e' },
    ]
    const pieces = parse(anthropicSse({ blocks })).flatMap(({ content_block, delta, index }) =>
      index === undefined ? [] : [content_block ?? delta],
    )
    expect(pieces.filter(Boolean)).toEqual([
      { ...blocks[0], input: {} },
      { type: 'input_json_delta', partial_json: '' },
      { type: 'input_json_delta', partial_json: '{"q":"be' },
      { type: 'input_json_delta', partial_json: 'ars"}' },
      blocks[1],
      { type: 'text', text: '', citations: [] },
      { type: 'text_delta', text: 'They sle' },
      { type: 'text_delta', text: 'ep.' },
      { type: 'citations_delta', citation },
      { type: 'compaction', content: null, encrypted_content: 'e' },
      { type: 'compaction_delta', content: 'Bears.', encrypted_content: 'e' },
    ])
    expect(anthropicJson({ blocks })).toMatchObject({ content: blocks })
  })

  test('writes stopDetails and the container at the end', () => {
    const stopDetails = { type: 'refusal', category: null, explanation: null }
    const answer = { stopReason: 'refusal', stopDetails, container: { id: 'c1' } }
    const end = { stop_reason: 'refusal', stop_details: stopDetails, container: { id: 'c1' } }
    expect(parse(anthropicSse(answer)).at(-2)).toMatchObject({ type: 'message_delta', delta: end })
    expect(anthropicJson(answer)).toMatchObject(end)
  })

  test('returns the same event types as the recorded response of the API', () => {
    const recorded = parse([new TextDecoder().decode(fixture('anthropic-text.sse').bytes)])
    const built = parse(anthropicSse({ text: ['Héllo', ', wörld 🌍!'], usage: { inputTokens: 25, outputTokens: 15 } }))
    expect(built.map(({ type }) => type)).toEqual(recorded.map(({ type }) => type))
  })

  test('any response survives the parser, cut at any character', () => {
    const answer = fc.record(
      { text: fc.array(fc.string({ unit: 'grapheme' })), reasoning: fc.array(fc.string()), args: fc.jsonValue() },
      { requiredKeys: ['text', 'args'] },
    )
    fc.assert(
      fc.property(answer, fc.array(fc.nat()), ({ args, ...texts }, cuts) => {
        const wire = anthropicSse({ ...texts, toolCalls: [{ id: 'toolu_1', name: 'f', args }] }).join('')
        const at = [...new Set(cuts.map((cut) => cut % wire.length))].sort((a, b) => a - b)
        const deltas = parse([0, ...at].map((from, i) => wire.slice(from, at[i]))).map(
          ({ delta }) => delta as Record<string, string> | undefined,
        )
        const all = (field: string) => deltas.map((delta) => delta?.[field] ?? '').join('')
        expect(all('text')).toBe(texts.text.join(''))
        expect(all('thinking')).toBe((texts.reasoning ?? []).join(''))
        expect(JSON.parse(all('partial_json'))).toEqual(JSON.parse(JSON.stringify(args)))
      }),
    )
  })
})

describe('anthropicJson()', () => {
  test('returns the whole message', () => {
    expect(JSON.parse(JSON.stringify(anthropicJson(full)))).toEqual({
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-x',
      content: [
        { type: 'thinking', thinking: 'Let me see.', signature: 'c2ln' },
        { type: 'text', text: 'Héllo 🌍' },
        { type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Paris' } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: {
        input_tokens: 6,
        cache_creation_input_tokens: 4,
        cache_read_input_tokens: 20,
        output_tokens: 12,
        output_tokens_details: { thinking_tokens: 5 },
      },
    })
  })

  test('returns the body of an error response for `error`', () => {
    const error = { type: 'rate_limit_error', message: 'Slow down' }
    expect(anthropicJson({ error })).toEqual({ type: 'error', error })
  })
})
