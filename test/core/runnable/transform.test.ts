import { lambda, transform } from 'chaintap'
import { recorder } from 'chaintap/testing'
import { expect, test } from 'vitest'
import { counted, readAll, Talker, turn } from '../../support/sources.ts'

const upper: Transformer<string, string> = { transform: (token, controller) => controller.enqueue(token.toUpperCase()) }
const tokens = (): Talker => new Talker([['a', 'b'], ['c']])

test('a Transformer works on chunks, with start and flush', async () => {
  const chain = tokens().pipe<string>({
    start: (controller) => controller.enqueue('<'),
    transform: upper.transform as NonNullable<Transformer<string, string>['transform']>,
    flush: (controller) => controller.enqueue('>'),
  })
  expect((await readAll(chain.stream('x'))).chunks).toEqual(['<', 'A', 'B', 'C', '>'])
  expect(await chain.invoke('x')).toBe('<ABC>')
})

test('a Transformer without transform passes chunks on, one that gives objects folds to an array', async () => {
  expect(await tokens().pipe<string>({}).invoke('x')).toBe('abc')
  expect(
    await tokens()
      .pipe<{ token: string }>({ transform: (token, c) => c.enqueue({ token }) })
      .invoke('x'),
  ).toEqual([{ token: 'a' }, { token: 'b' }, { token: 'c' }])
})

test('terminate() ends what comes after well, and cancels what comes before', async () => {
  const heard = recorder()
  const talker = new Talker(() => counted([['a', 'b'], ['c']], { stall: true }))
  const first = talker
    .pipe<string>({
      transform: (token, c) => {
        c.enqueue(token)
        if (token === 'b') c.terminate()
      },
    })
    .pipe<string>(upper)
  expect(await readAll(first.stream('x', { callbacks: [heard] }))).toEqual({ chunks: ['A', 'B'], error: undefined })
  heard.check()
  expect(heard.trace().slice(-4)).toEqual(['X Talker', 'E RunnableTransform', 'E RunnableTransform', 'E RunnableSequence'])
  expect(talker.last.cancels).toHaveLength(1)
})

test('controller.error() fails the run after what came before', async () => {
  const failing = tokens().pipe<string>({ transform: (token, c) => (token === 'c' ? c.error(new Error('no c')) : c.enqueue(token)) })
  expect(await readAll(failing.stream('x'))).toMatchObject({ chunks: ['a', 'b'], error: { message: 'no c' } })
})

test('a Transformer’s cancel is called when the reader leaves, in every engine', async () => {
  const cancels: unknown[] = []
  const chain = tokens().pipe<string>({ ...upper, cancel: (reason: unknown) => void cancels.push(reason) } as Transformer<string, string>)
  for await (const _ of chain.stream('x')) break
  expect(cancels).toHaveLength(1)
})

test('a TransformStream is a real pipe', async () => {
  expect((await readAll(tokens().pipe(new TransformStream(upper)).stream('x'))).chunks).toEqual(['A', 'B', 'C'])
})

test('a TransformStream instance serves one run, a second says what to write', async () => {
  const chain = tokens().pipe(new TransformStream(upper))
  await chain.invoke('x')
  await expect(chain.invoke('x')).rejects.toMatchObject({
    code: 'stream_reused',
    message: expect.stringContaining('transform(() => new TransformStream'),
  })
  const fresh = tokens().pipe(transform(() => new TransformStream(upper)))
  expect([await fresh.invoke('x'), await fresh.invoke('x')]).toEqual(['ABC', 'ABC'])
})

test('P3: through a TransformStream too, tokens that came before an error are delivered', async () => {
  const talker = new Talker(() => counted([['a', 'b']], { error: new Error('socket') }))
  const { chunks, error } = await readAll(talker.pipe(new TransformStream(upper)).stream('x'))
  expect(chunks).toEqual(['A', 'B'])
  expect(error).toMatchObject({ message: 'socket' })
})

test('P1, P2: a TransformStream that fails or terminates closes the source and every run', async () => {
  for (const fail of [true, false]) {
    const heard = recorder()
    const talker = new Talker(() => counted([['a'], ['b'], ['c']], { stall: true }))
    const stream = new TransformStream<string, string>({
      transform(token, c) {
        if (token !== 'b') c.enqueue(token)
        else if (fail) throw new Error('bad')
        else c.terminate()
      },
    })
    const { error } = await readAll(talker.pipe(stream).stream('x', { callbacks: [heard] }))
    if (fail) expect(error).toMatchObject({ message: 'bad' })
    await turn()
    heard.check()
    expect(heard.open).toEqual([])
    expect(talker.last.cancels).toHaveLength(1)
  }
})

test('P2: leaving a TransformStream closes the source', async () => {
  const talker = new Talker(() => counted([['a'], ['b'], ['c']]))
  for await (const _ of talker.pipe(new TransformStream<string, string>()).stream('x')) break
  expect(talker.last.cancels).toHaveLength(1)
})

test('a streaming step that never got a chunk starts and ends when the chain completed, and never where it failed before', async () => {
  const heard = recorder()
  expect(await new Talker([]).pipe<string>(upper).invoke('x', { callbacks: [heard] })).toEqual([])
  expect(heard.trace()).toContain('S RunnableTransform<RunnableSequence')
  heard.check()
  const failed = recorder()
  const broken = new Talker(() => counted([], { error: new Error('early') }))
  await expect(broken.pipe<string>(upper).invoke('x', { callbacks: [failed] })).rejects.toThrow('early')
  failed.check()
  expect(failed.trace()).not.toContain('S RunnableTransform<RunnableSequence')
})

test('recursionLimit n lets runs call runs n levels deep, odd or even, 25 where none is given', async () => {
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

test('a runnable that invokes itself with its context meets the recursion limit too', async () => {
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

test('a recursion limit above the default holds for runs that invoke runs too', async () => {
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

test('a call with the context of a run that has ended is a typed error', async () => {
  let kept: unknown
  const step = lambda((x: number, context) => {
    kept = context
    return x
  })
  await step.invoke(1)
  await expect((async () => step.invoke(1, kept as never))()).rejects.toMatchObject({ code: 'run_ended' })
})
