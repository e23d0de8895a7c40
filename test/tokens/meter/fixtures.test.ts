import type { FaultyAnswer } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { answerOf, metered, read, recordOf, stable, urlOf } from '../../contracts/meter.ts'
import { type Fixture, fixtures } from '../../support/fixtures.ts'

describe.each(fixtures.map((each) => [each.name, each] as const))('%s', (_, each: Fixture) => {
  test('has the same single record whole, byte by byte, and cut at every byte', async () => {
    const { bytes, expected } = each
    const cuts = Array.from(bytes, (_, at): FaultyAnswer => ({ body: [bytes.slice(0, at), bytes.slice(at)] }))
    const answers: readonly FaultyAnswer[] = [{}, { split: 'events' }, { split: 'bytes' }, { split: 7 }, ...cuts]
    const { fetch, records } = metered((_, index) => answerOf(each, answers[index]))
    for (let index = 0; index < answers.length; index++) await read(await fetch(urlOf(expected), { method: 'POST', body: '{}' }))
    const right = recordOf(each)
    expect(records).toHaveLength(answers.length)
    expect(records[0] && stable(records[0])).toEqual(right)
    const distinct = new Set(records.map((record) => JSON.stringify(stable(record))))
    expect([...distinct].map((record): unknown => JSON.parse(record))).toEqual([right])
    // Up to 5,439 answers.
  }, 60_000)
})
