// The forms of a step, wherever one may stand.
import {
  assign,
  branch,
  ChaintapError,
  fallback,
  lambda,
  PromptTemplate,
  parallel,
  passthrough,
  type Runnable,
  retry,
  sequence,
} from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'

type AnyRunnable = Runnable<unknown, unknown, unknown>

/** Where a step may stand; each runs it with the input of the whole and wraps its output as `wrap` says. */
const places: Readonly<
  Record<string, { make(step: never): AnyRunnable; readonly wrap: (output: unknown) => unknown; readonly place: string }>
> = {
  pipe: { make: (step) => passthrough<unknown>().pipe(step), wrap: (output) => output, place: 'pipe()' },
  'sequence, first': { make: (step) => sequence(step, passthrough()), wrap: (output) => output, place: 'sequence(), step 1' },
  'sequence, last': { make: (step) => sequence(passthrough(), step), wrap: (output) => output, place: 'sequence(), step 2' },
  parallel: { make: (step) => parallel({ key: step }), wrap: (output) => ({ key: output }), place: 'parallel(), key "key"' },
  'a map in a map': {
    make: (step) => passthrough<unknown>().pipe({ a: { b: step } }),
    wrap: (output) => ({ a: { b: output } }),
    place: 'pipe(), key "a", key "b"',
  },
  assign: {
    make: (step) => sequence(parallel({ old: () => 1 }), assign({ key: sequence(() => 'in', step) as never })),
    wrap: (output) => ({ old: 1, key: output }),
    place: 'sequence(), step 2',
  },
  'branch, case': { make: (step) => branch([() => true, step], () => 'no'), wrap: (output) => output, place: 'branch(), case 1' },
  'branch, last': {
    make: (step) => branch([() => false, () => 'no'], step),
    wrap: (output) => output,
    place: 'branch(), last step',
  },
  retry: { make: (step) => retry(step), wrap: (output) => output, place: 'retry()' },
  'fallback, first': { make: (step) => fallback(step, () => 'no') as never, wrap: (output) => output, place: 'fallback(), step 1' },
  'fallback, next': {
    make: (step) =>
      fallback(() => {
        throw new Error('first')
      }, step),
    wrap: (output) => output,
    place: 'fallback(), step 2',
  },
}

/** A class with fields of its own, as a user writes it. */
class Upper implements Transformer<string, string> {
  readonly count = 0
  transform(text: string, controller: TransformStreamDefaultController<string>): void {
    controller.enqueue(text.toUpperCase())
  }
}

const steps: Readonly<Record<string, { readonly step: () => unknown; readonly output: unknown }>> = {
  'a runnable': { step: () => lambda((x: string) => `${x}!`), output: 'in!' },
  'a function': { step: () => (x: string) => `${x}!`, output: 'in!' },
  'a generator': {
    step: () =>
      async function* (x: string) {
        yield* x.split('')
      },
    output: 'in',
  },
  'a TransformStream': { step: () => new TransformStream(new Upper()), output: 'IN' },
  'a Transformer': { step: () => ({ transform: Upper.prototype.transform }), output: 'IN' },
  'a Transformer with all methods': {
    step: () => ({ start() {}, transform: Upper.prototype.transform, flush() {}, cancel() {} }),
    output: 'IN',
  },
  'a Transformer that only flushes': {
    step: () => ({ flush: (controller: TransformStreamDefaultController) => controller.enqueue('.') }),
    output: 'in.',
  },
  'an instance of a class with transform()': { step: () => new Upper(), output: 'IN' },
  'a map': { step: () => ({ n: (x: string) => x.length, same: passthrough() }), output: { n: 2, same: 'in' } },
  'a map in a map': { step: () => ({ a: { b: { c: (x: string) => x } } }), output: { a: { b: { c: 'in' } } } },
  'a map without a prototype': { step: () => Object.assign(Object.create(null), { n: (x: string) => x }), output: { n: 'in' } },
  'a map with a key of a Transformer among others': {
    step: () => ({ transform: (x: string) => x, other: (x: string) => x }),
    output: { transform: 'in', other: 'in' },
  },
  'a map with a runnable under a key of a Transformer': {
    step: () => ({ transform: lambda((x: string) => x) }),
    output: { transform: 'in' },
  },
  'a map with start and cancel alone': { step: () => ({ start: (x: string) => x }), output: { start: 'in' } },
  'a map with the keys of a TransformStream': {
    step: () => ({ readable: (x: string) => x, writable: () => 1 }),
    output: { readable: 'in', writable: 1 },
  },
}

const notSteps: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  'an empty object': {},
  'an array': [(x: unknown) => x],
  'an empty array': [],
  'a number': 5,
  'a string': 'step',
  'a Date': new Date(),
  'a Map': new Map([['key', () => 1]]),
  'a promise': Promise.resolve(() => 1),
  'a ReadableStream': new ReadableStream(),
  'a map with a value that is no step': { n: 5 },
  'a map with an empty map': { n: {} },
  'a runnable of another library': new (class {
    invoke(): void {}
    transform(): void {}
  })(),
}

describe.each(Object.entries(places))('%s', (_, { make, wrap, place }) => {
  it.each(Object.entries(steps))('accepts %s', async (_, { step, output }) => {
    const recorded = recorder()
    expect(await make(step() as never).invoke('in', { callbacks: [recorded] })).toEqual(wrap(output))
    recorded.check()
    expect(recorded.open).toEqual([])
  })

  it.each(Object.entries(notSteps))('throws invalid_options at construction for %s, and names the place', (_, step) => {
    const error = (() => {
      try {
        return make(step as never)
      } catch (thrown) {
        return thrown
      }
    })()
    expect(error).toBeInstanceOf(ChaintapError)
    expect(error).toMatchObject({ code: 'invalid_options', message: expect.stringContaining(`${place}`) })
  })
})

test('a map of steps runs as parallel() does: the same runs, tags, chunks and output', async () => {
  const leaf = fc.constantFrom<unknown>(
    (x: string) => x.length,
    passthrough(),
    lambda((x: string) => `${x}?`, { name: 'Ask' }),
    scriptedModel([['a', 'b']]),
  )
  const { map } = fc.letrec<{ map: object; step: unknown }>((tie) => ({
    map: fc.dictionary(fc.string({ minLength: 1 }), tie('step'), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
    step: fc.oneof({ maxDepth: 2 }, leaf, tie('map')),
  }))
  await fc.assert(
    fc.asyncProperty(map, async (steps) => {
      const [short, explicit] = [passthrough<string>().pipe(steps as never), passthrough<string>().pipe(parallel(steps as never) as never)]
      const [a, b] = [recorder(), recorder()]
      expect(await short.invoke('in', { callbacks: [a] })).toEqual(await explicit.invoke('in', { callbacks: [b] }))
      a.check()
      expect(a.trace()).toEqual(b.trace())
      expect(a.events.map(({ run }) => run.tags)).toEqual(b.events.map(({ run }) => run.tags))
    }),
    { numRuns: 50 },
  )
})

test('a map opens a sequence: retrieval, a prompt, a model', async () => {
  const retrieve = lambda(async (question: string) => [{ pageContent: `About ${question}` }])
  const model = scriptedModel(['Because.'])
  const chain = sequence(
    { context: retrieve.pipe((documents) => documents.map(({ pageContent }) => pageContent).join('\n')), question: passthrough() },
    PromptTemplate.fromTemplate('{context}: {question}?'),
    model,
    ({ content }) => content,
  )
  expect(await chain.invoke('bears')).toBe('Because.')
  expect(model.record.inputs).toEqual([[{ role: 'user', content: 'About bears: bears?' }]])
})

test('parallel(), assign() and branch() throw invalid_options for arguments of a wrong form', () => {
  const invalid = (message: string) => expect.objectContaining({ code: 'invalid_options', message: expect.stringContaining(message) })
  for (const wrong of [undefined, null, [], [() => 1], () => 1, new Map(), lambda(() => 1)]) {
    expect(() => parallel(wrong as never)).toThrow(invalid('parallel(): expected an object of steps'))
    expect(() => assign(wrong as never)).toThrow(invalid('assign(): expected an object of steps'))
  }
  expect(() => branch(lambda(() => true) as never, () => 1)).toThrow(invalid('branch(), case 1: expected [condition, step]'))
  expect(() => branch([true, () => 1] as never, () => 1)).toThrow(invalid('branch(), case 1'))
  expect(() => branch([() => true, () => 1], [() => true, () => 1] as never)).toThrow(invalid('branch(), last step'))
  expect(() => (sequence as () => unknown)()).toThrow(invalid('sequence()'))
})

test('parallel() takes every key as a step, those of a Transformer too', async () => {
  expect(await parallel({ transform: (x: number) => x + 1, flush: () => 2 }).invoke(1)).toEqual({ transform: 2, flush: 2 })
})
