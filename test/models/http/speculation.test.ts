import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { OpenAIDecoder } from '../../../src/models/chat-completions/decoder.ts'
import { type ReplacePadding, speculation } from '../../../src/models/http/speculation.ts'

/** Returns the text of a text delta, as a decoder does. */
function textOf(data: string): string | undefined {
  try {
    const { type, delta } = Object(JSON.parse(data))
    return type === 'content_block_delta' && delta?.type === 'text_delta' && typeof delta.text === 'string' ? delta.text : undefined
  } catch {
    return undefined
  }
}

/** Reads events as a decoder does. Returns the text of each by speculation, or undefined if it had to be parsed. */
function speculated(events: readonly string[], padded?: ReplacePadding): readonly (string | undefined)[] {
  const shape = speculation(textOf, padded)
  // It ignores the first event.
  shape.addTemplate('', '')
  return events.map((data) => {
    const known = shape.readText(data)
    const text = textOf(data)
    if (known === undefined && text !== undefined) shape.addTemplate(data, text)
    return known
  })
}

const delta = (literal: string, { index = 0, type = 'text_delta', pad = '' } = {}): string =>
  `{"type":"content_block_delta","index":${index},"delta":{"type":"${type}","text":${literal}}${pad}}`

// Few letters, so that texts collide with keys, with one another and with the probes.
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('', '1', '2', 'a', 'text', 'delta', ',', ':', '","', '"}}', '\\', '\n'),
)
const hex = (text: string): string =>
  Array.from({ length: text.length }, (_, i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')
/** A JSON literal, written as servers write it: or with needless escapes, raw control characters, unescaped quotes. */
const literal = text.chain((value) =>
  fc.constantFrom(JSON.stringify(value), `"${hex(value)}"`, `"${value}"`, `"${value}\\"`, `"\\${value}"`, `"${value}\u0001"`, '5', 'null'),
)
const blanks = fc.constantFrom('', ' ', '      ', '\t', '\n')
const regular = fc.record({ literal, index: fc.constantFrom(0, 1), type: fc.constantFrom('text_delta', 'thinking_delta'), pad: blanks })
const event = fc.oneof(
  { weight: 6, arbitrary: regular.map(({ literal, ...rest }) => delta(literal, rest)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(literal, literal)
      .map(([a, b]) => `{"type":"content_block_delta","delta":{"type":"text_delta","text":${a},"text":${b}}}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(literal, literal)
      .map(([a, b]) => `{"type":"content_block_delta","delta":{"text":${a},"type":"text_delta"},"x":${b}}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(literal, literal)
      .map(([a, b]) => `{"type":"content_block_delta","delta":{"type":"text_delta","text":${a},${b}:1}}`),
  },
  { weight: 1, arbitrary: fc.string() },
)

const { replacePadding } = new OpenAIDecoder()
/** An event that ends in a string: padding, or the type of the event. */
const ending = fc
  .tuple(literal, fc.constantFrom('"x"', '"type"'), fc.constantFrom('""', '"a"', '"b+/="', '"\\u0061"', '"content_block_delta"', '"ping"'))
  .map(
    ([text, key, end]) =>
      `{${key === '"x"' ? '"type":"content_block_delta",' : ''}"delta":{"type":"text_delta","text":${text}},${key}:${end}}`,
  )

describe('speculation()', () => {
  test('returns the text that JSON.parse finds, or undefined, for any events', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 12 }), (events) => {
        speculated(events).forEach((known, i) => {
          if (known !== undefined) expect(known).toBe(textOf(events[i] ?? ''))
        })
      }),
      { numRuns: 3_000 },
    )
  })

  test('returns the text that JSON.parse finds, or undefined, with random padding', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: ending }, event), { maxLength: 12 }), (events) => {
        speculated(events, replacePadding).forEach((known, i) => {
          if (known !== undefined) expect(known).toBe(textOf(events[i] ?? ''))
        })
      }),
      { numRuns: 3_000 },
    )
  })

  test('reads every event after the template, with any padding', () => {
    const events = ['k3Jd9', '', 'Qz7', 'k3Jd9+/='].map((pad) => `${delta('"a"').slice(0, -1)},"obfuscation":"${pad}"}`)
    expect(speculated(events, replacePadding)).toEqual([undefined, 'a', 'a', 'a'])
    expect(
      speculated(
        ['', 'x', ''].map((pad) => delta('"a"', { pad: pad && ' ' })),
        replacePadding,
      ),
    ).toEqual([undefined, undefined, 'a'])
  })

  test('does not take the type of an event for padding', () => {
    const last = (type: string): string => `{"delta":{"type":"text_delta","text":"a"},"type":"${type}"}`
    expect(speculated([last('content_block_delta'), last('ping'), last('content_block_delta')], replacePadding)).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('ignores the first event, so that the first token does not wait for probes', () => {
    const shape = speculation(textOf)
    const event = delta('"a"')
    shape.addTemplate(event, 'a')
    expect(shape.readText(event)).toBeUndefined()
    shape.addTemplate(event, 'a')
    expect(shape.readText(event)).toBe('a')
  })

  test('reads every event after the template, with escapes too', () => {
    const events = ['"Hello"', '", world"', '"\\n\\u00e9\\""', '""', '"🌍"'].map((literal) => delta(literal))
    expect(speculated(events)).toEqual([undefined, ', world', '\né"', '', '🌍'])
  })

  test('reads events with endings that it has parsed before', () => {
    const events = ['', '  ', '', '  '].map((pad) => delta('"a"', { pad }))
    expect(speculated(events)).toEqual([undefined, undefined, 'a', 'a'])
  })

  test('returns undefined for other deltas, other indexes and invalid JSON', () => {
    const first = delta('"a"')
    const others = [
      delta('"b"', { index: 1 }),
      delta('"b"', { type: 'thinking_delta' }),
      `${first}x`,
      first.slice(0, -3),
      delta('"\n"'),
      delta('"\\x"'),
    ]
    for (const other of others) expect(speculated([first, other])).toEqual([undefined, undefined])
  })

  test('does not combine the endings of two templates', () => {
    const other = '{"delta":{"type":"text_delta","text":"b"},"type":"content_block_delta"}'
    expect(speculated([delta('"a"'), other, '{"delta":{"type":"text_delta","text":"c"}}'])).toEqual([undefined, undefined, undefined])
  })

  test('is exact for a text that looks like a key', () => {
    const twice = (a: string, b: string): string =>
      `{"type":"content_block_delta","delta":{"type":"text_delta","text":"${a}","${b}":"\\u0074ext"}}`
    expect(speculated([twice('1', 'text'), twice('1', 'foo')])).toEqual([undefined, undefined])
  })

  test('stops learning if no two events share a template', () => {
    let parsed = 0
    const shape = speculation((data) => {
      parsed++
      return textOf(data)
    })
    for (let index = 0; index < 1_000; index++) shape.addTemplate(delta('"a"', { index }), 'a')
    expect(parsed).toBeLessThan(50)
  })
})
