import { JsonOutputParser, lambda, TruncatedError, UserStop } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { TokenCounter } from 'chaintap/tokens'
import { expect, test } from 'vitest'
import { counted, readAll, Talker, turn } from '../../support/sources.ts'

test('stream() starts nothing before the first read; stop() then gives the outcome `aborted` without an event', async () => {
  const recorded = recorder()
  const talker = new Talker([['a']])
  const run = talker.stream('x', { callbacks: [recorded] })
  await turn()
  expect(talker.sources).toEqual([])
  run.stop()
  expect(await run.outcome).toMatchObject({ status: 'aborted', error: expect.any(UserStop), partial: undefined })
  await run.flushed
  expect(recorded.events).toEqual([])
  expect(await readAll(run)).toEqual({ chunks: [], error: undefined })
})

test('cancel() before the first read gives the outcome `aborted` without an event', async () => {
  const recorded = recorder()
  const run = new Talker([['a']]).stream('x', { callbacks: [recorded] })
  await run.cancel()
  expect(await run.outcome).toMatchObject({ status: 'aborted' })
  await run.flushed
  expect(recorded.events).toEqual([])
})

test('outcome of a completed run has output, usage and times', async () => {
  const run = scriptedModel([{ tokens: ['a', 'b'], usage: { inputTokens: 3, outputTokens: 2 } }]).stream('x')
  await run.drain()
  expect(await run.outcome).toMatchObject({
    status: 'complete',
    output: { role: 'assistant', content: 'ab' },
    usage: { inputTokens: 3, outputTokens: 2, requests: 1, source: 'provider' },
    firstTokenMs: expect.any(Number),
    durationMs: expect.any(Number),
  })
})

test('an input of 0 at the end does not replace a positive one; other figures are the last ones (P8)', async () => {
  const usages = [
    { inputTokens: 25, outputTokens: 1, totalTokens: 26, cacheReadTokens: 4 },
    { inputTokens: 0, outputTokens: 15, totalTokens: 15, cacheReadTokens: 0 },
  ]
  const run = scriptedModel([['a', ...usages.map((usage) => ({ type: 'usage', usage }) as const)]]).stream('x')
  await run.drain()
  expect((await run.outcome).usage).toMatchObject({ inputTokens: 25, outputTokens: 15, totalTokens: 40, cacheReadTokens: 0 })
  const zero = scriptedModel([['a', { type: 'usage', usage: { inputTokens: 0, outputTokens: 0 } }]]).stream('x')
  await zero.drain()
  expect((await zero.outcome).usage).toMatchObject({ inputTokens: 0, outputTokens: 0, totalTokens: 0 })
})

test('outcome.usage is undefined if the model reported none (P8)', async () => {
  const run = scriptedModel([['a']]).stream('x')
  await run.drain()
  expect((await run.outcome).usage).toBeUndefined()
})

test('outcome of a stopped run has the partial output, and usage with source `partial`', async () => {
  const model = scriptedModel([
    [
      { type: 'usage', usage: { inputTokens: 7 } },
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ],
  ])
  const run = model.stream('x')
  for await (const delta of run) if (delta.type === 'text') break
  expect(await run.outcome).toMatchObject({
    status: 'aborted',
    error: expect.any(UserStop),
    partial: { content: 'a' },
    usage: { inputTokens: 7, source: 'partial' },
  })
})

test('a truncated response is delivered, then TruncatedError is thrown, and outcome.status is `truncated`', async () => {
  const cut = new TruncatedError()
  const run = new Talker(() => counted([['a']], { error: cut })).stream('x')
  expect(await readAll(run)).toEqual({ chunks: ['a'], error: cut })
  expect(await run.outcome).toMatchObject({ status: 'truncated', error: cut, partial: 'a' })
})

test('outcome has the output when it is read late; above 512 K characters it throws output_not_kept, unless it was read before', async () => {
  const late = new Talker([['a'], ['b']]).stream('x')
  for await (const _ of late) void _
  expect(await late.outcome).toMatchObject({ output: 'ab' })
  const big = Array.from({ length: 600 }, () => ['y'.repeat(1_000)])
  const unasked = new Talker(big).stream('x')
  for await (const _ of unasked) void _
  expect(() => unasked.outcome).toThrow(/before reading/)
  const asked = new Talker(big).stream('x')
  const { outcome } = asked
  for await (const _ of asked) void _
  expect(await outcome).toMatchObject({ status: 'complete', output: 'y'.repeat(600_000) })
})

test('RunStream throws stream_taken when it is read in a second way', async () => {
  const talker = new Talker([['a']])
  const read = talker.stream('x')
  await read.getReader().read()
  expect(() => read[Symbol.asyncIterator]()).toThrow(expect.objectContaining({ code: 'stream_taken' }))
  expect(() => read.batches()).toThrow(expect.objectContaining({ code: 'stream_taken' }))
  const iterated = talker.stream('x')
  await iterated[Symbol.asyncIterator]().next()
  expect(() => iterated.batches()).toThrow(expect.objectContaining({ code: 'stream_taken' }))
  await expect(iterated.getReader().read()).rejects.toMatchObject({ code: 'stream_taken' })
  await expect(iterated.drain()).rejects.toMatchObject({ code: 'stream_taken' })
})

test('batches() yields a batch per wire chunk; the stream and the iterator yield each chunk', async () => {
  const talker = new Talker([['a', 'b'], ['c']])
  const batches: unknown[] = []
  const reader = talker.stream('x').batches().getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) batches.push(read.value)
  expect(batches).toEqual([['a', 'b'], ['c']])
  expect((await readAll(talker.stream('x'))).chunks).toEqual(['a', 'b', 'c'])
})

test('next() calls that are made before the first resolves are answered in order', async () => {
  const iterator = new Talker([['a', 'b'], ['c']]).stream('x')[Symbol.asyncIterator]()
  const reads = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()])
  expect(reads.map((read) => read.value)).toEqual(['a', 'b', 'c', undefined])
})

test('flushed resolves when the handlers of the tree have processed all events and are flushed once; the end of the stream does not wait for it (P9)', async () => {
  const log: string[] = []
  let release = (): void => {}
  const handler = {
    onChainEnd: () => void log.push('end'),
    flush: () =>
      new Promise<void>((resolve) => {
        release = () => {
          log.push('flushed')
          resolve()
        }
      }),
  }
  const waited: Promise<unknown>[] = []
  const run = lambda((x: number) => x)
    .pipe((x) => x)
    .stream(1, { callbacks: [handler], waitUntil: (work) => waited.push(work) })
  await run.drain()
  expect(log).toEqual(['end', 'end', 'end'])
  expect(waited).toHaveLength(1)
  await turn()
  release()
  await Promise.all([run.flushed, ...waited])
  expect(log).toEqual(['end', 'end', 'end', 'flushed'])
})

test('outcome has a bounded output when it is read late, after any number of chunks', async () => {
  const run = new Talker([['{"a":"', ...Array<string>(9_000).fill('x'), '"}']]).pipe(new JsonOutputParser()).stream('x')
  const { chunks } = await readAll(run)
  expect(chunks.length).toBeGreaterThan(8_192)
  expect(await run.outcome).toMatchObject({ status: 'complete', output: { a: 'x'.repeat(9_000) } })
})

test.each([
  [{ inputTokens: 3, outputTokens: 2 }, 5],
  [{ inputTokens: 3, outputTokens: 2, totalTokens: 9 }, 9],
  [{ inputTokens: 3 }, undefined],
  [{ inputTokens: 0, outputTokens: 0 }, 0],
])('a total that was not reported is the sum of its known parts: %j (P8)', async (usage, total) => {
  const model = scriptedModel([{ tokens: ['Hi'], usage }])
  const counter = new TokenCounter()
  const run = model.stream('Hello', { callbacks: [counter] })
  await run.drain()
  expect((await run.outcome).usage?.totalTokens).toBe(total)
  if (total !== undefined) expect(counter.totalTokens).toBe(total)
})
