import { ChaintapError, type Handler, PromptTemplate, type RunEvent } from 'chaintap'
import { describe, expect, it } from 'vitest'

const joke = PromptTemplate.fromTemplate('A joke about {animal}.')

const failure = async (work: Promise<unknown>): Promise<ChaintapError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof ChaintapError) return error
  throw new Error('Expected a ChaintapError', { cause: error })
}

/** Passes any value, as an untyped program may. */
const untyped = (input: unknown) => input as never

describe('PromptTemplate', () => {
  it('inserts strings, numbers and booleans', async () => {
    const prompt = PromptTemplate.fromTemplate('{a} {b} {c}')
    expect(await prompt.invoke({ a: 'x', b: 0, c: false })).toBe('x 0 false')
  })

  it('invoke() emits one run: start with the input, end with the text', async () => {
    const events: RunEvent[] = []
    await joke.invoke({ animal: 'bears' }, { callbacks: [(event) => void events.push(event)] })
    expect(events).toMatchObject([
      { type: 'start', input: { animal: 'bears' }, run: { name: 'PromptTemplate', kind: 'prompt' } },
      { type: 'end', output: 'A joke about bears.' },
    ])
  })

  it('stream() yields the text as one chunk', async () => {
    const chunks: string[] = []
    for await (const chunk of joke.stream({ animal: 'bears' })) chunks.push(chunk)
    expect(chunks).toEqual(['A joke about bears.'])
  })

  it('accepts an empty object if it has no variables', async () => {
    expect(await PromptTemplate.fromTemplate('Hi').invoke({})).toBe('Hi')
  })

  it('ignores input keys that are not variables', async () => {
    const more = { animal: 'bears', mood: 'merry' }
    expect(await joke.invoke(more)).toBe('A joke about bears.')
  })

  it('accepts the value itself if it has one variable', async () => {
    expect(await joke.invoke('bears')).toBe('A joke about bears.')
    expect(await joke.invoke(untyped(7))).toBe('A joke about 7.')
  })

  it('inputVariables lists the variables in the order of the text', () => {
    expect(PromptTemplate.fromTemplate('{b} {a} {b}').inputVariables).toEqual(['b', 'a'])
  })

  it("applies the constructor's callbacks, tags and metadata to its run", async () => {
    const events: string[] = []
    const callbacks: Handler[] = [(event) => void events.push(event.type)]
    const prompt = PromptTemplate.fromTemplate('Hi', { callbacks, tags: ['t'], metadata: { m: 1 } })
    const run = prompt.stream({})
    await run.drain()
    expect(events).toEqual(['start', 'end'])
    expect(run.run).toMatchObject({ tags: ['t'], metadata: { m: 1 } })
  })
})

describe('PromptTemplate with a missing variable', () => {
  it('names the missing, expected and received variables, and hints at doubled braces', async () => {
    const prompt = PromptTemplate.fromTemplate('{animal } {mood} {n}')
    const error = await failure(prompt.invoke(untyped({ animal: 'bears', n: 1 })))
    expect(error.code).toBe('missing_variable')
    expect(error.message).toContain('missing variables "animal ", "mood"')
    expect(error.message).toContain('Expected "animal ", "mood", "n"')
    expect(error.message).toContain('received "animal", "n"')
    expect(error.message).toContain('{{ and }}')
  })

  it.each(['constructor', 'toString', '__proto__'])('does not read variables from the prototype: %s', async (name) => {
    expect((await failure(new PromptTemplate(`{${name}}`).invoke({}))).code).toBe('missing_variable')
  })

  it('emits start and error, and rejects with the same error', async () => {
    const events: RunEvent[] = []
    const error = await failure(joke.invoke(untyped({}), { callbacks: [(event) => void events.push(event)] }))
    expect(events).toMatchObject([{ type: 'start', input: {} }, { type: 'error' }])
    expect(events[1]).toHaveProperty('error', error)
  })
})

describe('PromptTemplate with an invalid input', () => {
  it.each<[string, PromptTemplate<never>, unknown, RegExp]>([
    ['a string for two variables', new PromptTemplate('{a} {b}'), 'x', /expected an object with "a", "b", but received a string/],
    ['a list for two variables', new PromptTemplate('{a} {b}'), ['x', 'y'], /but received an array/],
    ['a string for no variable', new PromptTemplate('Hi'), 'x', /expected an object with nothing, but received a string/],
    [
      'an object as a value',
      new PromptTemplate('{a}'),
      { a: { role: 'user', content: 'sk-secret' } },
      /"a": expected .*but received an object with role, content/,
    ],
    ['null as a value', new PromptTemplate('{a}'), { a: null }, /but received null/],
    ['a function as a value', new PromptTemplate('{a}'), { a: () => 'x' }, /but received a function/],
  ])('%s rejects with invalid_input, and the message contains no value', async (_, prompt, input, expected) => {
    const error = await failure(prompt.invoke(untyped(input)))
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(expected) })
    expect(error.message).not.toContain('sk-secret')
  })
})

describe('PromptTemplate.partial()', () => {
  it('removes the variable from the input of the copy and leaves the original unchanged', async () => {
    const prompt = PromptTemplate.fromTemplate('{date}: {question}')
    const dated = prompt.partial({ date: 'today' })
    expect(dated.inputVariables).toEqual(['question'])
    expect(await dated.invoke({ question: 'Why?' })).toBe('today: Why?')
    expect(await dated.invoke('Why?')).toBe('today: Why?')
    expect(prompt.inputVariables).toEqual(['date', 'question'])
  })

  it('calls a function in every run and awaits its promise', async () => {
    let calls = 0
    const prompt = PromptTemplate.fromTemplate('{n} {m} {x}').partial({ n: () => ++calls, m: async () => 'later' })
    expect(await prompt.batch([{ x: 'a' }, { x: 'b' }])).toEqual(['1 later a', '2 later b'])
  })

  it('rejects the run with the error of a function', async () => {
    const prompt = PromptTemplate.fromTemplate('{x}').partial({
      x: () => {
        throw new RangeError('no x')
      },
    })
    await expect(prompt.invoke({})).rejects.toThrow(RangeError)
  })

  it('accumulates values and keeps options bound before', async () => {
    const prompt = PromptTemplate.fromTemplate('{a}{b}{c}')
      .withConfig({ tags: ['bound'] })
      .partial({ a: 1 })
      .partial({ b: 2 })
    const run = prompt.stream({ c: 3 })
    await run.drain()
    expect(await run.outcome).toMatchObject({ output: '123' })
    expect(run.run.tags).toEqual(['bound'])
  })

  it('rejects an input that contains a filled variable', async () => {
    const prompt = PromptTemplate.fromTemplate('{a}{b}').partial({ a: 1 })
    const error = await failure(prompt.invoke(untyped({ a: 2, b: 3 })))
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringContaining('"a" is already set by partial()') })
  })
})
