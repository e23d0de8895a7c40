import { meter, type UsageRecord } from 'chaintap/meter'
import { faultyFetch } from 'chaintap/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { urlOf } from '../contracts/meter.ts'
import { fixtures } from '../support/fixtures.ts'
import { mutate, mutations } from '../support/fuzz/mutations.ts'
import { ends, LIMIT_MS, runsOr } from '../support/fuzz/read.ts'

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const options = { onDiagnostic: () => {} }

/** Without what differs from call to call. */
const comparable = (record: UsageRecord): object => ({ ...record, durationMs: 0 })

test.each(fixtures.filter(({ bytes }) => !decoder.decode(bytes).includes('\uFFFD')).map((fixture) => [fixture.name, fixture] as const))(
  'meter() passes a damaged %s through unchanged and has one record of it, however it is cut',
  async (_, { bytes, expected }) => {
    const text = decoder.decode(bytes)
    await fc.assert(
      fc.asyncProperty(mutations, fc.integer({ min: 1, max: 40 }), async (list, split) => {
        const body = mutate(text, list)
        const records: UsageRecord[] = []
        for (const cut of [{}, { split }]) {
          const fetch = meter(
            faultyFetch({ body, headers: { 'content-type': expected.contentType }, ...cut }),
            (record) => void records.push(record),
            options,
          )
          const response = await fetch(urlOf(expected), { method: 'POST', body: '{}' })
          const received = await ends(response.arrayBuffer(), body)
          expect(received).toEqual(new TextEncoder().encode(body).buffer)
        }
        expect(records).toHaveLength(2)
        const [whole, cutUp] = records.map(comparable)
        expect(cutUp, JSON.stringify(body)).toEqual(whole)
      }),
      runsOr(60),
    )
  },
  LIMIT_MS,
)
