import { type AssistantMessage, type Delta, messageFold } from 'chaintap'
import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'

function fold(deltas: readonly Delta[]): AssistantMessage {
  const message = messageFold()
  for (const delta of deltas) message.add(delta)
  return message.result()
}

const text = (piece: string): Delta => ({ type: 'text', text: piece })

/** A string cut into pieces, empty ones among them. */
const cuts = fc.tuple(fc.string({ unit: 'grapheme' }), fc.array(fc.nat())).map(([whole, places]) => {
  const at = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length]
  return { whole, pieces: at.slice(1).map((end, index) => whole.slice(at[index], end)) }
})

describe('messageFold() with text', () => {
  it('returns a string as content if there is only text', () => {
    expect(fold([text('Hé'), text('llo 🌍')])).toEqual({ role: 'assistant', content: 'Héllo 🌍' })
  })

  it('returns an empty string as content if there was no text', () => {
    expect(fold([])).toEqual({ role: 'assistant', content: '' })
  })

  it('returns the same message however the text is split', () => {
    fc.assert(
      fc.property(cuts, ({ whole, pieces }) => {
        expect(fold(pieces.map(text))).toEqual(fold([text(whole)]))
      }),
    )
  })

  it('returns the same message however text and reasoning are split', () => {
    const reasoning = (piece: string): Delta => ({ type: 'reasoning', text: piece })
    fc.assert(
      fc.property(cuts, cuts, (thought, answer) => {
        const cut = fold([...thought.pieces.map(reasoning), ...answer.pieces.map(text)])
        expect(cut).toEqual(fold([reasoning(thought.whole), text(answer.whole)]))
      }),
    )
  })

  it('copies text in linear time, regardless of the number of pieces', () => {
    const pieces = 40_000
    const join = vi.spyOn(Array.prototype, 'join')
    const message = fold(Array.from({ length: pieces }, () => text('four')))
    const copied = join.mock.results.reduce((sum, { value }) => sum + String(value).length, 0)
    join.mockRestore()
    expect(message.content).toHaveLength(4 * pieces)
    expect(copied).toBeLessThanOrEqual(2 * 4 * pieces)
  })
})

describe('messageFold() with reasoning', () => {
  it('returns a list of parts in their order, with signatures', () => {
    const deltas: Delta[] = [
      { type: 'reasoning', text: 'Let me ' },
      { type: 'reasoning', text: 'see.' },
      { type: 'reasoning', text: '', signature: 'sig' },
      text('Good'),
      text(' day'),
      { type: 'reasoning', text: 'More.' },
      text('!'),
    ]
    expect(fold(deltas).content).toEqual([
      { type: 'reasoning', text: 'Let me see.', signature: 'sig' },
      { type: 'text', text: 'Good day' },
      { type: 'reasoning', text: 'More.' },
      { type: 'text', text: '!' },
    ])
  })

  it('keeps signed and redacted reasoning as parts of their own', () => {
    const deltas: Delta[] = [
      { type: 'reasoning', text: 'one', signature: 'a' },
      { type: 'reasoning', text: 'two', signature: 'b' },
      { type: 'reasoning', text: '', redacted: 'x' },
      { type: 'reasoning', text: '', redacted: 'y' },
      { type: 'reasoning', text: 'three' },
      { type: 'reasoning', text: '', redacted: 'z' },
    ]
    expect(fold(deltas).content).toEqual([
      { type: 'reasoning', text: 'one', signature: 'a' },
      { type: 'reasoning', text: 'two', signature: 'b' },
      { type: 'reasoning', text: '', redacted: 'x' },
      { type: 'reasoning', text: '', redacted: 'y' },
      { type: 'reasoning', text: 'three' },
      { type: 'reasoning', text: '', redacted: 'z' },
    ])
  })

  it('keeps reasoning that has only a signature and drops empty reasoning', () => {
    expect(fold([{ type: 'reasoning', text: '', signature: 'sig' }, text('Hi')]).content).toEqual([
      { type: 'reasoning', text: '', signature: 'sig' },
      { type: 'text', text: 'Hi' },
    ])
    expect(fold([{ type: 'reasoning', text: '' }, text('Hi')]).content).toBe('Hi')
  })
})

describe('messageFold() with citations', () => {
  const cite = (url: string): Delta => ({ type: 'citation', citation: { url } })

  it('attaches citations to the text around them, up to the next break', () => {
    const deltas: Delta[] = [
      text('One. '),
      { type: 'break' },
      cite('a'),
      text('Two'),
      text('.'),
      cite('b'),
      { type: 'break' },
      text(' Three.'),
    ]
    expect(fold(deltas).content).toEqual([
      { type: 'text', text: 'One. ' },
      { type: 'text', text: 'Two.', citations: [{ url: 'a' }, { url: 'b' }] },
      { type: 'text', text: ' Three.' },
    ])
  })

  it('returns a list of parts for citations, but not for breaks alone', () => {
    expect(fold([text('One.'), cite('a')]).content).toEqual([{ type: 'text', text: 'One.', citations: [{ url: 'a' }] }])
    expect(fold([text('One.'), { type: 'break' }, text(' Two.')]).content).toBe('One. Two.')
  })
})

describe('messageFold() with provider blocks', () => {
  const block: Delta = { type: 'block', provider: 'anthropic', block: { type: 'server_tool_use', id: '1' } }

  it('keeps blocks in their position, where they split the text', () => {
    expect(fold([text('I '), text('look.'), block, block, text('Yes.'), { type: 'reasoning', text: 'Hm.' }, block]).content).toEqual([
      { type: 'text', text: 'I look.' },
      block,
      block,
      { type: 'text', text: 'Yes.' },
      { type: 'reasoning', text: 'Hm.' },
      block,
    ])
  })
})

describe('messageFold() with tool calls', () => {
  it('merges the pieces of concurrent calls by index', () => {
    const deltas: Delta[] = [
      { type: 'tool-call', index: 0, id: 'a', name: 'weather', args: '' },
      { type: 'tool-call', index: 1, id: 'b', name: 'clock' },
      { type: 'tool-call', index: 0, args: '{"city":"Pa' },
      { type: 'tool-call', index: 1, args: '{"zone":' },
      { type: 'tool-call', index: 0, id: '', name: '', args: 'ris"}' },
      { type: 'tool-call', index: 1, args: '1}' },
    ]
    expect(fold(deltas)).toEqual({
      role: 'assistant',
      content: '',
      toolCalls: [
        { id: 'a', name: 'weather', args: { city: 'Paris' } },
        { id: 'b', name: 'clock', args: { zone: 1 } },
      ],
    })
  })

  const called = (args?: string, reason?: string) =>
    fold([
      { type: 'tool-call', index: 0, id: 'a', name: 'first', args: '' },
      { type: 'tool-call', index: 1, id: 'b', name: 'last', ...(args !== undefined && { args }) },
      ...(reason === undefined ? [] : [{ type: 'stop', reason } as const]),
    ]).toolCalls?.at(-1)

  it('returns {} for arguments that are missing, blank or null', () => {
    for (const args of [undefined, '', ' ', '\n', 'null', ' null ', '{}', '{ }'])
      expect(called(args)).toEqual({ id: 'b', name: 'last', args: {} })
  })

  it('returns the raw text for arguments that are not valid JSON, and marks the call', () => {
    for (const args of [
      '{"city":"Pa',
      "{'city': 'Paris'}",
      '{"re":"\\d"}',
      '{"a":"b\\\nc"}',
      '{"a":"b\nc}',
      '{"a":1}{"a":2}',
      'Paris',
      'undefined',
    ]) {
      expect(called(args)).toEqual({ id: 'b', name: 'last', args, isInvalid: true })
    }
  })

  it('accepts line breaks and other control characters in strings', () => {
    const argument = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', '\t', '\u0001', '{', ' ', '\\n') })
    fc.assert(
      fc.property(fc.dictionary(argument, argument), fc.constantFrom('', '\n'), (args, space) => {
        const raw = JSON.stringify(args, undefined, space).replaceAll(/\\([\\"]|n|t|u0001)/g, (escaped, char: string) =>
          '\\"'.includes(char) ? escaped : String(JSON.parse(`"${escaped}"`)),
        )
        expect(called(raw)).toEqual({ id: 'b', name: 'last', args })
      }),
    )
    expect(called('{"mail": "Dear all,\n\tbye"}')?.args).toEqual({ mail: 'Dear all,\n\tbye' })
  })

  it('marks the last call of a response that was cut before its arguments', () => {
    const limits = ['length', 'LENGTH', 'max_tokens', 'MAX_TOKENS', 'max_output_tokens', 'model_length', 'model_context_window_exceeded']
    const filters = ['content_filter', 'content_filtered', 'refusal', 'SAFETY', 'guardrail_intervened', 'sensitive']
    for (const reason of [...limits, ...filters]) {
      expect(called('', reason)).toEqual({ id: 'b', name: 'last', args: '', isInvalid: true })
      expect(called('{}', reason)).toEqual({ id: 'b', name: 'last', args: {} })
    }
    for (const reason of [
      'tool_calls',
      'tool_use',
      'stop',
      'STOP',
      'end_turn',
      'stop_sequence',
      'eos_token',
      'function_call',
      'pause_turn',
    ]) {
      expect(called('', reason)).toEqual({ id: 'b', name: 'last', args: {} })
    }
  })

  it('keeps arguments of any JSON type', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(called(json)).toEqual({ id: 'b', name: 'last', args: JSON.parse(json) ?? {} })
      }),
    )
  })

  it('returns the same call however its arguments are split', () => {
    fc.assert(
      fc.property(cuts, ({ whole, pieces }) => {
        const call = (args: string): Delta => ({ type: 'tool-call', index: 0, args })
        expect(fold(pieces.map(call))).toEqual(fold([call(whole)]))
      }),
    )
  })
})

describe('messageFold() with metadata', () => {
  it('usage is the last reported figure of each field; figures are not added (P8)', () => {
    const deltas: Delta[] = [
      { type: 'usage', usage: { inputTokens: 25, outputTokens: 1, cacheReadTokens: 0 } },
      { type: 'usage', usage: { outputTokens: 20 } },
      { type: 'usage', usage: JSON.parse('{ "inputTokens": null }') },
    ]
    expect(fold(deltas).usage).toEqual({ inputTokens: 25, outputTokens: 20, cacheReadTokens: 0 })
  })

  it('usage that was not reported is absent (P8)', () => {
    expect(fold([text('Hi'), { type: 'stop', reason: 'end_turn' }])).toEqual({ role: 'assistant', content: 'Hi', stopReason: 'end_turn' })
  })

  it('keeps the last value of each field and ignores empty ids and models', () => {
    const deltas: Delta[] = [
      { type: 'meta', id: 'msg_1', model: 'claude' },
      { type: 'meta', id: '', model: '' },
      { type: 'meta', model: 'claude-2' },
      { type: 'stop', reason: 'pause_turn' },
      { type: 'stop', reason: 'end_turn' },
    ]
    expect(fold(deltas)).toMatchObject({ id: 'msg_1', model: 'claude-2', stopReason: 'end_turn' })
  })

  it('keeps extra fields and the details of the stop reason', () => {
    const deltas: Delta[] = [
      { type: 'meta', id: 'msg_1', extra: { container: { id: 'c1' } } },
      { type: 'stop', reason: 'refusal', details: { category: 'bio' } },
      { type: 'meta' },
    ]
    expect(fold(deltas)).toEqual({
      role: 'assistant',
      content: '',
      id: 'msg_1',
      extra: { container: { id: 'c1' } },
      stopReason: 'refusal',
      stopDetails: { category: 'bio' },
    })
  })
})

describe('messageFold().result()', () => {
  const anyText = fc.string()
  const anyDelta: fc.Arbitrary<Delta> = fc.oneof(
    fc.record({ type: fc.constant('text' as const), text: anyText }),
    fc.record(
      { type: fc.constant('reasoning' as const), text: anyText, signature: anyText, redacted: anyText },
      { requiredKeys: ['type', 'text'] },
    ),
    fc.record(
      { type: fc.constant('tool-call' as const), index: fc.nat(3), id: anyText, name: anyText, args: fc.oneof(anyText, fc.json()) },
      { requiredKeys: ['type', 'index'] },
    ),
    fc.record({
      type: fc.constant('usage' as const),
      usage: fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat() }, { requiredKeys: [] }),
    }),
    fc.record({ type: fc.constant('citation' as const), citation: fc.record({ url: anyText }) }),
    fc.constant({ type: 'break' } as const),
    fc.record({ type: fc.constant('block' as const), provider: anyText, block: fc.record({ type: anyText }) }),
    fc.record(
      { type: fc.constant('stop' as const), reason: anyText, details: fc.record({ type: anyText }) },
      { requiredKeys: ['type', 'reason'] },
    ),
    fc.record(
      { type: fc.constant('meta' as const), id: anyText, model: anyText, extra: fc.dictionary(anyText, anyText) },
      { requiredKeys: ['type'] },
    ),
  )

  it('returns the message so far after each delta and has no side effects', () => {
    fc.assert(
      fc.property(fc.array(anyDelta), (deltas) => {
        const partial = messageFold()
        for (const [index, delta] of deltas.entries()) {
          partial.add(delta)
          expect(partial.result()).toEqual(fold(deltas.slice(0, index + 1)))
          expect(partial.result()).toEqual(partial.result())
        }
      }),
    )
  })

  it('returns messages that later deltas do not change, whatever they are', () => {
    const nested = fc.record({ type: fc.constant('meta' as const), extra: fc.dictionary(anyText, fc.dictionary(anyText, anyText)) })
    fc.assert(
      fc.property(fc.array(fc.oneof(anyDelta, nested)), (deltas) => {
        const message = messageFold()
        const results = deltas.map((delta) => {
          message.add(delta)
          const result = message.result()
          return { result, copy: structuredClone(result) }
        })
        for (const { result, copy } of results) expect(result).toEqual(copy)
      }),
    )
  })

  it('returns a message that later deltas do not change', () => {
    const message = messageFold()
    message.add(text('Hi'))
    message.add({ type: 'citation', citation: { url: 'a' } })
    message.add({ type: 'reasoning', text: 'one' })
    message.add({ type: 'tool-call', index: 0, id: 'a', name: 'now', args: '{}' })
    const before = message.result()
    const copy = structuredClone(before)
    message.add({ type: 'reasoning', text: ' two', signature: 's' })
    message.add(text('Hi'))
    message.add({ type: 'citation', citation: { url: 'b' } })
    message.add({ type: 'tool-call', index: 0, args: ' ' })
    message.add({ type: 'usage', usage: { inputTokens: 1 } })
    expect(before).toEqual(copy)
  })
})
