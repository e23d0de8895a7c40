import { type Listener, lambda, parallel } from 'chaintap'
import { expect, test } from 'vitest'
import { counted, readAll, Talker, turn } from '../../support/sources.ts'

const many = (count: number): string[][] => Array.from({ length: count }, (_, i) => [`${i}a`, `${i}b`])

test('an idle reader of any kind leaves at most one source chunk read ahead (P6)', async () => {
  const readers: Readonly<Record<string, (talker: Talker) => Promise<unknown>>> = {
    stream: (talker) => talker.stream('x').getReader().read(),
    iterator: (talker) => talker.stream('x')[Symbol.asyncIterator]().next(),
    batches: (talker) => talker.stream('x').batches().getReader().read(),
    events: (talker) => talker.events('x')[Symbol.asyncIterator]().next(),
    'events of a chain that folds': (talker) =>
      talker
        .pipe((text) => text)
        .events('x')
        [Symbol.asyncIterator]()
        .next(),
    'a branch of a map': (talker) => parallel({ talker }).stream('x')[Symbol.asyncIterator]().next(),
    'a TransformStream': (talker) => talker.pipe(new TransformStream<string, string>()).stream('x')[Symbol.asyncIterator]().next(),
  }
  for (const [reader, read] of Object.entries(readers)) {
    const talker = new Talker(() => counted(many(50)))
    await read(talker)
    await turn(5)
    const pulls = talker.sources.length === 0 ? 0 : talker.last.pulls()
    expect({ reader, pulls: pulls <= 2 }).toEqual({ reader, pulls: true })
  }
})

test('a handler that returns a promise slows the source (P6)', async () => {
  const talker = new Talker(() => counted(many(20)))
  let ahead = 0
  let handled = 0
  const slow: Listener = async (event) => {
    if (event.type !== 'token') return
    await turn(1)
    handled++
    ahead = Math.max(ahead, talker.last.pulls() - Math.ceil(handled / 2))
  }
  expect(await talker.invoke('x', { callbacks: [slow] })).toBe(many(20).flat().join(''))
  expect(handled).toBe(40)
  expect(ahead).toBeLessThanOrEqual(1)
})

test('a slow transform() delays the source and keeps the order of its chunks (P6)', async () => {
  const talker = new Talker(() => counted(many(10)))
  const slow = talker.pipe<string>({
    async transform(token, controller) {
      await turn(Number.parseInt(token, 10) % 2)
      controller.enqueue(token)
    },
  })
  expect((await readAll(slow.stream('x'))).chunks).toEqual(many(10).flat())
})

test('a step that enqueues too many chunks for a busy step fails with queue_overflow and the remedy (P6)', async () => {
  const flood = lambda((x: string) => x)
    .pipe<string>({
      transform: (chunk, controller) => {
        for (let i = 0; i < 70_000; i++) controller.enqueue(chunk)
      },
    })
    .pipe<string>({ transform: async () => {} })
  await expect(flood.stream('x').drain()).rejects.toMatchObject({ code: 'queue_overflow', message: expect.stringMatching(/promise/) })
})

test('maxConcurrency limits the concurrent branches of parallel() and items of batch()', async () => {
  let open = 0
  let most = 0
  const step = lambda(async (x: number) => {
    most = Math.max(most, ++open)
    await turn(1)
    open--
    return x
  })
  await parallel({ a: step, b: step, c: step, d: step }).invoke(1, { maxConcurrency: 2 })
  expect(most).toBe(2)
  most = 0
  await step.batch([1, 2, 3, 4, 5], { maxConcurrency: 3 })
  expect(most).toBe(3)
})

test('a stream of 200,000 chunks does not fail without a request for its output', async () => {
  const talker = new Talker(() => counted(long()))
  let count = 0
  for await (const _ of talker.stream('x')) count++
  expect(count).toBe(200_000)
})
function* long(): Generator<string[]> {
  for (let i = 0; i < 2_000; i++) yield Array.from({ length: 100 }, () => 'token ')
}
