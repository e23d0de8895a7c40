import { type FaultyAnswer, faultyFetch } from 'chaintap/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { mutate, mutations } from '../support/fuzz/mutations.ts'
import { ends, expectSameCut, expectTyped, LIMIT_MS, type Reading, readResponse, runsOr } from '../support/fuzz/read.ts'
import { subjects } from '../support/fuzz/subjects.ts'

test.each(Object.entries(subjects))(
  '%s reads a damaged stream to an end: a whole answer, a truncated one or a ChaintapError, however it is cut',
  async (_, { create, streams, end }) => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), mutations, fc.integer({ min: 1, max: 40 }), async (base, list, cut) => {
        const body = mutate(streams[base % streams.length] ?? '', list)
        const read = (faulty: FaultyAnswer): Promise<Reading> =>
          readResponse(create(faultyFetch({ headers: { 'content-type': 'text/event-stream' }, ...faulty })), body)
        const { status } = await expectSameCut(read, body, cut)
        if (status === 'complete') expect(body).toMatch(end)
      }),
      runsOr(300),
    )
  },
  LIMIT_MS,
)

test.each(Object.entries(subjects))(
  '%s reads a damaged whole answer, or a refusal, to an output or a ChaintapError',
  async (_, { create, whole }) => {
    const refusal = JSON.stringify({ type: 'error', error: { type: 't', code: 'c', message: 'm' }, message: 'm', detail: [{ msg: 'm' }] })
    const bodies = [...whole, refusal]
    await fc.assert(
      fc.asyncProperty(fc.nat(), mutations, fc.constantFrom(200, 200, 400, 503), async (base, list, status) => {
        const body = mutate(bodies[base % bodies.length] ?? '', list)
        const output = create(faultyFetch({ status, body })).invoke('Hi')
        expectTyped(
          await ends(
            output.then(
              () => undefined,
              (error: unknown) => error,
            ),
            body,
          ),
          body,
        )
      }),
      runsOr(150),
    )
  },
  LIMIT_MS,
)
