import type { Run, RunEvent } from 'chaintap'
import type { LogRecord, RulesOptions } from 'chaintap/log'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRules } from '../../../src/log/redact.ts'
import { SegmentBuilder } from '../../../src/log/segment/builder.ts'
import { SegmentEncoder } from '../../../src/log/segment/encoder.ts'
import { RunRegistry, SegmentReader } from '../../../src/log/segment/reader.ts'
import { type Segment, toSortableNumber } from '../../../src/log/segment/segment.ts'
import { run, said } from '../../contracts/log-store.ts'

/** The segments of these records, sealed after each of the cuts. */
function segmentsOf(records: readonly LogRecord[], cuts: readonly number[] = [], options: RulesOptions = {}): readonly Segment[] {
  const segments: Segment[] = []
  const rules = createRules(options)
  const sealer = new SegmentEncoder()
  const builder = new SegmentBuilder({}, (draft) => segments.push(sealer.encode(draft)))
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
  test('have 500 lines at most, and 256 KB, whatever is in them', { timeout: 30_000 }, () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40_000), fc.constantFrom('x', 'é', '漢')), { minLength: 1, maxLength: 60 }), (texts) => {
        const segments = segmentsOf([
          ...texts.map(([length, letter]) => said(letter.repeat(length))),
          ...Array.from({ length: 700 }, () => said('')),
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

  test('a record that is longer has one of its own', () => {
    const segments = segmentsOf([said('before'), said('x'.repeat(200_000)), said('after')])
    expect(segments.map(({ head }) => head.records)).toEqual([1, 1, 1])
  })

  test('tell a run whole in its start alone, and where that is', () => {
    const segments = segmentsOf([start, ...tokens(3), ...tokens(2)], [0, 2])
    expect(segments.map(({ body }) => body.split('"metadata"').length - 1)).toEqual([1, 0, 0])
    const name = segments[0]?.head.name
    expect(segments.map(({ head }) => head.elsewhere)).toEqual([[], [['model', name]], [['model', name]]])
    expect(segments.map(({ head }) => [head.runs, head.roots])).toEqual([1, 2, 3].map(() => [['model'], ['model']]))
  })

  test('join the tokens of a run to one line, some 12 bytes a token beside its text', () => {
    const [segment] = segmentsOf([start, ...tokens(200)])
    expect(segment?.head.records).toBe(201)
    expect(segment?.body.split('\n')).toHaveLength(2)
    const text = tokens(200).reduce((sum, event) => sum + (event.type === 'token' ? event.token.length : 0), 0)
    expect((segment?.body.length ?? 0) - text).toBeLessThan(200 * 16 + 300)
  })

  test('give joined tokens back with their texts, times and numbers, among others in their places', { timeout: 30_000 }, () => {
    const step = fc.record({ from: fc.nat(2), text: fc.string({ unit: 'binary', maxLength: 3 }), at: fc.integer({ min: -9, max: 9 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.array(fc.nat(80)), (steps, cuts) => {
        const runs = [run('a'), run('b'), undefined]
        const records = steps.map(({ from, text, at }, seq): LogRecord => {
          const of = runs[from]
          return of ? { run: of, at, seq, type: 'token', token: text } : said(text, { at })
        })
        const book = new RunRegistry()
        const readers = segmentsOf(records, cuts).map((segment) => new SegmentReader({ ...segment, cursorPrefix: '' }, book))
        const again = readers.flatMap((reader) => Array.from({ length: reader.size }, (_, i) => reader.get(i)))
        expect(again.map((record) => record && ('event' in record ? record.event : said(record.message, { at: record.at })))).toEqual(
          records.map((record) => ('run' in record ? record : said(record.message, { at: record.at ?? 0 }))),
        )
      }),
    )
  })

  test('join nothing that would not come back exactly', () => {
    const odd: RunEvent[] = [
      { run: model, at: 0.1, seq: 1, type: 'token', token: 'a' },
      { run: model, at: 0.3, seq: 2, type: 'token', token: 'x'.repeat(5_000) },
    ]
    const [segment] = segmentsOf([start, ...odd])
    const reader = readerOf(segment as Segment)
    expect([1, 2].map((i) => reader.get(i))).toMatchObject(odd.map((event) => ({ event })))
    expect(segment?.body).not.toContain('"tokens"')
  })

  test('that nobody understands are left out, record by record', () => {
    const [segment] = segmentsOf([said('one'), said('two'), said('three')])
    const body = segment?.body.replace('{"level":"info","at":1,"category":["test"],"message":"two"', '{"what":') ?? ''
    const reader = readerOf({ head: (segment as Segment).head, body })
    expect([0, 1, 2].map((i) => reader.get(i))).toMatchObject([{ message: 'one' }, undefined as never, { message: 'three' }])
  })

  test('joined tokens that are broken are as many as there are', () => {
    const [segment] = segmentsOf([start, ...tokens(2)])
    const body = segment?.body.replace(/"tokens":\[\d+,0,0,0,\d+.*?\]/, '"tokens":[1,0,0,0,2]') ?? ''
    const reader = readerOf({ head: (segment as Segment).head, body })
    expect([1, 2].map((i) => reader.get(i))).toMatchObject([{ event: { token: 't' } }, undefined as never])
  })
})

describe('names and places', () => {
  test('no two writers have the same', () => {
    const names = Array.from({ length: 500 }, () => segmentsOf([said('x'), said('y')], [0]).map(({ head }) => head.name)).flat()
    expect(new Set(names).size).toBe(1_000)
  })

  test('numbers sort as text', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        expect(toSortableNumber(a, 8) < toSortableNumber(b, 8)).toBe(a < b)
      }),
    )
  })
})
