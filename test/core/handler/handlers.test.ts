import { type CallbackMethods, type Handler, type Listener, lambda, type RunEvent } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { expect, test, vi } from 'vitest'
import { counted, readAll, Talker, turn } from '../../support/sources.ts'

const failing = (message: string, more: Partial<CallbackMethods> = {}): CallbackMethods => ({
  name: 'failing',
  onLlmNewToken: () => {
    throw new Error(message)
  },
  ...more,
})

test('handlers receive a token before the reader, and the run waits for handlers that return a promise (P4)', async () => {
  const log: string[] = []
  const slow: Listener = async (event) => {
    if (event.type !== 'token') return
    await turn(2)
    log.push(`slow ${event.token}`)
  }
  for await (const chunk of new Talker([['a', 'b'], ['c']]).stream('x', { callbacks: [slow] })) log.push(`read ${chunk}`)
  expect(log).toEqual(['slow a', 'slow b', 'read a', 'read b', 'slow c', 'read c'])
})

test('each handler receives one event at a time, in order; several handlers process the same event concurrently (P4)', async () => {
  const log: string[] = []
  let release = (): void => {}
  const waitsForTheOther: Listener = async ({ seq }) => {
    log.push(`a+${seq}`)
    await new Promise<void>((resolve) => {
      release = resolve
    })
    log.push(`a-${seq}`)
  }
  const other: Listener = async ({ seq }) => {
    log.push(`b+${seq}`)
    await turn()
    log.push(`b-${seq}`)
    release()
  }
  await lambda((x: number) => x).invoke(1, { callbacks: [waitsForTheOther, other] })
  expect(log).toEqual(['a+0', 'b+0', 'b-0', 'a-0', 'a+1', 'b+1', 'b-1', 'a-1'])
})

test('a reader of events() receives each event after the handlers have processed it, in the order of seq (P4)', async () => {
  const log: number[] = []
  const slow: Listener = async (event) => {
    await turn(1)
    log.push(event.seq)
  }
  const seen: number[] = []
  for await (const event of new Talker([['a', 'b']]).pipe((x) => x).events('x', { callbacks: [slow] })) {
    if (event.type !== 'chunk') expect(log).toContain(event.seq)
    seen.push(event.seq)
  }
  expect(seen).toEqual(seen.map((_, index) => index))
})

test('onHandlerError is called once per failure with the error, event and handler; the run and other handlers continue (P5)', async () => {
  const recorded = recorder()
  const reports: [unknown, string, Handler][] = []
  const handler = failing('oops')
  const text = await readAll(
    new Talker([['a', 'b']]).stream('x', {
      callbacks: [handler, recorded],
      onHandlerError: (error, event, failed) => reports.push([(error as Error).message, `${event?.type} ${event?.run.name}`, failed]),
    }),
  )
  expect(text).toEqual({ chunks: ['a', 'b'], error: undefined })
  recorded.check()
  expect(reports).toEqual([
    ['oops', 'token Talker', handler],
    ['oops', 'token Talker', handler],
  ])
})

test('onHandlerError is called for the rejected promise of a handler (P5)', async () => {
  const reports: unknown[] = []
  const handler: Listener = async (event) => {
    if (event.type === 'end') throw new Error('later')
  }
  await lambda((x: number) => x).invoke(1, { callbacks: [handler], onHandlerError: (error) => reports.push(error) })
  expect(reports).toEqual([expect.objectContaining({ message: 'later' })])
})

test('an error thrown by onHandlerError is logged and does not fail the run (P5)', async () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  const onHandlerError = (): void => {
    throw new Error('report')
  }
  expect(await new Talker([['a']]).invoke('x', { callbacks: [failing('oops')], onHandlerError })).toBe('a')
  expect(logged).toHaveBeenCalledTimes(1)
  logged.mockRestore()
})

test.each(['throws', 'rejects'])(
  'a handler with raiseError that %s fails the run; every handler receives one error event per run (P5)',
  async (how) => {
    const recorded = recorder()
    const raised = new Error('raised')
    const raiser: Listener = Object.assign(
      (event: RunEvent) => {
        if (event.type !== 'token') return
        if (how === 'throws') throw raised
        return Promise.reject(raised)
      },
      { raiseError: true },
    )
    const talker = new Talker([['a', 'b'], ['c']])
    const { chunks, error } = await readAll(talker.pipe((x) => x).stream('x', { callbacks: [raiser, recorded] }))
    expect(error).toBe(raised)
    expect(chunks).toEqual([])
    recorded.check()
    expect(recorded.trace()).toEqual(['S RunnableSequence', 'S Talker<RunnableSequence', 'T a', 'X Talker', 'X RunnableSequence'])
    expect(talker.last.cancels).toEqual([raised])
  },
)

test('raiseError at start skips the function; raiseError at end rejects the call and no run ends twice (P5)', async () => {
  for (const type of ['start', 'end'] as const) {
    const recorded = recorder()
    const ran = vi.fn((x: number) => x)
    const raiser: Listener = Object.assign(
      (event: RunEvent) => {
        if (event.type === type) throw new Error(type)
      },
      { raiseError: true },
    )
    await expect(lambda(ran).invoke(1, { callbacks: [raiser, recorded] })).rejects.toThrow(type)
    recorded.check()
    expect(ran).toHaveBeenCalledTimes(type === 'start' ? 0 : 1)
  }
})

test('raiseError in a custom event that emit() callers do not await fails the run without an unhandled rejection (P5)', async () => {
  const raiser: CallbackMethods = {
    raiseError: true,
    onCustomEvent: async () => {
      throw new Error('custom')
    },
  }
  const unawaited = lambda(async (x: number, context) => {
    void context.emit({ type: 'custom', name: 'step', data: x })
    await turn(2)
    return x
  })
  await expect(unawaited.invoke(1, { callbacks: [raiser] })).rejects.toThrow('custom')
})

test('constructor callbacks receive only their object’s own runs; request and bound callbacks receive all descendants (P7)', async () => {
  const [own, bound, request] = [recorder(), recorder(), recorder()]
  const model = scriptedModel([['a']], { callbacks: [own] })
  const chain = lambda((x: string) => x, { name: 'first' }).pipe(model)
  await chain
    .withConfig({ callbacks: [bound] })
    .stream('x', { callbacks: [request] })
    .drain()
  expect(new Set(own.events.map((event) => event.run.name))).toEqual(new Set(['ScriptedModel']))
  expect(bound.trace()).toEqual(request.trace())
  expect(new Set(request.events.map((event) => event.run.name))).toEqual(new Set(['RunnableSequence', 'first', 'ScriptedModel']))
})

test('callbacks of one object are called in the order bound, request, constructor (P7)', async () => {
  const log: string[] = []
  const logging =
    (name: string): Listener =>
    (event) =>
      void (event.type === 'start' && log.push(name))
  const model = scriptedModel([['a']], { callbacks: [logging('constructor')] })
  await model.withConfig({ callbacks: [logging('bound')] }).invoke('x', { callbacks: [logging('request')] })
  expect(log).toEqual(['bound', 'request', 'constructor'])
})

test('a handler attached several times receives each event once (P7)', async () => {
  const recorded = recorder()
  const model = scriptedModel([['a']], { callbacks: [recorded] })
  await model
    .pipe((x) => x)
    .withConfig({ callbacks: [recorded] })
    .stream('x', { callbacks: [recorded, recorded] })
    .drain()
  recorded.check()
  expect(recorded.trace().filter((line) => line === 'T a')).toHaveLength(1)
})

test('request tags and metadata apply to every run, constructor ones to the object’s own run, where its metadata wins (P7)', async () => {
  const recorded = recorder()
  const model = scriptedModel([['a']], { tags: ['own'], metadata: { who: 'model', only: 1 } })
  await lambda((x: string) => x)
    .pipe(model)
    .withConfig({ tags: ['bound'] })
    .invoke('x', { callbacks: [recorded], tags: ['asked', 'bound'], metadata: { who: 'me' } })
  const [root, step, last] = recorded.events.filter((event) => event.type === 'start').map((event) => event.run)
  expect(root).toMatchObject({ tags: ['bound', 'asked'], metadata: { who: 'me' } })
  expect(step).toMatchObject({ tags: ['seq:step:1', 'bound', 'asked'], metadata: { who: 'me' } })
  expect(last).toMatchObject({ tags: ['seq:step:2', 'bound', 'asked', 'own'], metadata: { who: 'model', only: 1 } })
})

test('runName applies to one run only; the outer withConfig() wins over the inner one, the request over both', async () => {
  const name = async (options: { runName?: string }): Promise<string | undefined> => {
    const recorded = recorder()
    const chain = lambda((x: number) => x)
      .pipe((x) => x)
      .withConfig({ runName: 'n1' })
      .withConfig({ runName: 'n2' })
    await chain.invoke(1, { callbacks: [recorded], ...options })
    expect(recorded.events.map((event) => event.run.name)).toContain('RunnableLambda')
    return recorded.events[0]?.run.name
  }
  expect(await name({})).toBe('n2')
  expect(await name({ runName: 'n3' })).toBe('n3')
})

test('a handler that mutates an event does not change the data of the run', async () => {
  const mutating: CallbackMethods = {
    onChainStart: (input) => void ((input as { list: number[] }).list.length = 0),
    onChainEnd: (output) => void ((output as { list: number[] }).list.length = 0),
  }
  const given = { list: [1, 2] }
  expect(await lambda((x: { list: number[] }) => ({ list: [...x.list, 3] })).invoke(given, { callbacks: [mutating] })).toEqual({
    list: [1, 2, 3],
  })
  expect(given).toEqual({ list: [1, 2] })
})

test('onLlmStart is called for a chat model with the messages as text if the handler has no onChatModelStart', async () => {
  const log: unknown[] = []
  const model = scriptedModel([['a']])
  const messages = [
    { role: 'system', content: 'Be brief' },
    { role: 'user', content: 'hello' },
  ] as const
  await model.invoke(messages, { callbacks: [{ onLlmStart: (prompt) => void log.push(prompt) }] })
  await model.invoke(messages, {
    callbacks: [{ onLlmStart: () => void log.push('no'), onChatModelStart: (given) => void log.push(given) }],
  })
  expect(log).toEqual(['System: Be brief\nHuman: hello', messages])
})

test('CallbackMethods are called with the payload first and the event second, for every type', async () => {
  const log: unknown[] = []
  const note = (name: string) => (payload: unknown, event: RunEvent) => void log.push([name, payload, event.type])
  const handler: CallbackMethods = {
    onText: note('text'),
    onAgentAction: note('action'),
    onAgentFinish: note('finish'),
    onRetry: note('retry'),
    onCustomEvent: note('custom'),
    onChainStart: note('start'),
    onChainEnd: note('end'),
    onChainError: note('error'),
  }
  const action = { tool: 't', toolInput: 1, log: '' }
  const finish = { returnValues: { output: 1 }, log: '' }
  await lambda(async (x: number, { emit }) => {
    await emit({ type: 'text', text: 'hi' })
    await emit({ type: 'action', action })
    await emit({ type: 'finish', finish })
    await emit({ type: 'retry', attempt: 1, error: 'e' })
    await emit({ type: 'custom', name: 'n', data: 5 })
    return x
  }).invoke(1, { callbacks: [handler] })
  expect(log).toEqual([
    ['start', 1, 'start'],
    ['text', 'hi', 'text'],
    ['action', action, 'action'],
    ['finish', finish, 'finish'],
    ['retry', 1, 'retry'],
    ['custom', 5, 'custom'],
    ['end', 1, 'end'],
  ])
})

test('a WritableStream handler is written every event of all its runs, through one writer', async () => {
  const written: string[] = []
  const stream = new WritableStream<RunEvent>({ write: (event) => void written.push(event.type) })
  const step = lambda((x: number) => x)
  await Promise.all([step.invoke(1, { callbacks: [stream] }), step.invoke(2, { callbacks: [stream] })])
  expect(written.sort()).toEqual(['end', 'end', 'start', 'start'])
})

test('a TransformStream handler is drained; if its owner reads it, the run waits for that reader', async () => {
  const seen: string[] = []
  const drained = new TransformStream<RunEvent, RunEvent>({ transform: (event) => void seen.push(event.type) })
  await new Talker([['a']]).invoke('x', { callbacks: [drained] })
  expect(seen).toEqual(['start', 'token', 'end'])
  const read = new TransformStream<RunEvent, RunEvent>()
  const reader = read.readable.getReader()
  const talker = new Talker(() => counted([['a'], ['b'], ['c']]))
  const whole = talker.invoke('x', { callbacks: [read] })
  await turn(5)
  expect(talker.sources.length === 0 || talker.last.pulls() <= 1).toBe(true)
  const types: string[] = []
  while (types.at(-1) !== 'end') types.push((await reader.read()).value?.type ?? '')
  expect(await whole).toBe('abc')
  expect(types).toEqual(['start', 'token', 'token', 'token', 'end'])
})

test('a stream handler that fails is reported once and not written again', async () => {
  const reports: unknown[] = []
  const broken = new WritableStream<RunEvent>({
    write: () => {
      throw new Error('full')
    },
  })
  expect(await new Talker([['a', 'b']]).invoke('x', { callbacks: [broken], onHandlerError: (error) => reports.push(error) })).toBe('ab')
  expect(reports).toHaveLength(1)
})

test('a slow handler of one run delays no other run (P9)', async () => {
  const log: string[] = []
  const slow: Listener = (event) => (event.run.name === 'slow' ? turn(30) : undefined)
  const step = (name: string) =>
    lambda(
      async (x: number) => {
        log.push(name)
        return x
      },
      { name },
    )
  await Promise.all([step('slow').invoke(1, { callbacks: [slow] }), step('quick').invoke(1, { callbacks: [slow] })])
  expect(log).toEqual(['quick', 'slow'])
})

test('stop() while a handler is busy: every handler receives the ends of children before those of parents (P1, P4)', async () => {
  const recorded = recorder()
  const busy: Listener = (event) => (event.type === 'token' ? turn(10) : undefined)
  const talker = new Talker(() => counted([['a']], { stall: true }))
  const run = talker.pipe((x) => x).stream('x', { callbacks: [busy, recorded] })
  const reading = readAll(run)
  await turn(2)
  run.stop()
  await reading
  await run.flushed
  recorded.check()
  expect(recorded.trace().slice(-2)).toEqual(['X Talker', 'X RunnableSequence'])
})

test('a handler that stops the run within an event: the others receive that event, then the ends (P1, P4)', async () => {
  const recorded = recorder()
  const run = scriptedModel([['a', 'b', 'c']])
    .pipe((x) => x)
    .stream('x', { callbacks: [(event) => event.type === 'token' && run.stop(), recorded] as Handler[] })
  await run.drain()
  recorded.check()
  expect(recorded.trace()).toEqual([
    'S RunnableSequence',
    'S ScriptedModel<RunnableSequence',
    'T a',
    'X ScriptedModel',
    'X RunnableSequence',
  ])
})

test('stop() does not wait for a handler whose promise never settles (P2)', async () => {
  const talker = new Talker(() => counted([['a']], { stall: true }))
  const hung: Listener = (event) => (event.type === 'token' ? new Promise(() => {}) : undefined)
  const run = talker.stream('x', { callbacks: [hung] })
  const reading = readAll(run)
  await turn(2)
  run.stop()
  expect((await reading).error).toBeUndefined()
  expect(talker.last.cancels).toHaveLength(1)
  const events = talker.events('x', { callbacks: [hung] })
  const seen = readAll(events)
  await turn(2)
  events.stop()
  expect((await seen).chunks.map((event) => event.type)).toEqual(['start', 'token', 'error'])
})

test.each([0, 1, 2, 3])('one handler raises and another aborts at event %i: all runs end and the call rejects', async (at) => {
  const abort = new AbortController()
  const recorded = recorder()
  const raiser = Object.assign(
    (event: RunEvent): void => {
      if (event.seq === at) throw new Error('raised')
    },
    { raiseError: true },
  )
  const stopper = (event: RunEvent): void => {
    if (event.seq === at) abort.abort(new Error('stopped'))
  }
  const chain = lambda(() => lambda((text: string) => `${text}!`))
  await expect(chain.invoke('x', { callbacks: [recorded, raiser, stopper], signal: abort.signal })).rejects.toThrow(/raised|stopped/)
  recorded.check()
  expect(recorded.open).toEqual([])
})
