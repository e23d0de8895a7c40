import { createParser } from 'eventsource-parser'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyEventReader } from '../../../src/tokens/meter/event-reader.ts'
import { framingForContentType } from '../../../src/tokens/meter/framing.ts'
import type { ResponseState } from '../../../src/tokens/meter/response-state.ts'

/** The JSON of all events in these chunks. */
function dataIn(type: string, chunks: readonly Uint8Array[]): readonly string[] {
  const framing = framingForContentType(type, false)
  if (!framing) throw new Error(`${type} has no framing`)
  const all: string[] = []
  const answer = { isOver: false, weight: 0, addEvent: (data: string) => void all.push(data) } as unknown as ResponseState
  const reader = new BodyEventReader(framing, answer)
  for (const chunk of chunks) reader.feed(chunk)
  return all
}

function cutUp(text: string, cuts: readonly number[]): readonly Uint8Array[] {
  const bytes = new TextEncoder().encode(text)
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, index) => bytes.slice(at[index], end))
}

const cuts = fc.array(fc.nat(), { maxLength: 20 })

test('sseFraming() follows the HTML standard', () => {
  const words = [
    'data',
    'data:',
    'data: ',
    'data:x',
    ' data:y',
    'data: é世🌍',
    'event: e',
    'id: 1',
    'id',
    ': comment',
    'retry: 10',
    'Data: z',
    'x: 1',
  ]
  const parts = fc.array(fc.oneof(fc.constantFrom(...words), fc.constantFrom('\n', '\r', '\r\n', '\n\n', '\r\n\r\n', '\u2028')), {
    maxLength: 60,
  })
  fc.assert(
    fc.property(parts, fc.boolean(), cuts, (given, hasMark, at) => {
      const text = (hasMark ? '\uFEFF' : '') + given.join('')
      const expected: string[] = []
      createParser({ onEvent: ({ data }) => void (data !== '' && expected.push(data)) }).feed(text)
      expect(dataIn('text/event-stream', cutUp(text, at))).toEqual(expected)
    }),
    { numRuns: 500 },
  )
})

test('jsonFraming() finds top-level objects, in an array or not', () => {
  fc.assert(
    fc.property(
      fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 6 }),
      fc.boolean(),
      fc.constantFrom(0, 2),
      cuts,
      (all, isArray, indent, at) => {
        const text = isArray ? JSON.stringify(all, null, indent) : all.map((each) => JSON.stringify(each, null, indent)).join('\n')
        expect(dataIn('application/json', cutUp(text, at)).map((data): unknown => JSON.parse(data))).toEqual(
          JSON.parse(JSON.stringify(all)),
        )
      },
    ),
  )
})

test.each([
  ['text/event-stream', true],
  ['Text/Event-Stream;charset=utf-8', true],
  ['application/json', true],
  ['application/problem+json', true],
  ['application/x-ndjson; charset=utf-8', true],
  ['application/jsonl', true],
  ['application/vnd.amazon.eventstream', true],
  ['text/plain', false],
  ['application/json-patch', false],
  ['application/octet-stream', false],
  [null, false],
])('framingForContentType(%s) has a framing: %s', (type, may) => {
  expect(framingForContentType(type, false) !== undefined).toBe(may)
})

test.each([
  ['text/plain', true],
  ['application/octet-stream', true],
  [null, true],
  ['text/html', false],
  ['image/png', false],
])('framingForContentType(%s) of a model’s URL has a framing: %s', (type, may) => {
  expect(framingForContentType(type, true) !== undefined).toBe(may)
})
