import { ChaintapError, lambda, type Part, sequence, TimeoutError, type ToolMessage } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { type JsonSchema, type StandardSchema, tool } from 'chaintap/tools'
import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { patience } from '../support/patience.ts'
import { readAll, turn } from '../support/sources.ts'

const weather = tool(({ city }) => `18 °C in ${city}`, {
  name: 'weather',
  description: 'The weather in a city.',
  schema: z.object({ city: z.string() }),
})
const shout = tool((text) => text.toUpperCase(), { name: 'shout', description: 'Shouts.' })
const call = (args: unknown, name = 'weather') => ({ id: 'call_1', name, args })

describe('tool()', () => {
  test('invoke() passes the arguments to the function', async () => {
    expect(await weather.invoke({ city: 'Paris' })).toBe('18 °C in Paris')
  })

  test('accepts a string if it has no schema', async () => {
    expect(await shout.invoke('hey')).toBe('HEY')
  })

  test('answers a tool call with a tool message', async () => {
    expect(await weather.invoke(call({ city: 'Paris' }))).toEqual({ role: 'tool', content: '18 °C in Paris', toolCallId: 'call_1' })
  })

  test('accepts { input } and strings in calls if it has no schema', async () => {
    expect(shout.jsonSchema).toEqual({ type: 'object', properties: { input: { type: 'string' } }, required: ['input'] })
    expect(await shout.invoke(call({ input: 'hey' }, 'shout'))).toMatchObject({ content: 'HEY' })
    expect(await shout.invoke(call('hey', 'shout'))).toMatchObject({ content: 'HEY' })
  })

  test('accepts arguments that look like a call of another tool', async () => {
    const process = tool(({ name }) => name, {
      name: 'process',
      description: 'A process.',
      schema: z.object({ id: z.string(), name: z.string(), args: z.array(z.string()) }),
    })
    expect(await process.invoke({ id: '1', name: 'ls', args: [] })).toBe('ls')
    expect(await process.invoke(call({ id: '1', name: 'ls', args: [] }, 'process'))).toMatchObject({ content: 'ls' })
  })

  test('works as a step of a chain and keeps its fields in withConfig()', async () => {
    const chain = sequence(
      lambda((text: string) => ({ city: text })),
      weather.withConfig({ tags: ['outside'] }),
      lambda((text: string) => text.length),
    )
    const recorded = recorder()
    expect(await chain.invoke('Paris', { callbacks: [recorded] })).toBe(14)
    recorded.check()
    expect(recorded.events.find(({ run }) => run.kind === 'tool')?.run).toMatchObject({ name: 'weather', tags: ['seq:step:2', 'outside'] })
    expect(weather.withConfig({}).jsonSchema).toEqual(weather.jsonSchema)
  })

  test('exposes its options', () => {
    const direct = tool((text) => text, { name: 'echo', description: 'Echoes.', returnDirect: true, tags: ['a'], metadata: { b: 1 } })
    expect(direct).toMatchObject({
      name: 'echo',
      description: 'Echoes.',
      kind: 'tool',
      returnDirect: true,
      tags: ['a'],
      metadata: { b: 1 },
    })
    expect(shout.returnDirect).toBe(false)
  })
})

describe('the tool message for an output of', () => {
  const parts: Part[] = [
    { type: 'text', text: 'A bear' },
    { type: 'image', data: 'AAAA', mediaType: 'image/png' },
  ]
  test.each([
    ['a text', 'x', 'x'],
    ['a number', 7, '7'],
    ['an object', { a: [1, { b: null }] }, '{"a":[1,{"b":null}]}'],
    ['null', null, 'null'],
    ['nothing', undefined, ''],
    ['parts', parts, parts],
    ['an empty list', [], '[]'],
    ['a list of other objects', [{ type: 'text' }], '[{"type":"text"}]'],
    ['a value that is not JSON', 7n, '7'],
  ])('%s', async (_, output, content) => {
    const given = tool(() => output as unknown, { name: 'given', description: 'Gives.' })
    expect(await given.invoke(call('', 'given'))).toEqual({ role: 'tool', content, toolCallId: 'call_1' })
    expect(await given.invoke('')).toEqual(output)
  })
})

describe('a tool that is called without arguments', () => {
  const ways = [{}, undefined, null, '', ' \n']
  test.each(ways)('receives {} for %j', async (args) => {
    const clock = tool((received) => JSON.stringify(received), { name: 'clock', description: 'The time.', schema: z.object({}) })
    const plain = tool((received) => JSON.stringify(received), { name: 'clock', description: 'The time.', jsonSchema: { type: 'object' } })
    for (const made of [clock, plain]) {
      expect(await made.invoke(call(args, 'clock'))).toMatchObject({ content: '{}' })
      expect(await made.invoke(args as never)).toBe('{}')
    }
  })

  test.each([...ways, { input: '' }, { input: null }])('receives an empty string for %j if it has no schema', async (args) => {
    const clock = tool((received) => JSON.stringify(received), { name: 'clock', description: 'The time.' })
    expect(await clock.invoke(call(args === ' \n' ? '' : args, 'clock'))).toMatchObject({ content: '""' })
  })

  test.each(['None', 'none', 'null', '', ' '])('receives {} for the text %j, which models write in the ReAct format', async (text) => {
    const list = tool((received) => JSON.stringify(received), {
      name: 'list',
      description: 'Lists files.',
      schema: z.object({ path: z.string().optional() }),
    })
    expect(await list.invoke(text as never)).toBe('{}')
    const strict = tool(() => 'ran', { name: 'strict', description: 'Needs a path.', schema: z.object({ path: z.string().min(1) }) })
    if (text.trim() === '') await expect(strict.invoke(text as never)).rejects.toMatchObject({ code: 'invalid_arguments' })
  })
})

describe('a call whose arguments are not valid JSON', () => {
  const cut = '{"path":"/srv/data/ol'
  const options = { name: 'remove', description: 'Removes a file.' }
  const fn = vi.fn((args: unknown) => String(args))
  test.each([
    ['a schema of one text', tool(fn, { ...options, schema: z.object({ path: z.string() }) })],
    ['JSON Schema of one text', tool(fn, { ...options, jsonSchema: { properties: { path: { type: 'string' } } } })],
    ['JSON Schema that accepts anything', tool(fn, { ...options, schema: {} })],
    ['a schema of a string', tool(fn, { ...options, schema: z.string() })],
    ['no schema', tool(fn, options)],
  ])('does not run a tool with %s', async (_, remove) => {
    for (const args of [cut, '', '{"path":"a\\d+"}', "{'path': 'a'}", '{"path":"a"}{"path":"b"}']) {
      const failed = remove.invoke({ id: '1', name: 'remove', args, isInvalid: true })
      await expect(failed).rejects.toMatchObject({ code: 'invalid_arguments', message: expect.stringContaining('not valid JSON') })
    }
    expect(fn).not.toHaveBeenCalled()
  })

  test('does not run a tool of one text from unmarked text that begins like an object', async () => {
    const remove = tool(fn, { ...options, schema: z.object({ path: z.string() }) })
    for (const text of [cut, "{'path': 'a'}", '{"path":"a\\d+"}']) {
      await expect(remove.invoke(text as never)).rejects.toMatchObject({ message: expect.stringContaining('not valid JSON') })
    }
    expect(fn).not.toHaveBeenCalled()
  })
})

describe('a schema that is not an object', () => {
  const made = (schema: StandardSchema | JsonSchema) =>
    tool((args: unknown) => JSON.stringify(args), { name: 'given', description: 'Given.', schema } as never)
  test.each([
    ['a string', z.string().describe('The query.'), { type: 'string', description: 'The query.' }, 'bears'],
    ['a number', z.number(), { type: 'number' }, 7],
    ['a list', z.array(z.string()), { type: 'array', items: { type: 'string' } }, ['a']],
    ['an enum', z.enum(['a', 'b']), { type: 'string', enum: ['a', 'b'] }, 'b'],
    ['a union of objects', z.union([z.object({ a: z.string() })]), { anyOf: [expect.objectContaining({ type: 'object' })] }, { a: 'x' }],
    ['JSON Schema of a string', { type: 'string' }, { type: 'string' }, 'bears'],
  ])('%s is offered as the only property of an object, and accepted either way', async (_, schema, offered, value) => {
    const given = made(schema)
    expect(given.jsonSchema).toEqual({ type: 'object', properties: { input: offered }, required: ['input'] })
    for (const args of [{ input: value }, value]) {
      expect(await given.invoke({ id: '1', name: 'given', args })).toMatchObject({ content: JSON.stringify(value) })
    }
    if (typeof value !== 'string') expect(await given.invoke(JSON.stringify(value) as never)).toBe(JSON.stringify(value))
  })

  test('a schema without a type is offered as an object', () => {
    expect(made({}).jsonSchema).toEqual({ type: 'object' })
    expect(made({ properties: { a: {} } }).jsonSchema).toEqual({ type: 'object', properties: { a: {} } })
    expect(made({ type: ['object', 'null'] }).jsonSchema).toEqual({ type: 'object' })
  })

  test('definitions stay at the root, where references point to', () => {
    const schema = { type: 'array', items: { $ref: '#/$defs/a' }, $defs: { a: { type: 'string' } } }
    expect(made(schema).jsonSchema).toEqual({
      type: 'object',
      properties: { input: { type: 'array', items: { $ref: '#/$defs/a' } } },
      required: ['input'],
      $defs: { a: { type: 'string' } },
    })
  })
})

describe('events of a tool', () => {
  test('start has the arguments, end has the output', async () => {
    const recorded = recorder()
    await weather.invoke({ city: 'Paris' }, { callbacks: [recorded] })
    expect(recorded.trace()).toEqual(['S weather', 'E weather'])
    expect(recorded.events).toMatchObject([{ input: { city: 'Paris' }, run: { kind: 'tool' } }, { output: '18 °C in Paris' }])
  })

  test('onToolStart() receives the call, onToolEnd() the tool message', async () => {
    const onToolStart = vi.fn()
    const onToolEnd = vi.fn()
    await weather.invoke(call({ city: 'Paris' }), { callbacks: [{ onToolStart, onToolEnd }] })
    expect(onToolStart).toHaveBeenCalledExactlyOnceWith(call({ city: 'Paris' }), expect.objectContaining({ type: 'start' }))
    expect(onToolEnd).toHaveBeenCalledExactlyOnceWith(
      { role: 'tool', content: '18 °C in Paris', toolCallId: 'call_1' },
      expect.objectContaining({ type: 'end' }),
    )
  })

  test('invalid arguments fail the run, and the function is not called', async () => {
    const fn = vi.fn()
    const picky = tool(fn, { name: 'picky', description: 'Picky.', schema: z.object({ n: z.number() }) })
    for (const input of [{ n: 'x' as never }, call({ n: 'x' }, 'picky'), call('{ "n": 1', 'picky')]) {
      const recorded = recorder()
      const failed = picky.invoke(input as { n: number }, { callbacks: [recorded] })
      await expect(failed).rejects.toMatchObject({ code: 'invalid_arguments', message: expect.stringMatching(/number|not valid JSON/) })
      recorded.check()
      expect(recorded.trace()).toEqual(['S picky', 'X picky'])
      expect(recorded.events[0]).toMatchObject({ input })
    }
    expect(fn).not.toHaveBeenCalled()
  })

  test('an error of the function is emitted and rejects the run, as the same object', async () => {
    const failure = new Error('no')
    const recorded = recorder()
    const failing = tool(() => Promise.reject(failure), { name: 'failing', description: 'Fails.' })
    await expect(failing.invoke('x', { callbacks: [recorded] })).rejects.toBe(failure)
    expect(recorded.trace()).toEqual(['S failing', 'X failing'])
    expect(recorded.events[1]).toMatchObject({ error: failure })
  })

  test("constructor callbacks receive this tool's events only, request callbacks also those below", async () => {
    const own = recorder()
    const request = recorder()
    const asking = tool((question, context) => scriptedModel(['Yes']).invoke(question, context), {
      name: 'asking',
      description: 'Asks a model.',
      callbacks: [own],
    })
    await asking.invoke('Really?', { callbacks: [request] })
    request.check()
    expect(own.trace()).toEqual(['S asking', 'E asking'])
    expect(request.trace()).toEqual(['S asking', 'S ScriptedModel<asking', 'E ScriptedModel', 'E asking'])
  })

  test('changes that a handler makes to the arguments do not reach the function', async () => {
    const onToolStart = (input: unknown): void => void Object.assign(input as object, { city: 'Rome' })
    expect(await weather.invoke({ city: 'Paris' }, { callbacks: [{ onToolStart }] })).toBe('18 °C in Paris')
  })

  test('verbose: true prints to the console', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    try {
      await tool((text) => text, { name: 'echo', description: 'Echoes.', verbose: true }).invoke('hello there')
      expect(JSON.stringify(log.mock.calls)).toContain('hello there')
    } finally {
      log.mockRestore()
    }
  })
})

describe('a tool that streams', () => {
  const count = tool(
    async function* (text) {
      for (const word of text.split(' ')) yield `${word} `
    },
    { name: 'words', description: 'Splits a text.' },
  )

  test('stream() yields its chunks; the output is folded', async () => {
    const recorded = recorder()
    const run = count.stream('a b c', { callbacks: [recorded] })
    expect(await readAll(run)).toEqual({ chunks: ['a ', 'b ', 'c '], error: undefined })
    expect(await run.outcome).toMatchObject({ status: 'complete', output: 'a b c ' })
    recorded.check()
    expect(recorded.events.at(-1)).toMatchObject({ type: 'end', output: 'a b c ' })
    expect(await count.invoke('a b')).toBe('a b ')
  })

  test('streams chunks for a call; the output is a tool message', async () => {
    const run = count.stream(call({ input: 'a b' }, 'words'))
    expect(await readAll(run)).toEqual({ chunks: ['a ', 'b '], error: undefined })
    expect(await run.outcome).toMatchObject({ output: { role: 'tool', content: 'a b ', toolCallId: 'call_1' } })
    expect(await count.invoke(call('a b', 'words'))).toMatchObject({ content: 'a b ' })
  })

  test('that yields objects returns a list', async () => {
    const pages = tool(
      function* () {
        yield { page: 1 }
        yield { page: 2 }
      },
      { name: 'pages', description: 'Pages.' },
    )
    expect(await pages.invoke('')).toEqual([{ page: 1 }, { page: 2 }])
    expect(await pages.invoke(call('', 'pages'))).toMatchObject({ content: '[{"page":1},{"page":2}]' })
  })

  test('that fails reports the partial output', async () => {
    const recorded = recorder()
    const failing = tool(
      async function* () {
        yield 'half'
        throw new Error('no')
      },
      { name: 'failing', description: 'Fails.' },
    )
    const { chunks, error } = await readAll(failing.stream('', { callbacks: [recorded] }))
    expect(chunks).toEqual(['half'])
    expect(error).toMatchObject({ message: 'no' })
    recorded.check()
    expect(recorded.events.at(-1)).toMatchObject({ type: 'error', partial: 'half' })
  })

  test('may return a runnable, in calls too', async () => {
    const asking = tool(
      () =>
        lambda(
          async function* (text: string) {
            yield text
            yield '!'
          },
          { name: 'inner' },
        ),
      { name: 'asking', description: 'Asks.' },
    )
    const recorded = recorder()
    const run = asking.stream(call('hey', 'asking'), { callbacks: [recorded] })
    expect(await readAll(run)).toEqual({ chunks: ['hey', '!'], error: undefined })
    expect(await run.outcome).toMatchObject({ output: { content: 'hey!', toolCallId: 'call_1' } })
    recorded.check()
    expect(recorded.trace()).toEqual(['S asking', 'S inner<asking', 'E inner', 'E asking'])
    expect(recorded.events.at(-2)).toMatchObject({ output: 'hey!' })
  })
})

describe('stopping a running tool', () => {
  const waiting = (seen: { reason?: unknown; entered?: boolean }, listens: boolean) =>
    tool(
      (_text, { signal }) => {
        seen.entered = true
        signal.addEventListener('abort', () => void (seen.reason = signal.reason))
        return new Promise<string>((_, reject) => {
          if (listens) signal.addEventListener('abort', () => reject(signal.reason as Error))
        })
      },
      { name: 'waiting', description: 'Waits.' },
    )

  test.each([
    ['listens', true],
    ['does not listen', false],
  ])('an abort reaches a tool that %s to its signal, and the run ends at once', async (_, listens) => {
    const seen: { reason?: unknown; entered?: boolean } = {}
    const recorded = recorder()
    const abort = new AbortController()
    const reason = new Error('enough')
    const running = waiting(seen, listens).invoke('x', { callbacks: [recorded], signal: abort.signal })
    await vi.waitUntil(() => seen.entered, patience)
    abort.abort(reason)
    await expect(running).rejects.toBe(reason)
    expect(seen.reason).toBe(reason)
    recorded.check()
    expect(recorded.trace()).toEqual(['S waiting', 'X waiting'])
  })

  test('a timeout aborts the signal', async () => {
    const seen: { reason?: unknown } = {}
    await expect(waiting(seen, false).invoke('x', { timeout: 5 })).rejects.toThrow(TimeoutError)
    expect(seen.reason).toBeInstanceOf(TimeoutError)
  })

  test('leaving the stream ends the generator', async () => {
    let ended = false
    const endless = tool(
      async function* () {
        try {
          for (let i = 0; ; i++) yield `${i}`
        } finally {
          ended = true
        }
      },
      { name: 'endless', description: 'Counts.' },
    )
    const recorded = recorder()
    for await (const _ of endless.stream('', { callbacks: [recorded] })) break
    await turn()
    expect(ended).toBe(true)
    recorded.check()
  })
})

describe('a string for a tool that expects an object', () => {
  const schema = z.object({ city: z.string(), days: z.number().default(1) })
  const forecast = tool((args) => args, { name: 'forecast', description: 'A forecast.', schema })

  test('is parsed as JSON', async () => {
    expect(await forecast.invoke('{ "city": "Paris", "days": 3 }' as never)).toEqual({ city: 'Paris', days: 3 })
  })

  test('may contain line breaks that are not escaped', async () => {
    expect(await forecast.invoke('{ "city": "New\nYork" }' as never)).toEqual({ city: 'New\nYork', days: 1 })
  })

  test('becomes the only property, if there is one', async () => {
    expect(await weather.invoke('Paris' as never)).toBe('18 °C in Paris')
    await expect(forecast.invoke('Paris' as never)).rejects.toMatchObject({ code: 'invalid_arguments' })
  })

  test('is passed unchanged if the schema accepts it', async () => {
    const text = tool((text) => text, { name: 'text', description: 'A text.', schema: z.string() })
    expect(await text.invoke('{ "city": "Paris" }')).toBe('{ "city": "Paris" }')
  })
})

describe('tool().jsonSchema', () => {
  test('is converted from the schema on first access', () => {
    expect(weather.jsonSchema).toEqual({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] })
    const input = vi.fn(() => ({ type: 'object', $schema: 'x' }))
    const schema: StandardSchema = { '~standard': { version: 1, vendor: 'x', validate: (value) => ({ value }), jsonSchema: { input } } }
    const lazy = tool(() => '', { name: 'lazy', description: 'Lazy.', schema })
    expect(input).not.toHaveBeenCalled()
    expect([lazy.jsonSchema, lazy.jsonSchema]).toEqual([{ type: 'object' }, { type: 'object' }])
    expect(input).toHaveBeenCalledOnce()
  })

  test('is the jsonSchema option if both are passed', () => {
    const jsonSchema: JsonSchema = { type: 'object', properties: { city: { type: 'string', description: 'Its name' } } }
    expect(tool(() => '', { name: 'x', description: 'X.', schema: z.object({ city: z.date() }), jsonSchema }).jsonSchema).toEqual(
      jsonSchema,
    )
  })

  test('validates arguments too, passed as schema or as jsonSchema', async () => {
    const jsonSchema: JsonSchema = { type: 'object', properties: { n: { type: 'number' } } }
    for (const square of [
      tool(({ n }: { n: number }) => n * n, { name: 'square', description: 'Squares.', schema: jsonSchema }),
      tool(({ n }: { n: number }) => n * n, { name: 'square', description: 'Squares.', jsonSchema }),
    ]) {
      expect(square.jsonSchema).toEqual(jsonSchema)
      expect(await square.invoke({ n: 3 })).toBe(9)
      await expect(square.invoke({ n: '3' as never })).rejects.toThrow(ChaintapError)
    }
  })

  test.each([
    [
      'a library without a converter',
      { '~standard': { version: 1, vendor: 'valibot', validate: (value: unknown) => ({ value }) } },
      /^valibot schemas have no JSON Schema converter/,
    ],
    ['a schema that cannot be converted', z.object({ at: z.date() }), /^zod cannot convert this schema to JSON Schema: .*Date/],
  ] as const)('throws for %s without the jsonSchema option', (_, schema, message) => {
    const vague = tool(() => '', { name: 'x', description: 'X.', schema })
    const read = () => vague.jsonSchema
    expect(read).toThrow(message)
    expect(read).toThrow(/Pass jsonSchema too\.$/)
  })
})

test('a tool message can be passed to a chat model', async () => {
  const message: ToolMessage = await weather.invoke(call({ city: 'Paris' }))
  const model = scriptedModel(['Warm'])
  await model.invoke([['user', 'Weather?'], { role: 'assistant', content: '', toolCalls: [call({ city: 'Paris' })] }, message])
  expect(model.record.inputs[0]?.[2]).toEqual(message)
})
