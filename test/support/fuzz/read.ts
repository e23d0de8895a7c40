import { ChaintapError, type Runnable } from 'chaintap'
import { type FaultyAnswer, recorder } from 'chaintap/testing'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { readAll } from '../sources.ts'

// Impossible usage is reported there once per run.
beforeAll(() => void vi.stubGlobal('reportError', () => {}))
afterAll(() => void vi.unstubAllGlobals())

/** What a reader got from one response, in a form that can be compared. */
export interface Reading {
  readonly status: string
  readonly error: string | undefined
  readonly text: string
}

/** Only hangs take this long. */
const HANG_MS = 20_000

/** The time limit of a test, which `FAST_CHECK_RUNS` may make long. */
export const LIMIT_MS = 3_600_000

/** The number of damaged bodies per test: `FAST_CHECK_RUNS`, otherwise as many as take a second or less. */
export const runsOr = (usual: number): { readonly numRuns: number } => ({ numRuns: fc.readConfigureGlobal().numRuns ?? usual })

/** Fails if the work does not end. */
export async function ends<T>(work: Promise<T>, body: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No end for ${JSON.stringify(body)}`)), HANG_MS)
  })
  return Promise.race([work, hang]).finally(() => clearTimeout(timer))
}

/** Streams one response through a runnable: it ends, closes all of its runs, and fails with a ChaintapError only. */
export async function readResponse(runnable: Runnable<string, unknown, unknown>, body: string, isExpected?: IsExpected): Promise<Reading> {
  const record = recorder()
  const run = runnable.stream('Hi', { callbacks: [record] })
  const [{ chunks, error }, outcome] = await ends(Promise.all([readAll(run), run.outcome]), body)
  record.check()
  expectTyped(error, body, isExpected)
  return {
    status: outcome.status,
    error: error instanceof Error ? `${error.name}: ${error.message}` : undefined,
    // Ids of calls that the server did not give differ from run to run.
    text: JSON.stringify([outcome.status === 'complete' ? outcome.output : outcome.partial, outcome.usage, chunks.length > 0]).replaceAll(
      /call_[\da-f]{32}/g,
      'call_made',
    ),
  }
}

type IsExpected = (error: unknown) => boolean
const isChaintapError: IsExpected = (error) => error instanceof ChaintapError

/** Fails if an error is not one of chaintap's, such as a TypeError of the engine. */
export function expectTyped(error: unknown, body: string, isExpected: IsExpected = isChaintapError): void {
  if (error !== undefined && !isExpected(error)) throw new Error(`An untyped error for ${JSON.stringify(body)}`, { cause: error })
}

/** Expects the same reading, however the network cuts the bytes. */
export async function expectSameCut(read: (answer: FaultyAnswer) => Promise<Reading>, body: string, size: number): Promise<Reading> {
  const whole = await read({ body })
  expect(await read({ body, split: size }), JSON.stringify(body)).toEqual(whole)
  return whole
}
