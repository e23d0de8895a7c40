import { assign, ChatPromptTemplate, lambda, parallel, passthrough, StringOutputParser, sequence } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { expect, test } from 'vitest'

const prompt = ChatPromptTemplate.fromTemplate('A joke about {animal}')

test('P1: a streamed chain tells its runs in the order of the data, the model ending before the parser and the parser before the root', async () => {
  const heard = recorder()
  const chain = prompt.pipe(scriptedModel([['a', 'b']])).pipe(new StringOutputParser())
  await chain.stream({ animal: 'bears' }, { callbacks: [heard] }).drain()
  heard.check()
  expect(heard.trace()).toEqual([
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

test('an invoked chain hears no token, unless its model was made with streaming: true', async () => {
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

test('every event of a run carries the same run, with true parent and root ids', async () => {
  const heard = recorder()
  await lambda((x: number, context) => inner.invoke(x, context)).invoke(1, { callbacks: [heard] })
  const [outer, below] = heard.events.filter((event) => event.type === 'start').map((event) => event.run)
  expect(below).toMatchObject({ parentId: outer?.id, rootId: outer?.id, name: 'inner' })
  expect(outer).toMatchObject({ parentId: undefined, rootId: outer?.id })
  expect(new Set(heard.events.map((event) => event.run.id)).size).toBe(2)
  expect(heard.events.map((event) => event.seq)).toEqual([0, 1, 2, 3])
})
const inner = lambda(function inner(x: number) {
  return x + 1
})

test('run ids are UUIDs of version 7, each of its own; a given id is the root’s', async () => {
  const heard = recorder()
  await parallel({ a: inner, b: inner }).invoke(1, { callbacks: [heard], runId: 'mine' })
  const ids = heard.events.filter((event) => event.type === 'start').map((event) => event.run.id)
  expect(ids[0]).toBe('mine')
  expect(new Set(ids).size).toBe(3)
  for (const id of ids.slice(1)) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('a lambda that returns a runnable has it run below itself', async () => {
  const heard = recorder()
  const route = lambda((x: number) => (x > 0 ? inner : inner), { name: 'route' })
  expect(await route.invoke(1, { callbacks: [heard] })).toBe(2)
  expect(heard.trace()).toEqual(['S route', 'S inner<route', 'E inner', 'E route'])
})

test('a map starts its branches side by side, each tagged with its key, and ends after them', async () => {
  const heard = recorder()
  const map = parallel({ a: inner, b: lambda((x: number) => x * 10, { name: 'ten' }) })
  expect(await map.invoke(4, { callbacks: [heard] })).toEqual({ a: 5, b: 40 })
  heard.check()
  expect(heard.trace().slice(0, 3)).toEqual(['S RunnableParallel', 'S inner<RunnableParallel', 'S ten<RunnableParallel'])
  expect(heard.trace().at(-1)).toBe('E RunnableParallel')
  expect(heard.events.filter((event) => event.type === 'start').map((event) => event.run.tags)).toEqual([[], ['map:key:a'], ['map:key:b']])
})

test('assign keeps the input and adds to it, the input first when streamed', async () => {
  const chain = assign({ b: (input: { a: number }) => input.a + 1 })
  expect(await chain.invoke({ a: 1 })).toEqual({ a: 1, b: 2 })
  const chunks: unknown[] = []
  for await (const chunk of chain.stream({ a: 1 })) chunks.push(chunk)
  expect(chunks).toEqual([{ a: 1 }, { b: 2 }])
})

test('an assigned key wins over the input’s own', async () => {
  expect(await assign({ a: (input: { a: number }) => input.a + 1 }).invoke({ a: 1 })).toEqual({ a: 2 })
})

test('a map streams each branch as its chunks come, and its output is folded by key', async () => {
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

test('chains of chains are one sequence; one with bound options stands for itself', async () => {
  const heard = recorder()
  const two = inner.pipe(inner)
  await sequence(two, two).invoke(0, { callbacks: [heard] })
  expect(heard.trace().filter((line) => line.startsWith('S'))).toHaveLength(5)
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

test('a step before the model does not block its streaming, a plain function after it gives one chunk, a generator many', async () => {
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

test('errors end the failed step and its parents with the same error object, and what follows never starts', async () => {
  const heard = recorder()
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
  await expect(chain.invoke(1, { callbacks: [heard] })).rejects.toBe(boom)
  heard.check()
  expect(heard.trace()).toEqual([
    'S RunnableSequence',
    'S inner<RunnableSequence',
    'E inner',
    'S bad<RunnableSequence',
    'X bad',
    'X RunnableSequence',
  ])
  for (const event of heard.events) if (event.type === 'error') expect(event.error).toBe(boom)
})

test('a model that fails in the middle ends first, then the parser, then the root, each with what it had', async () => {
  const heard = recorder()
  const model = scriptedModel([{ tokens: ['a', 'b'], error: new Error('cut') }])
  const run = prompt
    .pipe(model)
    .pipe(new StringOutputParser())
    .stream({ animal: 'x' }, { callbacks: [heard] })
  await expect(run.drain()).rejects.toThrow('cut')
  heard.check()
  expect(heard.trace().slice(-3)).toEqual(['X ScriptedModel', 'X StringOutputParser', 'X RunnableSequence'])
  expect(heard.events.flatMap((event) => (event.type === 'error' ? [event.partial] : []))).toEqual([
    expect.objectContaining({ content: 'ab' }),
    'ab',
    'ab',
  ])
  expect(await run.outcome).toMatchObject({ status: 'failed', partial: 'ab' })
})

test('batch runs each input as a root of its own, in the order of the inputs', async () => {
  const heard = recorder()
  expect(await inner.batch([1, 2, 3], { callbacks: [heard], maxConcurrency: 2, runId: 'first' })).toEqual([2, 3, 4])
  heard.check()
  expect(new Set(heard.events.map((event) => event.run.rootId)).size).toBe(3)
  expect(heard.events[0]?.run.id).toBe('first')
})

test('batch throws the first failure and aborts the rest, or gives errors in their places', async () => {
  const heard = recorder()
  const picky = lambda(async (x: number, { signal }) => {
    if (x === 2) throw new Error('two')
    if (x === 3) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return x
  })
  await expect(picky.batch([1, 2, 3], { callbacks: [heard] })).rejects.toThrow('two')
  heard.check()
  expect(heard.open).toEqual([])
  const outputs = await picky.batch([1, 2], { returnErrors: true })
  expect(outputs).toEqual([1, expect.objectContaining({ message: 'two' })])
})
