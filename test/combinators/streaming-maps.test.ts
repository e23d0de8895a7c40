// passthrough, assign and parallel after a step that streams.
import { assign, JsonOutputParser, lambda, passthrough, StringOutputParser } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { counted, readAll, Talker, turn } from '../support/sources.ts'

const answer = () => scriptedModel([['a', 'b', 'c']]).pipe(new StringOutputParser())

test('parallel() after a streaming step: steps that work on chunks stream, others receive the whole', async () => {
  const chain = answer().pipe({ text: passthrough(), length: (text) => text.length, deep: { same: passthrough() } })
  const recorded = recorder()
  const { chunks } = await readAll(chain.stream('q', { callbacks: [recorded] }))
  recorded.check()
  const of = (key: string) => chunks.flatMap((chunk) => (key in (chunk as object) ? [(chunk as Record<string, unknown>)[key]] : []))
  expect(of('text')).toEqual(['a', 'b', 'c'])
  expect(of('deep')).toEqual([{ same: 'a' }, { same: 'b' }, { same: 'c' }])
  expect(of('length')).toEqual([3])
  expect(await chain.invoke('q')).toEqual({ text: 'abc', length: 3, deep: { same: 'abc' } })
})

test('parallel() after a model: parsers and the message side by side', async () => {
  const chain = scriptedModel([['{"a"', ':1}']]).pipe({ text: new StringOutputParser(), json: new JsonOutputParser(), raw: passthrough() })
  expect(await chain.invoke('q')).toMatchObject({ text: '{"a":1}', json: { a: 1 }, raw: { role: 'assistant', content: '{"a":1}' } })
})

test('assign() after a streaming step passes its chunks on, without keys that steps replace', async () => {
  const chain = answer()
    .pipe({ text: passthrough(), old: passthrough() })
    .pipe(
      assign({ length: ({ text }: { text: string; old: string }) => text.length, old: ({ old }: { old: string }) => old.toUpperCase() }),
    )
  const { chunks } = await readAll(chain.stream('q'))
  expect(chunks.filter((chunk) => 'text' in chunk)).toEqual([{ text: 'a' }, { text: 'b' }, { text: 'c' }])
  expect(chunks.filter((chunk) => 'old' in chunk)).toEqual([{ old: 'ABC' }])
  expect(await chain.invoke('q')).toEqual({ text: 'abc', length: 3, old: 'ABC' })
})

test('assign() after partial objects streams them; after other steps it waits for the object', async () => {
  const json = scriptedModel([['{"a":1', ',"b":2}']]).pipe(new JsonOutputParser<{ a: number; b: number }>())
  const chain = json.pipe(assign({ sum: ({ a, b }: { a: number; b: number }) => a + b }))
  const { chunks } = await readAll(chain.stream('q'))
  expect(chunks.slice(-2)).toEqual([{ a: 1, b: 2 }, { sum: 3 }])
  expect(await chain.invoke('q')).toEqual({ a: 1, b: 2, sum: 3 })
  const message = scriptedModel([['a', 'b']]).pipe(assign({ length: ({ content }: { content: unknown }) => String(content).length }))
  expect((await readAll(message.stream('q'))).chunks).toMatchObject([{ role: 'assistant', content: 'ab' }, { length: 2 }])
  const list = scriptedModel(['[1]'])
    .pipe(new JsonOutputParser())
    .pipe(assign({ n: () => 1 }) as never)
  await expect(list.invoke('q')).rejects.toMatchObject({ code: 'invalid_options' })
})

test('a map after one value starts with that value as input', async () => {
  const recorded = recorder()
  await lambda((x: string) => x)
    .pipe({ same: passthrough() })
    .pipe(assign({ n: () => 1 }))
    .invoke('in', { callbacks: [recorded] })
  const inputs = recorded.events.flatMap((event) => (event.type === 'start' && event.run.name !== 'RunnableSequence' ? [event.input] : []))
  expect(inputs.slice(1, 3)).toEqual(['in', 'in'])
})

test('maxConcurrency holds for streaming maps, in every order of steps', async () => {
  for (const maxConcurrency of [1, 2, 3]) {
    const chain = answer().pipe({ n: (text) => text.length, a: passthrough(), m: () => 1, b: passthrough() })
    expect(await chain.invoke('q', { maxConcurrency })).toEqual({ n: 3, a: 'abc', m: 1, b: 'abc' })
    const assigned = chain.pipe(assign({ k: () => 2 }))
    expect(await assigned.invoke('q', { maxConcurrency })).toEqual({ n: 3, a: 'abc', m: 1, b: 'abc', k: 2 })
  }
})

const slow: Transformer<string, string> = {
  async transform(chunk, controller) {
    await turn(1)
    controller.enqueue(chunk)
  },
}

test('a slow step of a map slows the source (P6), and leaving closes it (P2)', async () => {
  const recorded = recorder()
  const talker = new Talker(() => counted(Array.from({ length: 100 }, (_, index) => [`${index}`])))
  const chain = talker.pipe({ fast: passthrough(), slow, n: (text: string) => text.length })
  for await (const chunk of chain.stream('x', { callbacks: [recorded] })) if ('slow' in chunk && chunk.slow === '3') break
  expect(talker.last.pulls()).toBeLessThan(8)
  expect(talker.last.cancels).toHaveLength(1)
  await turn()
  recorded.check()
  expect(recorded.open).toEqual([])
})

test('a streaming map delivers what came before an error (P3), and closes every run (P1)', async () => {
  const recorded = recorder()
  const talker = new Talker(() => counted([['a'], ['b']], { error: new Error('socket') }))
  const { chunks, error } = await readAll(talker.pipe({ fast: passthrough(), slow }).stream('x', { callbacks: [recorded] }))
  expect(error).toMatchObject({ message: 'socket' })
  expect(chunks).toHaveLength(4)
  recorded.check()
  expect(recorded.open).toEqual([])
})

test('a streaming map whose steps have all terminated closes the source', async () => {
  const talker = new Talker(() => counted([['a'], ['b'], ['c']], { stall: true }))
  const first: Transformer<string, string> = {
    transform(chunk, controller) {
      controller.enqueue(chunk)
      controller.terminate()
    },
  }
  expect((await readAll(talker.pipe({ x: first, y: { ...first } }).stream('x'))).chunks).toEqual([{ x: 'a' }, { y: 'a' }])
  expect(talker.last.cancels).toHaveLength(1)
})

test('assign() delivers its input before a step that fails at once (P3)', async () => {
  const failing = assign({
    n: ({ a }: { a: number }): number => {
      throw new Error(`no ${a}`)
    },
  })
  const { chunks, error } = await readAll(failing.stream({ a: 1 }))
  expect(chunks).toEqual([{ a: 1 }])
  expect(error).toMatchObject({ message: 'no 1' })
})

test('streaming maps give the output of explicit steps, for random chunks, batches, steps and limits', async () => {
  const batches = fc.array(fc.array(fc.string(), { maxLength: 3 }), { maxLength: 6 })
  const step = fc.constantFrom('passthrough', 'length', 'slow', 'map' as const)
  const make = { passthrough: () => passthrough(), length: () => (x: unknown) => x, slow: () => slow, map: () => ({ k: passthrough() }) }
  await fc.assert(
    fc.asyncProperty(
      batches,
      fc.array(step, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 5 }),
      async (given, kinds, maxConcurrency) => {
        const map = Object.fromEntries(kinds.map((kind, index) => [`k${index}`, make[kind]()]))
        const recorded = recorder()
        const talker = () => new Talker(() => counted(given))
        const whole = await talker().invoke('x')
        const slowed = await talker().pipe(slow).invoke('x')
        const output = await talker()
          .pipe(map as never)
          .invoke('x', { maxConcurrency, callbacks: [recorded] })
        recorded.check()
        expect(output).toEqual(
          Object.fromEntries(
            kinds.map((kind, index) => [`k${index}`, { passthrough: whole, length: whole, slow: slowed, map: { k: whole } }[kind]]),
          ),
        )
      },
    ),
    { numRuns: 60 },
  )
})
