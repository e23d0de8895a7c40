import { ChaintapError, lambda } from 'chaintap'
import { recorder } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'

type Iterate = () => AsyncIterator<string> | Record<string, unknown>
const values = (next: () => unknown, rest: object = {}): Iterate => {
  return () => ({ next, ...rest })
}
const letters = () => {
  let left = 4
  return () => Promise.resolve(left-- > 0 ? { done: false, value: 'a' } : { done: true })
}

/** Iterators that break their contract, and the error that a full read throws; undefined if the read succeeds. */
const faulty: Readonly<Record<string, readonly [Iterate, string | undefined]>> = {
  'return() throws': [values(letters(), { return: () => fail('return') }), undefined],
  'return() rejects': [values(letters(), { return: () => Promise.reject(new Error('return')) }), undefined],
  'return() never settles': [values(letters(), { return: () => new Promise(() => {}) }), undefined],
  'a getter named return throws': [() => Object.defineProperty({ next: letters() }, 'return', { get: () => fail('getter') }), undefined],
  'next() throws': [values(() => fail('next')), 'next'],
  'next() resolves with undefined': [values(() => Promise.resolve(undefined)), 'The iterator of faulty returned undefined from next()'],
  'next() returns a string': [values(() => 'a'), 'The iterator of faulty returned a string from next()'],
  'next() resolves with null after two values': [
    () => {
      let left = 2
      return { next: () => Promise.resolve(left-- > 0 ? { done: false, value: 'a' } : null) }
    },
    'The iterator of faulty returned null from next()',
  ],
}

function fail(message: string): never {
  throw new Error(message)
}

const ways: Readonly<Record<string, (run: ReadableStream<string> & AsyncIterable<string> & { stop(): void }) => Promise<unknown>>> = {
  'reading to the end': async (run) => {
    for await (const _ of run);
  },
  break: async (run) => {
    for await (const _ of run) break
  },
  'stop()': async (run) => {
    for await (const _ of run) run.stop()
  },
  'cancel()': async (run) => {
    const reader = run.getReader()
    await reader.read()
    await reader.cancel()
  },
}

describe.each(Object.entries(faulty))('an iterator whose %s', (_, [iterate, message]) => {
  test.each(Object.entries(ways))('ends every run once, left by %s, with no unhandled rejection (P1)', async (way, leave) => {
    const events = recorder()
    const step = lambda(() => ({ [Symbol.asyncIterator]: iterate }) as AsyncIterable<string>, { name: 'faulty' })
    const run = step.pipe(lambda((text: string) => text)).stream(undefined, { callbacks: [events] })
    const alone = step.stream(undefined, { callbacks: [events] })
    for (const stream of [run, alone]) {
      const error = await leave(stream).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (way === 'reading to the end' && message !== undefined) expect(error).toMatchObject({ message: expect.stringContaining(message) })
      await stream.outcome
      await stream.flushed
    }
    expect(events.open).toEqual([])
  })
})

test('an iterator without result objects fails its run with invalid_input, which names the step and what to return', async () => {
  const step = lambda(() => ({ [Symbol.asyncIterator]: () => ({ next: () => 7 }) }) as unknown as AsyncIterable<string>, {
    name: 'counter',
  })
  const error = await step.invoke(undefined).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ChaintapError)
  expect(error).toMatchObject({
    code: 'invalid_input',
    message: 'The iterator of counter returned a number from next(). It must return { done, value } or a promise of it.',
  })
})
