import { type Listener, lambda, StringOutputParser, TimeoutError, UserStop } from 'chaintap'
import { recorder } from 'chaintap/testing'
import { describe, expect, test, vi } from 'vitest'
import { counted, readAll, Talker, turn } from '../../support/sources.ts'

const endless = (): Talker => new Talker(() => counted(numbers()))
function* numbers(): Generator<string[]> {
  for (let i = 0; ; i++) yield [String(i)]
}

type Leave = (talker: Talker, callbacks: ReturnType<typeof recorder>[]) => Promise<unknown>
const ways: Readonly<Record<string, Leave>> = {
  break: async (talker, callbacks) => {
    for await (const _ of talker.pipe(new StringOutputParser()).stream('x', { callbacks })) break
  },
  'cancel()': async (talker, callbacks) => {
    const reader = talker.stream('x', { callbacks }).getReader()
    await reader.read()
    await reader.cancel()
  },
  'cancel() of batches()': async (talker, callbacks) => {
    const reader = talker.stream('x', { callbacks }).batches().getReader()
    await reader.read()
    await reader.cancel()
  },
  'stop() during a read': async (talker, callbacks) => {
    const run = talker.stream('x', { callbacks })
    for await (const _ of run) run.stop()
  },
  'stop() between reads': async (talker, callbacks) => {
    const run = talker.stream('x', { callbacks })
    await run[Symbol.asyncIterator]().next()
    run.stop()
  },
  'a signal': async (talker, callbacks) => {
    const abort = new AbortController()
    const run = talker.stream('x', { callbacks, signal: abort.signal })
    const { error } = await readAll(stoppingAt(run, 2, () => abort.abort(new Error('mine'))))
    expect(error).toMatchObject({ message: 'mine' })
  },
  'a signal between reads': async (talker, callbacks) => {
    const abort = new AbortController()
    const run = talker.stream('x', { callbacks, signal: abort.signal })
    await run[Symbol.asyncIterator]().next()
    abort.abort()
  },
  'a break from events()': async (talker, callbacks) => {
    for await (const event of talker.events('x', { callbacks })) if (event.type === 'chunk') break
  },
  'a thrown error in the reader’s loop': async (talker, callbacks) => {
    const { error } = await readAll(
      (async function* () {
        for await (const chunk of talker.stream('x', { callbacks })) {
          yield chunk
          throw new Error('in the loop')
        }
      })(),
    )
    expect(error).toMatchObject({ message: 'in the loop' })
  },
  'await using': async (talker, callbacks) => {
    await using run = talker.stream('x', { callbacks })
    await run[Symbol.asyncIterator]().next()
  },
  'a handler that raises': async (talker, callbacks) => {
    const raiser = {
      raiseError: true,
      onLlmNewToken: () => {
        throw new Error('raised')
      },
    }
    const { error } = await readAll(talker.stream('x', { callbacks: [...callbacks, raiser] }))
    expect(error).toMatchObject({ message: 'raised' })
  },
  'a timeout': async (talker, callbacks) => {
    const run = talker.pipe(async (text) => text).stream('x', { callbacks, timeout: 5 })
    expect((await readAll(run)).error).toBeInstanceOf(TimeoutError)
  },
}

async function* stoppingAt<T>(chunks: AsyncIterable<T>, count: number, then: () => void): AsyncGenerator<T> {
  let seen = 0
  for await (const chunk of chunks) {
    yield chunk
    if (++seen === count) then()
  }
}

describe.each(Object.entries(ways))('a run that is left by %s', (way, leave) => {
  test('ends every run that started exactly once (P1)', async () => {
    const recorded = recorder()
    await leave(way === 'a timeout' ? new Talker(() => counted(numbers(), { before: () => turn() })) : endless(), [recorded])
    await turn()
    recorded.check()
    expect(recorded.events.length).toBeGreaterThan(0)
    expect(recorded.open).toEqual([])
  })

  test('cancels the source before the event loop turns (P2)', async () => {
    const talker = way === 'a timeout' ? new Talker(() => counted(numbers(), { before: () => turn() })) : endless()
    await leave(talker, [])
    expect(talker.last.cancels).toHaveLength(1)
  })
})

test('stream(): 1,000 early breaks leave no open run, no listener on a longer-lived signal and no timer (P1)', async () => {
  const recorded = recorder()
  const abort = new AbortController()
  let listeners = 0
  const { signal } = abort
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (...given: Parameters<typeof add>) => {
    listeners++
    add(...given)
  }
  signal.removeEventListener = (...given: Parameters<typeof remove>) => {
    listeners--
    remove(...given)
  }
  const set = vi.spyOn(globalThis, 'setTimeout')
  const cleared = vi.spyOn(globalThis, 'clearTimeout')
  const talker = endless()
  for (let i = 0; i < 1_000; i++) {
    for await (const _ of talker.pipe(new StringOutputParser()).stream('x', { callbacks: [recorded], signal, timeout: 1_000_000 })) break
  }
  recorded.check()
  expect(recorded.open).toEqual([])
  expect(listeners).toBe(0)
  const timers = set.mock.results.filter((_, call) => set.mock.calls[call]?.[1] === 1_000_000).map((result) => result.value as unknown)
  const gone = new Set<unknown>(cleared.mock.calls.map(([timer]) => timer))
  expect(timers).toHaveLength(1_000)
  expect(timers.filter((timer) => !gone.has(timer))).toEqual([])
  vi.restoreAllMocks()
  expect(talker.sources.every((source) => source.cancels.length === 1)).toBe(true)
})

test('stop() cancels the source during a pending read (P2)', async () => {
  const talker = new Talker(() => counted([['a']], { stall: true }))
  const run = talker.stream('x')
  const reading = readAll(run)
  await turn()
  run.stop()
  expect(talker.last.cancels).toEqual([expect.any(UserStop)])
  expect(await reading).toEqual({ chunks: ['a'], error: undefined })
})

test('stream() delivers the tokens that arrived before an error, then throws it (P3)', async () => {
  const talker = new Talker(() => counted([['a', 'b']], { error: new Error('socket') }))
  const { chunks, error } = await readAll(talker.stream('x'))
  expect(chunks).toEqual(['a', 'b'])
  expect(error).toMatchObject({ message: 'socket' })
})

test('stream() delivers the chunks that a step enqueued before it threw in the same pass (P3)', async () => {
  const talker = new Talker([['a', 'b', 'bad', 'c']])
  const picky = talker.pipe<string>({
    transform(token, controller) {
      if (token === 'bad') throw new Error('bad')
      controller.enqueue(token)
    },
  })
  for (const read of [() => readAll(picky.stream('x')), () => readByReader(picky.stream('x'))]) {
    const { chunks, error } = await read()
    expect(chunks).toEqual(['a', 'b'])
    expect(error).toMatchObject({ message: 'bad' })
  }
})

async function readByReader<T>(stream: ReadableStream<T>): Promise<{ chunks: T[]; error: unknown }> {
  const reader = stream.getReader()
  const chunks: T[] = []
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) chunks.push(read.value)
    return { chunks, error: undefined }
  } catch (error) {
    return { chunks, error }
  }
}

test('stream() delivers the chunks received before an abort, then throws its reason (P3)', async () => {
  const abort = new AbortController()
  const talker = new Talker(() => counted([['a', 'b', 'c']], { stall: true }))
  const callbacks = [{ onLlmNewToken: (token: string) => void (token === 'b' && abort.abort(new Error('enough'))) }]
  const { chunks, error } = await readAll(talker.stream('x', { callbacks, signal: abort.signal }))
  expect(chunks).toEqual(['a'])
  expect(error).toMatchObject({ message: 'enough' })
})

test('invoke() with an aborted signal starts nothing and throws the reason of the signal', async () => {
  const recorded = recorder()
  const talker = new Talker([['a']])
  const reason = new Error('too late')
  await expect(talker.invoke('x', { signal: AbortSignal.abort(reason), callbacks: [recorded] })).rejects.toBe(reason)
  expect(recorded.events).toEqual([])
  expect(talker.sources).toEqual([])
})

test('invoke() throws the reason of an abort unchanged, and a string as an AbortReason with that message', async () => {
  const slow = lambda((_: string, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))))
  for (const [reason, expected] of [
    ['text', { name: 'AbortReason', message: 'text' }],
    [new RangeError('r'), { name: 'RangeError' }],
  ] as const) {
    const abort = new AbortController()
    const called = slow.invoke('x', { signal: abort.signal })
    await turn()
    abort.abort(reason)
    await expect(called).rejects.toMatchObject(expected)
  }
})

test('timeout ends steps that ignore their signal, children first, and does not change the metadata', async () => {
  const recorded = recorder()
  const deaf = lambda(() => new Promise<string>(() => {}), { name: 'deaf' })
  const metadata = { mine: 1 }
  const chain = deaf.pipe((x) => x)
  await expect(chain.invoke('x', { timeout: 5, callbacks: [recorded], metadata })).rejects.toBeInstanceOf(TimeoutError)
  recorded.check()
  expect(recorded.trace().slice(-2)).toEqual(['X deaf', 'X RunnableSequence'])
  for (const event of recorded.events) expect(event.run.metadata).toEqual({ mine: 1 })
})

test('a step stopped by its own timeout or by a handler ends before the sequence that it is part of (P1)', async () => {
  const stalling = new Talker(() => counted([['a']], { stall: true }))
  const stopping: Listener = ({ type }, stop) => {
    if (type === 'token') stop?.(new Error('enough'))
  }
  for (const step of [stalling.withConfig({ timeout: 5 }), stalling.withConfig({ callbacks: [stopping] })]) {
    const recorded = recorder()
    const chain = lambda((text: string) => text, { name: 'first' }).pipe(step)
    await expect(chain.invoke('in', { callbacks: [recorded] })).rejects.toThrow()
    recorded.check()
    expect(recorded.trace().slice(-2)).toEqual(['X Talker', 'X RunnableSequence'])
  }
})

test('stream() throws at once for a timeout that is not positive', () => {
  for (const timeout of [0, -1, Number.NaN]) expect(() => new Talker([]).stream('x', { timeout })).toThrow(/positive/)
})

test('timeout: Infinity and values above 2 ** 31 - 1 ms set no limit', async () => {
  const slow = new Talker(() => counted([['a'], ['b']], { before: () => turn(5) }))
  for (const timeout of [Infinity, 2 ** 31]) expect(await slow.invoke('x', { timeout })).toBe('ab')
})

test('withConfig({ timeout }) ends a step that never settles (P2)', async () => {
  const recorded = recorder()
  const deaf = lambda(() => new Promise<string>(() => {}), { name: 'deaf' }).withConfig({ timeout: 3 })
  await expect(deaf.pipe((x) => x).invoke('x', { callbacks: [recorded] })).rejects.toBeInstanceOf(TimeoutError)
  recorded.check()
  expect(recorded.trace()).toEqual(['S RunnableSequence', 'S deaf<RunnableSequence', 'X deaf', 'X RunnableSequence'])
})

test('a child that still runs when its parent returns is aborted and ends before the parent (P1)', async () => {
  const recorded = recorder()
  const talker = new Talker(() => counted([['a']], { stall: true }))
  const careless = lambda(
    (_: string, context) => {
      void talker.invoke('y', context)
      return turn().then(() => 'done')
    },
    { name: 'careless' },
  )
  expect(await careless.invoke('x', { callbacks: [recorded] })).toBe('done')
  recorded.check()
  expect(recorded.trace()).toEqual(['S careless', 'S Talker<careless', 'T a', 'X Talker', 'E careless'])
  expect(talker.last.cancels).toHaveLength(1)
})

test('lambda(): stop() aborts the signal of the function, and a stream that it returns later is cancelled', async () => {
  const seen: unknown[] = []
  let finish: (made: ReadableStream<string>) => void = () => {}
  const late = lambda((_x: string, { signal }) => {
    signal.addEventListener('abort', () => seen.push(signal.reason))
    return new Promise<ReadableStream<string>>((resolve) => {
      finish = resolve
    })
  })
  const run = late.stream('x')
  const reading = readAll(run as AsyncIterable<unknown>)
  await turn()
  run.stop()
  expect(await reading).toEqual({ chunks: [], error: undefined })
  expect(seen).toEqual([expect.any(UserStop)])
  const source = counted(['late'])
  finish(source.stream)
  await turn()
  expect(source.cancels).toHaveLength(1)
})
