import type { Run, RunEvent } from 'chaintap'
import type { LogRecord, RulesOptions } from 'chaintap/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRules } from '../../../src/log/redact.ts'
import { SegmentBuilder } from '../../../src/log/segment/builder.ts'
import { SegmentEncoder } from '../../../src/log/segment/encoder.ts'
import { RunRegistry, SegmentReader } from '../../../src/log/segment/reader.ts'
import { type Segment, toSortableNumber } from '../../../src/log/segment/segment.ts'
import { logMessage, run } from '../../contracts/log-store.ts'

/** Encodes records into segments, and finishes one after each index in `cuts`. */
function segmentsOf(records: readonly LogRecord[], cuts: readonly number[] = [], options: RulesOptions = {}): readonly Segment[] {
  const segments: Segment[] = []
  const rules = createRules(options)
  const encoder = new SegmentEncoder()
  const builder = new SegmentBuilder({}, (buffer) => segments.push(encoder.encode(buffer)))
  for (const [i, record] of records.entries()) {
    builder.add(record, rules)
    if (cuts.includes(i)) builder.finish()
  }
  builder.finish()
  return segments
}

const readerOf = (segment: Segment): SegmentReader => new SegmentReader({ ...segment, cursorPrefix: '' }, new RunRegistry())

const model = run('model', { kind: 'chat_model', metadata: { who: 'Ann' } })
const start: RunEvent = { run: model, at: 1, seq: 0, type: 'start', input: [] }
const tokens = (count: number, of: Run = model): RunEvent[] =>
  Array.from({ length: count }, (_, i) => ({ run: of, at: 5 + i * 3, seq: i + 1, type: 'token', token: `token ${i} ` }))

describe('segments', () => {
  test('a segment has at most 500 lines and 256 KB', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40_000), fc.constantFrom('x', 'é', '漢')), { minLength: 1, maxLength: 60 }), (texts) => {
        const segments = segmentsOf([
          ...texts.map(([length, letter]) => logMessage(letter.repeat(length))),
          ...Array.from({ length: 700 }, () => logMessage('')),
        ])
        expect(segments.reduce((sum, { head }) => sum + head.records, 0)).toBe(texts.length + 700)
        for (const { head, body } of segments) {
          expect(body.split('\n').length).toBeLessThanOrEqual(500)
          expect(head.bytes).toBeLessThanOrEqual(262_144)
          expect(head.bytes).toBe(/[^\0-\xff]/.test(body) ? body.length * 2 : body.length)
        }
      }),
      { numRuns: 30 },
    )
  })

  test('a longer record has a segment of its own', () => {
    const segments = segmentsOf([logMessage('before'), logMessage('x'.repeat(200_000)), logMessage('after')])
    expect(segments.map(({ head }) => head.records)).toEqual([1, 1, 1])
  })

  test('a Run object is written with its start only, and headers name its segment', () => {
    const segments = segmentsOf([start, ...tokens(3), ...tokens(2)], [0, 2])
    expect(segments.map(({ body }) => body.split('"metadata"').length - 1)).toEqual([1, 0, 0])
    const name = segments[0]?.head.name
    expect(segments.map(({ head }) => head.elsewhere)).toEqual([[], [['model', name]], [['model', name]]])
    expect(segments.map(({ head }) => [head.runs, head.roots])).toEqual([1, 2, 3].map(() => [['model'], ['model']]))
  })

  test('the tokens of a run are merged into one line, with about 12 bytes per token beside its text', () => {
    const [segment] = segmentsOf([start, ...tokens(200)])
    expect(segment?.head.records).toBe(201)
    expect(segment?.body.split('\n')).toHaveLength(2)
    const text = tokens(200).reduce((sum, event) => sum + (event.type === 'token' ? event.token.length : 0), 0)
    expect((segment?.body.length ?? 0) - text).toBeLessThan(200 * 16 + 300)
  })

  test('merged tokens are read with their text, `at` and `seq`, in their places among other records', { timeout: 30_000 }, () => {
    const step = fc.record({ from: fc.nat(2), text: fc.string({ unit: 'binary', maxLength: 3 }), at: fc.integer({ min: -9, max: 9 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.array(fc.nat(80)), (steps, cuts) => {
        const runs = [run('a'), run('b'), undefined]
        const records = steps.map(({ from, text, at }, seq): LogRecord => {
          const of = runs[from]
          return of ? { run: of, at, seq, type: 'token', token: text } : logMessage(text, { at })
        })
        const registry = new RunRegistry()
        const readers = segmentsOf(records, cuts).map((segment) => new SegmentReader({ ...segment, cursorPrefix: '' }, registry))
        const again = readers.flatMap((reader) => Array.from({ length: reader.size }, (_, i) => reader.get(i)))
        expect(again.map((record) => record && ('event' in record ? record.event : logMessage(record.message, { at: record.at })))).toEqual(
          records.map((record) => ('run' in record ? record : logMessage(record.message, { at: record.at ?? 0 }))),
        )
      }),
    )
  })

  test('tokens that would not be restored exactly are not merged', () => {
    const odd: RunEvent[] = [
      { run: model, at: 0.1, seq: 1, type: 'token', token: 'a' },
      { run: model, at: 0.3, seq: 2, type: 'token', token: 'x'.repeat(5_000) },
    ]
    const [segment] = segmentsOf([start, ...odd])
    const reader = readerOf(segment as Segment)
    expect([1, 2].map((i) => reader.get(i))).toMatchObject(odd.map((event) => ({ event })))
    expect(segment?.body).not.toContain('"tokens"')
  })

  test('records that cannot be decoded are skipped one by one', () => {
    const [segment] = segmentsOf([logMessage('one'), logMessage('two'), logMessage('three')])
    const body = segment?.body.replace('{"level":"info","at":1,"category":["test"],"message":"two"', '{"what":') ?? ''
    const reader = readerOf({ head: (segment as Segment).head, body })
    expect([0, 1, 2].map((i) => reader.get(i))).toMatchObject([{ message: 'one' }, undefined as never, { message: 'three' }])
  })

  test('a damaged line of merged tokens yields the tokens that can be decoded', () => {
    const [segment] = segmentsOf([start, ...tokens(2)])
    const body = segment?.body.replace(/"tokens":\[\d+,0,0,0,\d+.*?\]/, '"tokens":[1,0,0,0,2]') ?? ''
    const reader = readerOf({ head: (segment as Segment).head, body })
    expect([1, 2].map((i) => reader.get(i))).toMatchObject([{ event: { token: 't' } }, undefined as never])
  })
})

describe('segment names and sort keys', () => {
  test('two writers never create the same name', () => {
    const names = Array.from({ length: 500 }, () => segmentsOf([logMessage('x'), logMessage('y')], [0]).map(({ head }) => head.name)).flat()
    expect(new Set(names).size).toBe(1_000)
  })

  test('toSortableNumber() sorts as text in numeric order', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        expect(toSortableNumber(a, 8) < toSortableNumber(b, 8)).toBe(a < b)
      }),
    )
  })
})
