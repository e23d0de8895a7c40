import { lambda, transform } from 'chaintap'
import { recorder } from 'chaintap/testing'
import { expect, test } from 'vitest'
import { counted, readAll, Talker, turn } from '../../support/sources.ts'

const upper: Transformer<string, string> = { transform: (token, controller) => controller.enqueue(token.toUpperCase()) }
const tokens = (): Talker => new Talker([['a', 'b'], ['c']])

test('pipe(Transformer) transforms chunks, and calls start and flush', async () => {
  const chain = tokens().pipe<string>({
    start: (controller) => controller.enqueue('<'),
    transform: upper.transform as NonNullable<Transformer<string, string>['transform']>,
    flush: (controller) => controller.enqueue('>'),
  })
  expect((await readAll(chain.stream('x'))).chunks).toEqual(['<', 'A', 'B', 'C', '>'])
  expect(await chain.invoke('x')).toBe('<ABC>')
})

test('pipe(Transformer) without transform() passes chunks on; chunks that are objects fold to an array', async () => {
  expect(
    await tokens()
      .pipe<string>({ flush() {} })
      .invoke('x'),
  ).toBe('abc')
  expect(
    await tokens()
      .pipe<{ token: string }>({ transform: (token, c) => c.enqueue({ token }) })
      .invoke('x'),
  ).toEqual([{ token: 'a' }, { token: 'b' }, { token: 'c' }])
})

test('terminate() completes the steps after it and cancels those before it', async () => {
  const recorded = recorder()
  const talker = new Talker(() => counted([['a', 'b'], ['c']], { stall: true }))
  const first = talker
    .pipe<string>({
      transform: (token, c) => {
        c.enqueue(token)
        if (token === 'b') c.terminate()
      },
    })
    .pipe<string>(upper)
  expect(await readAll(first.stream('x', { callbacks: [recorded] }))).toEqual({ chunks: ['A', 'B'], error: undefined })
  recorded.check()
  expect(recorded.trace().slice(-4)).toEqual(['X Talker', 'E RunnableTransform', 'E RunnableTransform', 'E RunnableSequence'])
  expect(talker.last.cancels).toHaveLength(1)
})

test('controller.error() fails the run after the chunks that came before it', async () => {
  const failing = tokens().pipe<string>({ transform: (token, c) => (token === 'c' ? c.error(new Error('no c')) : c.enqueue(token)) })
  expect(await readAll(failing.stream('x'))).toMatchObject({ chunks: ['a', 'b'], error: { message: 'no c' } })
})

test('pipe(Transformer) calls cancel() when the reader leaves, in every engine', async () => {
  const cancels: unknown[] = []
  const chain = tokens().pipe<string>({ ...upper, cancel: (reason: unknown) => void cancels.push(reason) } as Transformer<string, string>)
  for await (const _ of chain.stream('x')) break
  expect(cancels).toHaveLength(1)
})

test('pipe(TransformStream) transforms chunks', async () => {
  expect((await readAll(tokens().pipe(new TransformStream(upper)).stream('x'))).chunks).toEqual(['A', 'B', 'C'])
})

test('pipe(TransformStream) throws stream_reused for a second run of the same instance, with the fix', async () => {
  const chain = tokens().pipe(new TransformStream(upper))
  await chain.invoke('x')
  await expect(chain.invoke('x')).rejects.toMatchObject({
    code: 'stream_reused',
    message: expect.stringContaining('transform(() => new TransformStream'),
  })
  const fresh = tokens().pipe(transform(() => new TransformStream(upper)))
  expect([await fresh.invoke('x'), await fresh.invoke('x')]).toEqual(['ABC', 'ABC'])
})

test('pipe(TransformStream) delivers the tokens that came before an error (P3)', async () => {
  const talker = new Talker(() => counted([['a', 'b']], { error: new Error('socket') }))
  const { chunks, error } = await readAll(talker.pipe(new TransformStream(upper)).stream('x'))
  expect(chunks).toEqual(['A', 'B'])
  expect(error).toMatchObject({ message: 'socket' })
})

test('a TransformStream that fails or terminates closes the source and every run (P1, P2)', async () => {
  for (const fail of [true, false]) {
    const recorded = recorder()
    const talker = new Talker(() => counted([['a'], ['b'], ['c']], { stall: true }))
    const stream = new TransformStream<string, string>({
      transform(token, c) {
        if (token !== 'b') c.enqueue(token)
        else if (fail) throw new Error('bad')
        else c.terminate()
      },
    })
    const { error } = await readAll(talker.pipe(stream).stream('x', { callbacks: [recorded] }))
    if (fail) expect(error).toMatchObject({ message: 'bad' })
    await turn()
    recorded.check()
    expect(recorded.open).toEqual([])
    expect(talker.last.cancels).toHaveLength(1)
  }
})

test('pipe(TransformStream) closes the source when the reader leaves (P2)', async () => {
  const talker = new Talker(() => counted([['a'], ['b'], ['c']]))
  for await (const _ of talker.pipe(new TransformStream<string, string>()).stream('x')) break
  expect(talker.last.cancels).toHaveLength(1)
})

test('a streaming step without chunks starts and ends when the chain completes, and never starts when the chain fails', async () => {
  const recorded = recorder()
  expect(await new Talker([]).pipe<string>(upper).invoke('x', { callbacks: [recorded] })).toEqual([])
  expect(recorded.trace()).toContain('S RunnableTransform<RunnableSequence')
  recorded.check()
  const failed = recorder()
  const broken = new Talker(() => counted([], { error: new Error('early') }))
  await expect(broken.pipe<string>(upper).invoke('x', { callbacks: [failed] })).rejects.toThrow('early')
  failed.check()
  expect(failed.trace()).not.toContain('S RunnableTransform<RunnableSequence')
})

test('recursionLimit limits how many levels deep runs call runs; the default is 25', async () => {
  const depthReached = async (recursionLimit: number | undefined): Promise<number> => {
    let deepest = 0
    const self = lambda(
      (): never => {
        deepest++
        return self as never
      },
      { name: 'self' },
    )
    await expect(self.invoke(undefined, recursionLimit === undefined ? {} : { recursionLimit })).rejects.toMatchObject({
      code: 'recursion_limit',
      message: expect.stringContaining('self'),
    })
    return deepest - 1
  }
  expect(await depthReached(3)).toBe(3)
  expect(await depthReached(4)).toBe(4)
  expect(await depthReached(undefined)).toBe(25)
})

test('recursionLimit applies to a runnable that invokes itself with its context', async () => {
  let calls = 0
  const self = lambda(
    async (x: number, context): Promise<number> => {
      calls++
      return self.invoke(x + 1, context)
    },
    { name: 'self' },
  )
  await expect(self.invoke(0, { recursionLimit: 7 })).rejects.toMatchObject({ code: 'recursion_limit' })
  expect(calls).toBe(8)
})

test('recursionLimit above the default applies to runs that invoke runs', async () => {
  let calls = 0
  const self = lambda(
    async (x: number, context): Promise<number> => {
      calls++
      return self.invoke(x + 1, context)
    },
    { name: 'self' },
  )
  await expect(self.invoke(0, { recursionLimit: 40 })).rejects.toMatchObject({ code: 'recursion_limit' })
  expect(calls).toBe(41)
})

test('invoke() with the context of a run that has ended throws run_ended', async () => {
  let endedContext: unknown
  const step = lambda((x: number, context) => {
    endedContext = context
    return x
  })
  await step.invoke(1)
  await expect((async () => step.invoke(1, endedContext as never))()).rejects.toMatchObject({ code: 'run_ended' })
})
