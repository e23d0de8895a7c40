import {
  type AssistantMessage,
  type Delta,
  lambda,
  type RunEvent,
  type RunStream,
  StringOutputParser,
  sequence,
  TruncatedError,
  tap,
  UserStop,
} from 'chaintap'
import { toResponse } from 'chaintap/edge'
import { type LogStore, logHandler, MemoryLogStore } from 'chaintap/log'
import { replay, replayModel } from 'chaintap/replay'
import { recorder, type ScriptedAnswer, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { run } from '../../contracts/log-store.ts'
import { agentLog, recordsIn, storeOf } from '../export/samples.ts'

const atOnce = { speed: Infinity }

afterEach(() => void vi.useRealTimers())

const { setTimeout: realSetTimeout } = globalThis

/** Waits until all work that needs no time of the fake clock is done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => realSetTimeout(resolve, 1))
}

async function read<T>(stream: ReadableStream<T>): Promise<{ readonly values: readonly T[]; readonly error?: unknown }> {
  const reader = stream.getReader()
  const values: T[] = []
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) values.push(read.value)
    return { values }
  } catch (error) {
    return { values, error }
  }
}

/** Runs and logs a chain of two models; returns the emitted events and the outcome. */
async function logged(answers: readonly ScriptedAnswer[], store: LogStore = new MemoryLogStore()) {
  const emitted: RunEvent[] = []
  const chain = sequence(
    scriptedModel([answers[0] ?? '']),
    lambda((message: AssistantMessage) => [message]),
    scriptedModel([answers[1] ?? '']),
  )
  const stream = chain.stream('hi', { callbacks: [(event) => void emitted.push(event), logHandler(store)] })
  await stream.drain().catch(() => {})
  await stream.flushed
  return { store, emitted, id: stream.run.id, outcome: await stream.outcome }
}

describe('replay()', () => {
  test('emits the events of a run as they were logged and has the same outcome', async () => {
    const { store, emitted, id, outcome } = await logged([
      { tokens: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } },
      { tokens: ['Bye'], usage: { outputTokens: 1 } },
    ])
    await logged(['another'], store)
    const stream = replay(store, id, atOnce)
    const { values, error } = await read(stream)
    expect(values).toEqual(emitted)
    expect(error).toBeUndefined()
    const { usage, status, ...rest } = await stream.outcome
    expect({ usage, status, output: 'output' in rest && rest.output }).toEqual({
      usage: outcome.usage,
      status: 'complete',
      output: 'output' in outcome && outcome.output,
    })
    expect(rest.firstTokenMs).toBeGreaterThanOrEqual(0)
  })

  test('can be read with for await, and passed through tap() to handlers', async () => {
    const { store, emitted, id } = await logged([['Hel', 'lo'], 'Bye'])
    const types: string[] = []
    for await (const event of replay(store, id, atOnce)) types.push(event.type)
    expect(types).toEqual(emitted.map(({ type }) => type))
    const again = recorder()
    await replay(store, id, atOnce).pipeThrough(tap(again)).pipeTo(new WritableStream())
    again.check()
    expect(again.events).toEqual(emitted)
  })

  test('can be passed to toResponse()', async () => {
    const { store, emitted, id } = await logged([['Hel', 'lo'], 'Bye'])
    const text = await toResponse(replay(store, id, atOnce)).text()
    const types = [...text.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type)
    expect(types).toEqual([...emitted.map(({ type }) => type), 'outcome'])
  })

  test('emits only the events of the given run if it is not a root', async () => {
    const { store, emitted } = await logged([['Hel', 'lo'], 'Bye'])
    const model = emitted.find(({ run }) => run.kind === 'chat_model')?.run.id ?? ''
    const { values } = await read(replay(store, model, atOnce))
    expect(values).toEqual(emitted.filter((event) => event.run.id === model))
  })

  test('rejects with the error of a failed run after all its events', async () => {
    const { store, emitted, id } = await logged([{ tokens: ['Hel'], error: new RangeError('too far') }])
    const stream = replay(store, id, atOnce)
    const { values, error } = await read(stream)
    expect(values).toEqual(emitted)
    expect(error).toBeInstanceOf(RangeError)
    expect(await stream.outcome).toMatchObject({ status: 'failed', error: { message: 'too far' } })
  })

  test('ends as aborted, with the same partial output, if the run was stopped', async () => {
    const store = new MemoryLogStore()
    const stream: RunStream<Delta, AssistantMessage> = scriptedModel([['a', 'b', 'c']]).stream('hi', { callbacks: [logHandler(store)] })
    await stream.getReader().read()
    stream.stop()
    await stream.flushed
    const again = replay(store, stream.run.id, atOnce)
    expect((await read(again)).error).toBeInstanceOf(UserStop)
    expect(await again.outcome).toMatchObject({ status: 'aborted', partial: { content: 'a' } })
  })

  test('emits the logged events, then rejects with TruncatedError, if the end of the run is missing', async () => {
    const cut = agentLog.slice(0, 6)
    const stream = replay(await storeOf(cut), 'a', atOnce)
    const { values, error } = await read(stream)
    expect(values).toEqual(cut)
    expect(error).toBeInstanceOf(TruncatedError)
    expect((await stream.outcome).status).toBe('truncated')
  })

  test('rejects with not_in_log and the id if the log has no such run', async () => {
    expect((await read(replay(await storeOf(agentLog), 'b'))).error).toMatchObject({
      code: 'not_in_log',
      message: expect.stringContaining('b'),
    })
  })

  test.each([
    [1, [1, 1, 1, 3, 3, 5, 5, 5, 6]],
    [0.5, [1, 1, 1, 1, 1, 1, 3, 3, 3]],
    [2, [1, 1, 3, 5, 6, 6, 6, 6, 6]],
    [Infinity, [6, 6, 6, 6, 6, 6, 6, 6, 6]],
  ])('at speed %d has emitted the expected number of events after 0, 10, 20 ms and so on', async (speed, expected) => {
    const times = [0, 30, 25, 50, 40, 80]
    const events = times.map((offset, seq): RunEvent => {
      const payload = seq === 5 ? ({ type: 'end', output: 1 } as const) : ({ type: 'text', text: 'x' } as const)
      return { run: run('r'), at: 1_000 + offset, seq, ...payload }
    })
    const store = await storeOf(events)
    // The reader of a log is loaded with the first read.
    await recordsIn(store)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const received: RunEvent[] = []
    const done = replay(store, 'r', { speed }).pipeTo(new WritableStream({ write: (event) => void received.push(event) }))
    const counts: number[] = []
    for (const _ of expected) {
      await settled()
      counts.push(received.length)
      await vi.advanceTimersByTimeAsync(10)
    }
    expect(counts).toEqual(expected)
    await vi.advanceTimersByTimeAsync(1_000)
    await done
    expect(received).toEqual(events)
  })

  test('waits until an event is due, and no longer once it is stopped, cancelled or aborted', async () => {
    const hour = [0, 3_600_000, 1e13].map((at, seq) => ({ run: run('r'), at, seq, type: 'text', text: 'x' }) as const)
    const store = await storeOf(hour)
    for (const leave of ['stop', 'cancel', 'abort'] as const) {
      const controller = new AbortController()
      const stream = replay(store, 'r', { signal: controller.signal })
      const reader = stream.getReader()
      expect((await reader.read()).value).toEqual(hour[0])
      const next = reader.read().catch((error: unknown) => error)
      if (leave === 'stop') stream.stop()
      if (leave === 'cancel') await reader.cancel()
      if (leave === 'abort') controller.abort(new RangeError('enough'))
      expect(await next).toMatchObject(leave === 'abort' ? { message: 'enough' } : { done: true })
      expect((await stream.outcome).status).toBe('aborted')
    }
  })

  test('throws invalid_options for a speed that is not positive', () => {
    for (const speed of [0, -1, Number.NaN])
      expect(() => replay(new MemoryLogStore(), 'r', { speed })).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  })

  test('does not read the log before it is read itself', async () => {
    let reads = 0
    const store = { read: () => new MemoryLogStore().read({ limit: reads++ }) }
    const stream = replay(store, 'r')
    stream.stop()
    expect((await stream.outcome).status).toBe('aborted')
    expect(reads).toBe(0)
  })
})

const text = fc.string({ minLength: 1, maxLength: 8 })
const citation = fc.record({ type: fc.constant('citation' as const), citation: fc.record({ url: text }) })
const delta: fc.Arbitrary<Delta> = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text }),
  fc.record({ type: fc.constant('reasoning' as const), text, signature: text }),
  fc.constant<Delta>({ type: 'break' }),
  citation,
  fc.record({ type: fc.constant('block' as const), provider: text, block: fc.record({ type: text }) }),
  fc.record({
    type: fc.constant('tool-call' as const),
    index: fc.nat(2),
    id: text,
    name: text,
    args: fc.constantFrom('{"a":1}', '', '{"a"'),
  }),
  fc.record({ type: fc.constant('usage' as const), usage: fc.record({ outputTokens: fc.nat() }) }),
  fc.record({ type: fc.constant('stop' as const), reason: text, details: fc.record({ why: text }) }),
  fc.record({ type: fc.constant('meta' as const), id: text, model: text, extra: fc.record({ more: text }) }),
)

describe('replayModel()', () => {
  test('returns the answers of the log in the order of the calls, then rejects with not_in_log', async () => {
    const answers = [{ tokens: ['Hel', 'lo'], usage: { outputTokens: 2 } }, ['Good', 'bye']]
    const { store, id, outcome } = await logged(answers)
    const model = replayModel(store, { runId: id, ...atOnce, name: 'Old' })
    const first = model.stream('whatever')
    expect((await read(first)).values).toEqual([
      { type: 'text', text: 'Hel' },
      { type: 'text', text: 'lo' },
      { type: 'usage', usage: { outputTokens: 2 } },
    ])
    expect((await first.outcome).usage).toMatchObject({ outputTokens: 2 })
    expect(first.run.name).toBe('Old')
    expect(await model.invoke('else')).toEqual('output' in outcome && outcome.output)
    await expect(model.invoke('more')).rejects.toMatchObject({ code: 'not_in_log', message: expect.stringContaining('2 model answers') })
  })

  test('works in chains, bound and with callbacks, and emits tokens only when streamed', async () => {
    const { store } = await logged([
      ['Hel', 'lo'],
      ['Good', 'bye'],
    ])
    const calls = recorder()
    const model = replayModel(store, { ...atOnce, callbacks: [calls] }).bind({ temperature: 0 })
    const chain = model.pipe(new StringOutputParser())
    expect((await read(chain.stream('hi'))).values).toEqual(['Hel', 'lo'])
    calls.check()
    expect(calls.trace()).toEqual(['S ReplayModel', 'T Hel', 'T lo', 'E ReplayModel'])
    expect(await chain.withConfig({ tags: ['x'] }).invoke('hi')).toBe('Goodbye')
    expect(calls.trace()).toHaveLength(6)
  })

  test('rebuilds the same message from an answer that was logged without tokens', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(delta, { maxLength: 12 }), async (tokens) => {
        const store = new MemoryLogStore()
        const message = await scriptedModel([tokens]).invoke('hi', { callbacks: [logHandler(store)] })
        await store.flush()
        expect(await replayModel(store, atOnce).invoke('hi')).toEqual(message)
      }),
      { numRuns: 100 },
    )
  })

  test('returns the answers of llm runs too', async () => {
    const model = replayModel(await storeOf(agentLog), atOnce)
    expect((await read(model.stream('hi'))).values).toEqual([{ type: 'text', text: ' I need a calculator.' }])
  })

  test('emits the tokens of a failed answer, then rejects with the same error', async () => {
    const { store } = await logged([{ tokens: ['Hel'], error: new RangeError('overloaded') }])
    const { values, error } = await read(replayModel(store, atOnce).stream('hi'))
    expect(values).toEqual([{ type: 'text', text: 'Hel' }])
    expect(error).toBeInstanceOf(RangeError)
  })

  test('returns a different answer to each concurrent call', async () => {
    const { store } = await logged(['one', 'two'])
    const model = replayModel(store, atOnce)
    const contents = (await model.batch(['a', 'b'])).map(({ content }) => content)
    expect(new Set(contents)).toEqual(new Set(['one', 'two']))
  })

  test('waits until a token is due, and no longer once it is stopped', async () => {
    const model = { ...run('m'), kind: 'chat_model' } as const
    const store = await storeOf([
      { run: model, at: 1_000, seq: 0, type: 'start', input: [] },
      { run: model, at: 1_060, seq: 1, type: 'token', token: 'late' },
      { run: model, at: 9e9, seq: 2, type: 'token', token: 'never' },
    ])
    await recordsIn(store)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const stream = replayModel(store).stream('hi')
    const reader = stream.getReader()
    let first: unknown = 'nothing yet'
    void reader.read().then(({ value }) => {
      first = value
    })
    await settled()
    await vi.advanceTimersByTimeAsync(59)
    await settled()
    expect(first).toBe('nothing yet')
    await vi.advanceTimersByTimeAsync(1)
    await settled()
    expect(first).toEqual({ type: 'text', text: 'late' })
    const next = reader.read()
    stream.stop()
    expect((await next).done).toBe(true)
  })
})
