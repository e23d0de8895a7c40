import type { RunEvent } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { type Availability, BrowserAI, type BrowserAIOptions, type LanguageModelFactory } from 'chaintap/browser-ai'
import { recorder } from 'chaintap/testing'
import { TokenCounter } from 'chaintap/tokens'
import { tool } from 'chaintap/tools'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { modelContract } from '../../contracts/model.ts'
import { type FakeLanguageModel, fakeLanguageModel, type LanguageModelScript } from '../../support/language-model.ts'
import { readAll, turn } from '../../support/sources.ts'

modelContract('BrowserAI', {
  serve(script, options) {
    const scriptOf = typeof script === 'function' ? script : () => script
    const languageModel = fakeLanguageModel((index) => {
      const { isUncounted, ...rest } = scriptOf(index)
      return { ...rest, ...(isUncounted && { names: 'none' }) }
    })
    return {
      model: new BrowserAI({ languageModel, ...options }),
      calls: () => languageModel.made.length,
      open: () => languageModel.open + languageModel.running,
    }
  },
  usage: { inputTokens: 5, outputTokens: 7, totalTokens: 12, cost: 0 },
})

type Input = Parameters<BrowserAI['invoke']>[0]

const serving = (script: LanguageModelScript = {}, options: BrowserAIOptions = {}) => {
  const languageModel = fakeLanguageModel(script)
  return { languageModel, model: new BrowserAI({ languageModel, ...options }) }
}

const failure = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'no failure').catch((error: unknown) => error)

/** The visitor has just clicked. */
function activate(): void {
  Object.defineProperty(navigator, 'userActivation', { configurable: true, value: { isActive: true } })
}

afterEach(() => {
  Reflect.deleteProperty(navigator, 'userActivation')
  vi.unstubAllGlobals()
})

describe('the page’s own model', () => {
  test('is asked when a call is made, not when the model is', async () => {
    vi.stubGlobal('LanguageModel', undefined)
    const model = new BrowserAI()
    const languageModel = fakeLanguageModel()
    vi.stubGlobal('LanguageModel', languageModel)
    expect(await model.invoke('Hi')).toMatchObject({ content: 'Hello!' })
    expect(await BrowserAI.availability()).toBe('available')
    expect(languageModel.made).toHaveLength(1)
  })

  test('a page without it has none: a typed error that says what to do', async () => {
    vi.stubGlobal('LanguageModel', undefined)
    expect(await BrowserAI.availability()).toBe('unavailable')
    const error = await failure(new BrowserAI().invoke('Hi'))
    expect(error).toMatchObject({ name: 'ModelError', code: 'model_unavailable', message: expect.stringMatching(/https.*fallback\(/) })
  })
})

describe('availability', () => {
  test.each<Availability>(['available', 'downloading', 'downloadable', 'unavailable'])('%s is told', async (availability) => {
    const languageModel = fakeLanguageModel({ availability })
    const expectedOutputs = [{ type: 'text', languages: ['en'] }] as const
    expect(await BrowserAI.availability({ languageModel, expectedOutputs })).toBe(availability)
    expect(languageModel.asked).toEqual([expect.objectContaining({ expectedOutputs })])
    expect(languageModel.made).toEqual([])
  })

  test('what cannot be told is unavailable', async () => {
    const languageModel = fakeLanguageModel({ availability: new DOMException('Try again', 'UnknownError') })
    expect(await BrowserAI.availability({ languageModel })).toBe('unavailable')
  })

  test('unavailable is a typed error, and nothing is made', async () => {
    const { languageModel, model } = serving({ availability: 'unavailable' })
    expect(await failure(model.invoke('Hi'))).toMatchObject({ code: 'model_unavailable', providerType: 'unavailable' })
    expect(languageModel.made).toEqual([])
  })

  test('a visitor, or a policy, that does not allow for it is a typed error', async () => {
    const { model } = serving({ createError: new DOMException('Denied.', 'NotAllowedError') })
    expect(await failure(model.invoke('Hi'))).toMatchObject({
      code: 'model_unavailable',
      providerType: 'NotAllowedError',
      message: expect.stringContaining('"Denied."'),
    })
  })
})

describe('a model that has to be downloaded', () => {
  const waiting = ['downloading', 'downloadable'] as const

  test.each(waiting)('%s, and the visitor has not acted: a typed error at once that says what to do', async (availability) => {
    const { languageModel, model } = serving({ availability })
    expect(await failure(model.invoke('Hi'))).toMatchObject({
      code: 'model_download',
      providerType: availability,
      message: expect.stringMatching(/BrowserAI\.download\(\).*clicks/),
    })
    expect(languageModel.made).toEqual([])
  })

  test.each(waiting)('%s, and the visitor has acted: it waits, and tells how far it is', async (availability) => {
    activate()
    const told: number[] = []
    const heard = recorder()
    const script = { availability, isActivated: true, progress: [0.25, 0.5] }
    const { model } = serving(script, { onDownload: (progress) => told.push(progress) })
    expect(await model.invoke('Hi', { callbacks: [heard] })).toMatchObject({ content: 'Hello!' })
    expect(told).toEqual([0, 0.25, 0.5, 1])
    heard.check()
    const events = heard.events.filter(({ type }) => type === 'custom')
    expect(events).toMatchObject(told.map((progress) => ({ name: 'download', data: { progress }, run: { name: 'BrowserAI' } })))
  })

  test('download: never does not wait, though the visitor has acted; always tries, though not', async () => {
    activate()
    const never = serving({ availability: 'downloadable', isActivated: true }, { download: 'never' })
    expect(await failure(never.model.invoke('Hi'))).toMatchObject({ code: 'model_download' })
    vi.unstubAllGlobals()
    Reflect.deleteProperty(navigator, 'userActivation')
    const always = serving({ availability: 'downloading' }, { download: 'always' })
    expect(await always.model.invoke('Hi')).toMatchObject({ content: 'Hello!' })
    const refused = serving({ availability: 'downloadable' }, { download: 'always' })
    expect(await failure(refused.model.invoke('Hi'))).toMatchObject({
      code: 'model_download',
      message: expect.stringContaining('clicks'),
      cause: { name: 'NotAllowedError' },
    })
  })

  test('a model that is there has no progress to tell', async () => {
    const onDownload = vi.fn()
    await serving({}, { onDownload }).model.invoke('Hi')
    expect(onDownload).not.toHaveBeenCalled()
  })

  test('a download that fails is a typed error', async () => {
    const downloadError = new DOMException('Offline.', 'NetworkError')
    const { model } = serving({ availability: 'downloading', downloadError }, { download: 'always' })
    expect(await failure(model.invoke('Hi'))).toMatchObject({ code: 'network', message: expect.stringMatching(/download.*Offline/) })
  })

  test('BrowserAI.download() brings it, with the options of the calls, and leaves no session', async () => {
    const languageModel = fakeLanguageModel({ availability: 'downloadable', isActivated: true, progress: [0.5] })
    const told: number[] = []
    await BrowserAI.download({ languageModel, onDownload: (progress) => told.push(progress), samplingMode: 'creative' })
    expect(told).toEqual([0, 0.5, 1])
    expect(languageModel.made).toEqual([expect.objectContaining({ samplingMode: 'creative' })])
    expect(languageModel.open).toBe(0)
    await BrowserAI.download({ languageModel: fakeLanguageModel() })
    expect(await failure(BrowserAI.download({ languageModel: fakeLanguageModel({ availability: 'downloadable' }) }))).toMatchObject({
      code: 'model_download',
    })
    const signal = AbortSignal.abort(new Error('mine'))
    expect(await failure(BrowserAI.download({ languageModel, signal }))).toMatchObject({ message: 'mine' })
  })
})

describe('what is asked', () => {
  const asked = async (input: Input, options: BrowserAIOptions = {}): Promise<FakeLanguageModel> => {
    const { languageModel, model } = serving({}, options)
    await model.invoke(input)
    return languageModel
  }

  test('a question alone makes a session without prompts', async () => {
    const { made, prompted } = await asked('Hi')
    expect(made[0]).not.toHaveProperty('initialPrompts')
    expect(prompted[0]?.input).toEqual([{ role: 'user', content: 'Hi' }])
  })

  test('system messages, wherever they stand, and what was said are initial prompts; the last message is asked', async () => {
    const { made, prompted } = await asked([
      ['system', 'Be brief.'],
      'Hi',
      ['assistant', 'Hello!'],
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'now', args: {} }] },
      { role: 'tool', content: '12:00', toolCallId: '1' },
      ['system', 'Be kind.'],
      { role: 'assistant', content: [{ type: 'reasoning', text: 'Hm' }] },
      'How are you?',
    ])
    expect(made[0]?.initialPrompts).toEqual([
      { role: 'system', content: 'Be brief.\n\nBe kind.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello!' },
    ])
    expect(prompted[0]?.input).toEqual([{ role: 'user', content: 'How are you?' }])
  })

  test('an answer that was begun is gone on with', async () => {
    const { prompted } = await asked(['A poem.', ['assistant', 'Roses']])
    expect(prompted[0]?.input).toEqual([{ role: 'assistant', content: 'Roses', prefix: true }])
  })

  test('a tool’s result cannot be answered, and the error says why', async () => {
    const error = await failure(asked(['Hi', { role: 'tool', content: '12:00', toolCallId: '1' }]))
    expect(error).toMatchObject({ code: 'invalid_message', message: expect.stringContaining('new BrowserAI({ tools })') })
  })

  test('options go where the API has them; what is bound over them', async () => {
    const { languageModel, model } = serving({}, { samplingMode: 'creative', expectedInputs: [{ type: 'text', languages: ['ja'] }] })
    const responseConstraint = { type: 'object' }
    await model.bind({ samplingMode: 'predictable', responseConstraint, omitResponseConstraintInput: true }).invoke('Hi')
    expect(languageModel.made[0]).toMatchObject({ samplingMode: 'predictable', expectedInputs: [{ type: 'text', languages: ['ja'] }] })
    expect(languageModel.asked).toEqual([expect.objectContaining({ samplingMode: 'predictable' })])
    expect(languageModel.prompted[0]?.options).toMatchObject({ responseConstraint, omitResponseConstraintInput: true })
    expect(model.options).toMatchObject({ samplingMode: 'creative' })
  })

  test('images are read, and the session is told of them', async () => {
    const pixel = 'iVBORw0KGgo='
    const text = { type: 'text', text: 'What is this?' } as const
    for (const image of [{ data: pixel, mediaType: 'image/png' }, { url: `data:image/png;base64,${pixel}` }]) {
      const content = [{ type: 'image', ...image } as const, text]
      const { made, prompted } = await asked([{ role: 'user', content }], { expectedInputs: [{ type: 'text', languages: ['en'] }] })
      expect(made[0]?.expectedInputs).toEqual([{ type: 'text', languages: ['en'] }, { type: 'image' }])
      const [part, told] = (prompted[0]?.input[0]?.content ?? []) as readonly { readonly value: Blob }[]
      expect(part).toMatchObject({ type: 'image', value: expect.any(Blob) })
      expect([part?.value.type, part?.value.size]).toEqual(['image/png', 8])
      expect(told).toEqual({ type: 'text', value: 'What is this?' })
    }
  })

  test('an image that cannot be read is a typed error', async () => {
    const content = [{ type: 'image', url: 'data:nothing' } as const]
    expect(await failure(asked([{ role: 'user', content }]))).toMatchObject({ code: 'network', message: expect.stringContaining('image') })
  })
})

describe('what it took (P8)', () => {
  const history: Input = [['system', 'Be brief.'], 'Hi', ['assistant', 'Hello!'], 'And?']
  const usageOf = async (script: LanguageModelScript, options: BrowserAIOptions = {}) => {
    const run = serving(script, options).model.stream(history)
    await run.drain()
    return (await run.outcome).usage
  }
  // 12 + 5 + 9 for what was before, 7 for the question; 6 for the answer, and one that ends it.
  const told = { cost: 0, requests: 1, source: 'provider' }
  const usage = { ...told, inputTokens: 33, outputTokens: 7, totalTokens: 40 }

  test.each([
    ['context…, as it is called since 2026', { names: 'new' }],
    ['input…, as it was before', { names: 'old' }],
  ] as const)('is measured: %s', async (_, script) => {
    expect(await usageOf(script)).toEqual(usage)
  })

  test('where a session does not count answers, their text is measured, without control tokens', async () => {
    expect(await usageOf({ counts: false })).toEqual({ ...usage, outputTokens: 6, totalTokens: 39 })
  })

  test('is unknown where the browser cannot count', async () => {
    expect(await usageOf({ names: 'none' })).toEqual(told)
  })

  test('costs nothing, and a counter knows it, of an answer that was interrupted too', async () => {
    const counter = new TokenCounter()
    const { model } = serving({ stallAfter: 2 })
    for await (const chunk of model.stream('Hi', { callbacks: [counter] })) if (chunk.type === 'text') break
    await serving({}).model.invoke('Hi', { callbacks: [counter] })
    expect(counter.totalCost).toBe(0)
    expect(counter.usage).toMatchObject({ requests: 2, source: 'estimated' })
  })

  test('is unknown where tools were at hand: their answers stand in the session too', async () => {
    const now = tool(() => '12:00', { name: 'now', description: 'The time.' })
    expect(await usageOf({}, { tools: [now] })).toEqual(told)
  })
})

describe('tools', () => {
  const weather = tool(
    ({ city }: { city: string }) => {
      if (city === 'Atlantis') throw new Error('It has sunk')
      return { degrees: 18, city }
    },
    {
      name: 'weather',
      description: 'The weather.',
      jsonSchema: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  )

  test('are run by the browser, as children of the model’s run; a failure is told to the model', async () => {
    const toolCalls = ['Paris', 'Atlantis'].map((city) => ({ name: 'weather', args: { city } }))
    const { languageModel, model } = serving({ toolCalls }, { tools: [weather] })
    const heard = recorder()
    expect(await model.invoke('Hi', { callbacks: [heard] })).toMatchObject({ content: 'Hello!' })
    heard.check()
    expect(languageModel.made[0]?.tools).toMatchObject([{ name: 'weather', description: 'The weather.', inputSchema: { type: 'object' } }])
    expect(languageModel.answers).toEqual(['{"degrees":18,"city":"Paris"}', 'It has sunk'])
    const tools = heard.trace().filter((line) => /^[SEX] weather/.test(line))
    expect(tools).toEqual(['S weather<BrowserAI', 'E weather', 'S weather<BrowserAI', 'X weather'])
  })

  test('a handler that raises while one runs fails the model’s run, and its session is destroyed (P5)', async () => {
    const raising = Object.assign(
      ({ type }: RunEvent) => {
        if (type === 'start') throw new Error('mine')
      },
      { raiseError: true },
    )
    const now = tool(() => '12:00', { name: 'now', description: 'The time.', callbacks: [raising] })
    const { languageModel, model } = serving({ toolCalls: [{ name: 'now', args: { input: '' } }] }, { tools: [now] })
    const heard = recorder()
    expect(await failure(model.invoke('Hi', { callbacks: [heard], onHandlerError: () => {} }))).toMatchObject({ message: 'mine' })
    heard.check()
    expect([languageModel.open, languageModel.running]).toEqual([0, 0])
  })

  test('a tool-calling agent gives them to the browser, and gets the answer', async () => {
    const { languageModel, model } = serving({ toolCalls: [{ name: 'weather', args: { city: 'Rome' } }] })
    const agent = initializeAgent([weather], model, { agentType: 'tool-calling' })
    expect(await agent.run('How is Rome?')).toBe('Hello!')
    expect(languageModel.answers).toEqual(['{"degrees":18,"city":"Rome"}'])
  })

  test('of the API’s own form are passed on; toolChoice: none leaves all out', async () => {
    const own = { name: 'now', description: 'The time.', inputSchema: {}, execute: async () => '12:00' }
    const { languageModel, model } = serving({ toolCalls: [{ name: 'now', args: {} }] }, { tools: [own] })
    await model.invoke('Hi')
    expect(languageModel.answers).toEqual(['12:00'])
    await model.bind({ toolChoice: 'none' }).invoke('Hi')
    expect(languageModel.made[1]?.tools).toBeUndefined()
  })

  test('that cannot be run are a typed error', async () => {
    const spec = { name: 'now', description: 'The time.', jsonSchema: {} }
    expect(await failure(serving({}, { tools: [spec] }).model.invoke('Hi'))).toMatchObject({
      code: 'invalid_options',
      message: expect.stringContaining('tool()'),
    })
  })
})

describe('stop', () => {
  /** As a model that says one letter at a time would be stopped. */
  const untilStop = (text: string, stops: readonly string[]): string => {
    for (let said = ''; said.length < text.length; ) {
      said = text.slice(0, said.length + 1)
      const met = stops.filter((stop) => said.endsWith(stop)).map(({ length }) => length)
      if (met.length > 0) return said.slice(0, -Math.max(...met))
    }
    return text
  }

  test.each([['bb\nb'], ['bb\n', 'b'], ['b', 'b', '\n', 'b']])(
    'the one that is complete first ends it, though another begins before it: %j',
    async (...chunks) => {
      expect(await serving({ chunks }, { stop: ['bb\nb', '\n'] }).model.invoke('Hi')).toMatchObject({ content: 'bb' })
    },
  )

  test('the answer ends before it, however it is cut, and the session is stopped', async () => {
    const cases = fc.record({
      text: fc.array(fc.constantFrom('a', 'b', 'ab', 'aab', '\n'), { maxLength: 12 }).map((pieces) => pieces.join('')),
      stop: fc.array(fc.constantFrom('aab', 'ba', '\n', 'bb\nb', ''), { maxLength: 3 }),
      size: fc.integer({ min: 1, max: 5 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ text, stop, size }) => {
        const expected = untilStop(text, stop.filter(Boolean))
        const chunks = text.match(new RegExp(`.{1,${size}}`, 'gs')) ?? []
        const { languageModel, model } = serving({ chunks }, { stop })
        const run = model.stream('Hi')
        await run.drain()
        expect(await run.outcome).toMatchObject({ status: 'complete', output: { content: expected } })
        expect(await model.invoke('Hi')).toMatchObject({ content: expected })
        expect([languageModel.open, languageModel.running]).toEqual([0, 0])
      }),
    )
  })

  test('a ReAct agent runs on it', async () => {
    const said = ['Action: now\nAction', ' Input: x\nObser', 'vation: 3 o’clock\nFinal Answer: 3'].join('')
    const answers = [said, ' I know.\nFinal Answer: 12:00']
    const languageModel = fakeLanguageModel((index) => ({ chunks: answers[index]?.match(/.{1,4}/gs) ?? [] }))
    const now = tool(() => '12:00', { name: 'now', description: 'The time.' })
    const agent = initializeAgent([now], new BrowserAI({ languageModel }), { agentType: 'zero-shot-react-description' })
    expect(await agent.run('How late is it?')).toBe('12:00')
    expect(languageModel.prompted[1]?.input[0]?.content).toMatch(/Observation: 12:00\nThought:$/)
    expect(languageModel.open).toBe(0)
  })
})

describe('failures', () => {
  test('a conversation that is too long is a typed error, with both sizes, whether it is the history or the question', async () => {
    const long = 'x'.repeat(100)
    for (const [input, requested] of [
      [long, 103],
      [['Hi', ['assistant', long], 'And?'], 108],
    ] as const) {
      const { languageModel, model } = serving({ contextWindow: 50 })
      const { chunks, error } = await readAll(model.stream(input as Input))
      expect(chunks).toEqual([])
      expect(error).toMatchObject({
        name: 'ModelError',
        code: 'context_overflow',
        providerType: 'QuotaExceededError',
        message: expect.stringMatching(new RegExp(`${requested} tokens.*50`)),
      })
      expect([languageModel.open, languageModel.running]).toEqual([0, 0])
    }
  })

  test.each([
    ['NotReadableError', /withheld the output/],
    ['NotSupportedError', /expectedInputs/],
    ['SyntaxError', /responseConstraint/],
    ['UnknownError', /UnknownError/],
  ])('%s after some of the answer comes after that', async (name, message) => {
    const { languageModel, model } = serving({ chunks: ['Hel'], error: new DOMException('It said so.', name) })
    const { chunks, error } = await readAll(model.stream('Hi'))
    expect(chunks.at(-1)).toEqual({ type: 'text', text: 'Hel' })
    expect(error).toMatchObject({ code: 'wire', providerType: name, message: expect.stringMatching(message) })
    expect((error as Error).message).toContain('"It said so."')
    expect(languageModel.open).toBe(0)
    expect(await failure(serving({ error: new DOMException('It said so.', name) }).model.invoke('Hi'))).toMatchObject({ code: 'wire' })
  })

  test('a factory that breaks its word fails the run, and no more', async () => {
    const languageModel = { availability: () => Promise.reject(new Error('broken')) } as unknown as LanguageModelFactory
    expect(await failure(new BrowserAI({ languageModel }).invoke('Hi'))).toMatchObject({ code: 'wire', cause: { message: 'broken' } })
  })
})

describe('a session of the caller’s', () => {
  test('is cloned for each call, gets the whole conversation, and is not destroyed', async () => {
    const languageModel = fakeLanguageModel()
    const session = await languageModel.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] })
    const model = new BrowserAI({ session })
    expect(await model.invoke(['Hi', ['assistant', 'Hello!'], 'And?'])).toMatchObject({ content: 'Hello!' })
    for await (const _ of model.stream('Hi')) break
    expect(languageModel.prompted.map(({ input }) => input.length)).toEqual([3, 1])
    expect(languageModel.made).toHaveLength(1)
    expect(languageModel.open).toBe(1)
    session.destroy()
    expect(languageModel.open).toBe(0)
    expect(languageModel.running).toBe(0)
  })

  test('that cannot be cloned is a typed error', async () => {
    const session = await fakeLanguageModel().create()
    session.clone = () => Promise.reject(new DOMException('Destroyed.', 'InvalidStateError'))
    expect(await failure(new BrowserAI({ session }).invoke('Hi'))).toMatchObject({ code: 'wire', providerType: 'InvalidStateError' })
  })
})

test('the signal of a run ends its session by itself, and a stop while a download goes on makes none', async () => {
  const held = Promise.withResolvers<void>()
  const { languageModel, model } = serving({ stallBefore: true, until: held.promise, deaf: true })
  const run = model.stream('Hi')
  const reading = readAll(run)
  while (languageModel.made.length === 0) await turn()
  run.stop()
  expect(languageModel.made[0]?.signal?.aborted).toBe(true)
  held.resolve()
  expect((await reading).chunks).toEqual([])
  await turn()
  expect(languageModel.open).toBe(0)
  expect(languageModel.prompted).toEqual([])
})
