import { type AnthropicAnswer, anthropicJson, anthropicSse } from 'chaintap/testing'
import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fixture } from '../support/fixtures.ts'

interface Wire {
  readonly type: string
  readonly [field: string]: unknown
}

/** The events in a wire, fed in these pieces. */
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

describe('anthropicSse', () => {
  test('says everything in the order of the API', () => {
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

  test('P8: what is not known is not written', () => {
    expect(anthropicSse({ text: ['a'] }).join('')).not.toContain('usage')
    const [begun, ended] = parse(anthropicSse({ text: ['a'], usage: { outputTokens: 0 } })).filter(
      ({ type }) => /_start|_delta/.test(type) && type.startsWith('message'),
    )
    expect(begun).toMatchObject({ message: { usage: { output_tokens: 0 } } })
    expect(ended).toMatchObject({ usage: { output_tokens: 0 } })
    expect(JSON.stringify([begun, ended])).not.toMatch(/input_tokens|cache|thinking/)
  })

  test('an error takes the place of the end', () => {
    const error = { type: 'overloaded_error', message: 'Overloaded' }
    const events = parse(anthropicSse({ text: ['a'], error }))
    expect(events.at(-1)).toEqual({ type: 'error', error })
    expect(events.map(({ type }) => type)).not.toContain('message_stop')
  })

  test('says blocks of any type as the API does: in pieces what it says in pieces', () => {
    const citation = { type: 'web_search_result_location', url: 'https://bears.example' }
    const blocks = [
      { type: 'server_tool_use', id: 's1', name: 'web_search', input: { q: 'bears' } },
      { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
      { type: 'text', text: 'They sleep.', citations: [citation] },
      { type: 'compaction', content: 'Bears.', encrypted_content: 'e' },
    ]
    const said = parse(anthropicSse({ blocks })).flatMap(({ content_block, delta, index }) =>
      index === undefined ? [] : [content_block ?? delta],
    )
    expect(said.filter(Boolean)).toEqual([
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

  test('says what else there is of the end', () => {
    const stopDetails = { type: 'refusal', category: null, explanation: null }
    const answer = { stopReason: 'refusal', stopDetails, container: { id: 'c1' } }
    const end = { stop_reason: 'refusal', stop_details: stopDetails, container: { id: 'c1' } }
    expect(parse(anthropicSse(answer)).at(-2)).toMatchObject({ type: 'message_delta', delta: end })
    expect(anthropicJson(answer)).toMatchObject(end)
  })

  test('begins and ends as the recorded answer of the API does', () => {
    const recorded = parse([new TextDecoder().decode(fixture('anthropic-text.sse').bytes)])
    const built = parse(anthropicSse({ text: ['Héllo', ', wörld 🌍!'], usage: { inputTokens: 25, outputTokens: 15 } }))
    expect(built.map(({ type }) => type)).toEqual(recorded.map(({ type }) => type))
  })

  test('any answer comes back through the parser, cut anywhere', () => {
    const answer = fc.record(
      { text: fc.array(fc.string({ unit: 'grapheme' })), reasoning: fc.array(fc.string()), args: fc.jsonValue() },
      { requiredKeys: ['text', 'args'] },
    )
    fc.assert(
      fc.property(answer, fc.array(fc.nat()), ({ args, ...said }, cuts) => {
        const wire = anthropicSse({ ...said, toolCalls: [{ id: 'toolu_1', name: 'f', args }] }).join('')
        const at = [...new Set(cuts.map((cut) => cut % wire.length))].sort((a, b) => a - b)
        const deltas = parse([0, ...at].map((from, i) => wire.slice(from, at[i]))).map(
          ({ delta }) => delta as Record<string, string> | undefined,
        )
        const all = (field: string) => deltas.map((each) => each?.[field] ?? '').join('')
        expect(all('text')).toBe(said.text.join(''))
        expect(all('thinking')).toBe((said.reasoning ?? []).join(''))
        expect(JSON.parse(all('partial_json'))).toEqual(JSON.parse(JSON.stringify(args)))
      }),
    )
  })
})

describe('anthropicJson', () => {
  test('is the whole message', () => {
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

  test('is the body of a refusal where there is an error', () => {
    const error = { type: 'rate_limit_error', message: 'Slow down' }
    expect(anthropicJson({ error })).toEqual({ type: 'error', error })
  })
})
