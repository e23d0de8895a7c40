import { ChaintapError, type Handler, PromptTemplate, type RunEvent } from 'chaintap'
import { describe, expect, it } from 'vitest'

const joke = PromptTemplate.fromTemplate('A joke about {animal}.')

const failure = async (work: Promise<unknown>): Promise<ChaintapError> => {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof ChaintapError) return error
  throw new Error('It did not fail with an error of ours', { cause: error })
}

/** As a program without types calls it. */
const untyped = (input: unknown) => input as never

describe('a prompt', () => {
  it('puts values into its text, numbers and booleans too', async () => {
    const prompt = PromptTemplate.fromTemplate('{a} {b} {c}')
    expect(await prompt.invoke({ a: 'x', b: 0, c: false })).toBe('x 0 false')
  })

  it('is one run that starts with the input and ends with the text', async () => {
    const heard: RunEvent[] = []
    await joke.invoke({ animal: 'bears' }, { callbacks: [(event) => void heard.push(event)] })
    expect(heard).toMatchObject([
      { type: 'start', input: { animal: 'bears' }, run: { name: 'PromptTemplate', kind: 'prompt' } },
      { type: 'end', output: 'A joke about bears.' },
    ])
  })

  it('streams its text as one chunk', async () => {
    const chunks: string[] = []
    for await (const chunk of joke.stream({ animal: 'bears' })) chunks.push(chunk)
    expect(chunks).toEqual(['A joke about bears.'])
  })

  it('without variables takes an empty object', async () => {
    expect(await PromptTemplate.fromTemplate('Hi').invoke({})).toBe('Hi')
  })

  it('ignores what it has no variable for', async () => {
    const more = { animal: 'bears', mood: 'merry' }
    expect(await joke.invoke(more)).toBe('A joke about bears.')
  })

  it('with one variable takes the value alone', async () => {
    expect(await joke.invoke('bears')).toBe('A joke about bears.')
    expect(await joke.invoke(untyped(7))).toBe('A joke about 7.')
  })

  it('names the variables that an input must have', () => {
    expect(PromptTemplate.fromTemplate('{b} {a} {b}').inputVariables).toEqual(['b', 'a'])
  })

  it('carries callbacks, tags and metadata of its own', async () => {
    const heard: string[] = []
    const callbacks: Handler[] = [(event) => void heard.push(event.type)]
    const prompt = PromptTemplate.fromTemplate('Hi', { callbacks, tags: ['t'], metadata: { m: 1 } })
    const run = prompt.stream({})
    await run.drain()
    expect(heard).toEqual(['start', 'end'])
    expect(run.run).toMatchObject({ tags: ['t'], metadata: { m: 1 } })
  })
})

describe('a variable that is missing', () => {
  it('is named, with what is expected and what came, and the hint to double braces', async () => {
    const prompt = PromptTemplate.fromTemplate('{animal } {mood} {n}')
    const error = await failure(prompt.invoke(untyped({ animal: 'bears', n: 1 })))
    expect(error.code).toBe('missing_variable')
    expect(error.message).toContain('misses "animal ", "mood"')
    expect(error.message).toContain('takes "animal ", "mood", "n"')
    expect(error.message).toContain('given "animal", "n"')
    expect(error.message).toContain('{{ and }}')
  })

  it.each(['constructor', 'toString', '__proto__'])('is not found on the prototype: %s', async (name) => {
    expect((await failure(new PromptTemplate(`{${name}}`).invoke({}))).code).toBe('missing_variable')
  })

  it('starts the run, ends it with the error, and throws the same', async () => {
    const heard: RunEvent[] = []
    const error = await failure(joke.invoke(untyped({}), { callbacks: [(event) => void heard.push(event)] }))
    expect(heard).toMatchObject([{ type: 'start', input: {} }, { type: 'error' }])
    expect(heard[1]).toHaveProperty('error', error)
  })
})

describe('a wrong input', () => {
  it.each<[string, PromptTemplate<never>, unknown, RegExp]>([
    ['a string for two variables', new PromptTemplate('{a} {b}'), 'x', /takes an object with "a", "b", but got a string/],
    ['a list for two variables', new PromptTemplate('{a} {b}'), ['x', 'y'], /but got an array/],
    ['a string for no variable', new PromptTemplate('Hi'), 'x', /takes an object with nothing, but got a string/],
    [
      'an object as a value',
      new PromptTemplate('{a}'),
      { a: { role: 'user', content: 'sk-secret' } },
      /"a" takes .*but got an object with role, content/,
    ],
    ['null as a value', new PromptTemplate('{a}'), { a: null }, /but got null/],
    ['a function as a value', new PromptTemplate('{a}'), { a: () => 'x' }, /but got a function/],
  ])('%s is a typed error that shows no value', async (_, prompt, input, told) => {
    const error = await failure(prompt.invoke(untyped(input)))
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringMatching(told) })
    expect(error.message).not.toContain('sk-secret')
  })
})

describe('a value filled in by partial()', () => {
  it('is no input any more, and leaves the first prompt as it was', async () => {
    const prompt = PromptTemplate.fromTemplate('{date}: {question}')
    const dated = prompt.partial({ date: 'today' })
    expect(dated.inputVariables).toEqual(['question'])
    expect(await dated.invoke({ question: 'Why?' })).toBe('today: Why?')
    expect(await dated.invoke('Why?')).toBe('today: Why?')
    expect(prompt.inputVariables).toEqual(['date', 'question'])
  })

  it('may come from a function, called for each run, and from a promise', async () => {
    let calls = 0
    const prompt = PromptTemplate.fromTemplate('{n} {m} {x}').partial({ n: () => ++calls, m: async () => 'later' })
    expect(await prompt.batch([{ x: 'a' }, { x: 'b' }])).toEqual(['1 later a', '2 later b'])
  })

  it('fails the run where its function fails', async () => {
    const prompt = PromptTemplate.fromTemplate('{x}').partial({
      x: () => {
        throw new RangeError('no x')
      },
    })
    await expect(prompt.invoke({})).rejects.toThrow(RangeError)
  })

  it('adds up, and keeps options bound before', async () => {
    const prompt = PromptTemplate.fromTemplate('{a}{b}{c}')
      .withConfig({ tags: ['bound'] })
      .partial({ a: 1 })
      .partial({ b: 2 })
    const run = prompt.stream({ c: 3 })
    await run.drain()
    expect(await run.outcome).toMatchObject({ output: '123' })
    expect(run.run.tags).toEqual(['bound'])
  })

  it('cannot be given again', async () => {
    const prompt = PromptTemplate.fromTemplate('{a}{b}').partial({ a: 1 })
    const error = await failure(prompt.invoke(untyped({ a: 2, b: 3 })))
    expect(error).toMatchObject({ code: 'invalid_input', message: expect.stringContaining('"a" from partial()') })
  })
})
