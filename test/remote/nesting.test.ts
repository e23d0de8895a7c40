import type { Run, RunEvent } from 'chaintap'
import { decoder, parse } from 'chaintap/json'
import { RemoteRunnable } from 'chaintap/remote'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readAll } from '../support/sources.ts'

const runOf = (i: number): Run => ({
  id: `r${i}`,
  parentId: i === 0 ? undefined : `r${i - 1}`,
  rootId: 'r0',
  name: 'x',
  kind: 'chain',
  tags: [],
  metadata: {},
})

const frame = (event: Readonly<Record<string, unknown>>, seq: number): string =>
  `event: ${String(event.type)}\nid: ${seq}\ndata: ${JSON.stringify({ at: 1, seq, ...event })}\n\n`

/** Reads a response of runs nested in one another, which a server ends or not. */
async function readNested(depth: number, isComplete: boolean) {
  const starts = Array.from({ length: depth }, (_, i) => ({ type: 'start', run: runOf(i), input: 1 }))
  const ends = isComplete ? starts.toReversed().map(({ run }) => ({ type: 'end', run: run.id, output: 1 })) : []
  const body =
    [...starts, ...ends].map(frame).join('') + (isComplete ? 'event: outcome\ndata: {"status":"complete","durationMs":1}\n\n' : '')
  const fetch = async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  const open: string[] = []
  const faults: string[] = []
  const onEvent = ({ type, run }: RunEvent): void => {
    if (type === 'start') open.push(run.id)
    // Children before parents: the newest open run ends first.
    if ((type === 'end' || type === 'error') && open.pop() !== run.id) faults.push(run.id)
  }
  const run = new RemoteRunnable('https://app.example', { fetch }).stream(1, { callbacks: [onEvent] })
  const { error } = await readAll(run)
  return { error, outcome: await run.outcome, open, faults }
}

test('up to 1,000 runs nested in one another by a server start and end as the server says', async () => {
  expect(await readNested(1_000, true)).toMatchObject({ error: undefined, outcome: { status: 'complete' }, open: [], faults: [] })
})

test('more than 1,000 nested runs fail the call with a ChaintapError, and each run ends once, children first (P1)', async () => {
  const depths = fc.oneof(fc.integer({ min: 1_001, max: 1_010 }), fc.integer({ min: 1_001, max: 20_000 }))
  await fc.assert(
    fc.asyncProperty(depths, fc.boolean(), async (depth, isComplete) => {
      const { error, outcome, open, faults } = await readNested(depth, isComplete)
      expect(error).toMatchObject({ name: 'ChaintapError', code: 'wire', message: expect.stringContaining('1000 runs') })
      expect(outcome).toMatchObject({ status: 'failed', error })
      expect([...open, ...faults]).toEqual([])
    }),
    { numRuns: 8 },
  )
})

test.each(['at', 'seq', 'type', 'run', 'token'])('decoder() reports data of any depth in the field %s as invalid_json', (field) => {
  const event = JSON.stringify({ at: 1, seq: 0, type: 'token', token: 't', run: runOf(0), [field]: 'DEEP' })
  for (const depth of [10, 100_000])
    for (const deep of ['['.repeat(depth) + ']'.repeat(depth), `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`])
      expect(() => decoder()(event.replace('"DEEP"', deep))).toThrow(expect.objectContaining({ code: 'invalid_json' }))
})

test('parse() reports a marker of any depth as invalid_json', () => {
  expect(() => parse(`{"$":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)).toThrow(expect.objectContaining({ code: 'invalid_json' }))
})
