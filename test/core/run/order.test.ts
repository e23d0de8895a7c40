import { assign, ChatPromptTemplate, lambda, parallel, passthrough, StringOutputParser, sequence } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { expect, test } from 'vitest'

const prompt = ChatPromptTemplate.fromTemplate('A joke about {animal}')

test('stream() emits starts and ends in the order of the data: the model ends before the parser, the parser before the root (P1)', async () => {
  const recorded = recorder()
  const chain = prompt.pipe(scriptedModel([['a', 'b']])).pipe(new StringOutputParser())
  await chain.stream({ animal: 'bears' }, { callbacks: [recorded] }).drain()
  recorded.check()
  expect(recorded.trace()).toEqual([
    'S RunnableSequence',
    'S ChatPromptTemplate<RunnableSequence',
    'E ChatPromptTemplate',
    'S ScriptedModel<RunnableSequence',
    'T a',
    'S StringOutputParser<RunnableSequence',
    'T b',
    'E ScriptedModel',
    'E StringOutputParser',
    'E RunnableSequence',
  ])
})

test('invoke() emits no token events, unless the model was constructed with streaming: true', async () => {
  const tokens: string[] = []
  const callbacks = [{ onLlmNewToken: (token: string) => void tokens.push(token) }]
  expect(
    await prompt
      .pipe(scriptedModel([['a', 'b']]))
      .pipe(new StringOutputParser())
      .invoke({ animal: 'x' }, { callbacks }),
  ).toBe('ab')
  expect(tokens).toEqual([])
  const streaming = scriptedModel([['a', 'b']], { streaming: true })
  expect(await prompt.pipe(streaming).pipe(new StringOutputParser()).invoke({ animal: 'x' }, { callbacks })).toBe('ab')
  expect(tokens).toEqual(['a', 'b'])
})

test('all events of a run have the same `run`, with the ids of its parent and root', async () => {
  const recorded = recorder()
  await lambda((x: number, context) => inner.invoke(x, context)).invoke(1, { callbacks: [recorded] })
  const [outer, below] = recorded.events.filter((event) => event.type === 'start').map((event) => event.run)
  expect(below).toMatchObject({ parentId: outer?.id, rootId: outer?.id, name: 'inner' })
  expect(outer).toMatchObject({ parentId: undefined, rootId: outer?.id })
  expect(new Set(recorded.events.map((event) => event.run.id)).size).toBe(2)
  expect(recorded.events.map((event) => event.seq)).toEqual([0, 1, 2, 3])
})
const inner = lambda(function inner(x: number) {
  return x + 1
})

test('run ids are distinct UUIDs of version 7; `runId` sets the id of the root', async () => {
  const recorded = recorder()
  await parallel({ a: inner, b: inner }).invoke(1, { callbacks: [recorded], runId: 'mine' })
  const ids = recorded.events.filter((event) => event.type === 'start').map((event) => event.run.id)
  expect(ids[0]).toBe('mine')
  expect(new Set(ids).size).toBe(3)
  for (const id of ids.slice(1)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('lambda() runs a returned runnable as its child', async () => {
  const recorded = recorder()
  const route = lambda((x: number) => (x > 0 ? inner : inner), { name: 'route' })
  expect(await route.invoke(1, { callbacks: [recorded] })).toBe(2)
  expect(recorded.trace()).toEqual(['S route', 'S inner<route', 'E inner', 'E route'])
})

test('parallel() starts its branches concurrently, tags each with its key and ends after them', async () => {
  const recorded = recorder()
  const map = parallel({ a: inner, b: lambda((x: number) => x * 10, { name: 'ten' }) })
  expect(await map.invoke(4, { callbacks: [recorded] })).toEqual({ a: 5, b: 40 })
  recorded.check()
  expect(recorded.trace().slice(0, 3)).toEqual(['S RunnableParallel', 'S inner<RunnableParallel', 'S ten<RunnableParallel'])
  expect(recorded.trace().at(-1)).toBe('E RunnableParallel')
  expect(recorded.events.filter((event) => event.type === 'start').map((event) => event.run.tags)).toEqual([
    [],
    ['map:key:a'],
    ['map:key:b'],
  ])
})

test('assign() adds keys to the input; its stream yields the input first', async () => {
  const chain = assign({ b: (input: { a: number }) => input.a + 1 })
  expect(await chain.invoke({ a: 1 })).toEqual({ a: 1, b: 2 })
  const chunks: unknown[] = []
  for await (const chunk of chain.stream({ a: 1 })) chunks.push(chunk)
  expect(chunks).toEqual([{ a: 1 }, { b: 2 }])
})

test('assign() overrides keys of the input', async () => {
  expect(await assign({ a: (input: { a: number }) => input.a + 1 }).invoke({ a: 1 })).toEqual({ a: 2 })
})

test('parallel() streams the chunks of all branches as they come, and folds the output by key', async () => {
  const run = parallel({
    text: lambda(function* () {
      yield* ['x', 'y']
    }),
    same: passthrough<string>(),
  }).stream('in')
  const chunks: unknown[] = []
  for await (const chunk of run) chunks.push(chunk)
  expect(chunks).toEqual(expect.arrayContaining([{ text: 'x' }, { text: 'y' }, { same: 'in' }]))
  expect(await run.outcome).toMatchObject({ status: 'complete', output: { text: 'xy', same: 'in' } })
})

test('sequence() flattens nested sequences, except those with bound options', async () => {
  const recorded = recorder()
  const two = inner.pipe(inner)
  await sequence(two, two).invoke(0, { callbacks: [recorded] })
  expect(recorded.trace().filter((line) => line.startsWith('S'))).toHaveLength(5)
  const named = recorder()
  await sequence(two.withConfig({ runName: 'pair' }), inner).invoke(0, { callbacks: [named] })
  expect(named.trace().filter((line) => line.startsWith('S'))).toEqual([
    'S RunnableSequence',
    'S pair<RunnableSequence',
    'S inner<pair',
    'S inner<pair',
    'S inner<RunnableSequence',
  ])
})

test('pipe(): a function after the model gives one chunk, a generator many; a step before the model does not block its streaming', async () => {
  const model = scriptedModel([['a', 'b', 'c']])
  const text = lambda((x: string) => x).pipe(prompt.pipe(model).pipe(new StringOutputParser()) as never)
  void text
  const whole: unknown[] = []
  for await (const chunk of prompt
    .pipe(model)
    .pipe(new StringOutputParser())
    .pipe((all) => all.length)
    .stream({ animal: 'x' }))
    whole.push(chunk)
  expect(whole).toEqual([3])
  const many: string[] = []
  const spell = prompt
    .pipe(model)
    .pipe(new StringOutputParser())
    .pipe(async function* (all) {
      yield* all
    })
  for await (const chunk of spell.stream({ animal: 'x' })) many.push(chunk)
  expect(many).toEqual(['a', 'b', 'c'])
})

test('a failed step and its parents end with the same error object, and the next steps never start', async () => {
  const recorded = recorder()
  const boom = new Error('boom')
  const chain = sequence(
    inner,
    lambda(
      () => {
        throw boom
      },
      { name: 'bad' },
    ),
    inner,
  )
  await expect(chain.invoke(1, { callbacks: [recorded] })).rejects.toBe(boom)
  recorded.check()
  expect(recorded.trace()).toEqual([
    'S RunnableSequence',
    'S inner<RunnableSequence',
    'E inner',
    'S bad<RunnableSequence',
    'X bad',
    'X RunnableSequence',
  ])
  for (const event of recorded.events) if (event.type === 'error') expect(event.error).toBe(boom)
})

test('when a model fails mid-stream, the model ends first, then the parser, then the root, each with its partial output', async () => {
  const recorded = recorder()
  const model = scriptedModel([{ tokens: ['a', 'b'], error: new Error('cut') }])
  const run = prompt
    .pipe(model)
    .pipe(new StringOutputParser())
    .stream({ animal: 'x' }, { callbacks: [recorded] })
  await expect(run.drain()).rejects.toThrow('cut')
  recorded.check()
  expect(recorded.trace().slice(-3)).toEqual(['X ScriptedModel', 'X StringOutputParser', 'X RunnableSequence'])
  expect(recorded.events.flatMap((event) => (event.type === 'error' ? [event.partial] : []))).toEqual([
    expect.objectContaining({ content: 'ab' }),
    'ab',
    'ab',
  ])
  expect(await run.outcome).toMatchObject({ status: 'failed', partial: 'ab' })
})

test('batch() runs each input in a root run of its own and returns the outputs in the order of the inputs', async () => {
  const recorded = recorder()
  expect(await inner.batch([1, 2, 3], { callbacks: [recorded], maxConcurrency: 2, runId: 'first' })).toEqual([2, 3, 4])
  recorded.check()
  expect(new Set(recorded.events.map((event) => event.run.rootId)).size).toBe(3)
  expect(recorded.events[0]?.run.id).toBe('first')
})

test('batch() throws the first failure and aborts the other runs; with returnErrors it returns errors in the places of outputs', async () => {
  const recorded = recorder()
  const picky = lambda(async (x: number, { signal }) => {
    if (x === 2) throw new Error('two')
    if (x === 3) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return x
  })
  await expect(picky.batch([1, 2, 3], { callbacks: [recorded] })).rejects.toThrow('two')
  recorded.check()
  expect(recorded.open).toEqual([])
  const outputs = await picky.batch([1, 2], { returnErrors: true })
  expect(outputs).toEqual([1, expect.objectContaining({ message: 'two' })])
})
