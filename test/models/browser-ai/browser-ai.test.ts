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
      calls: () => languageModel.createCalls.length,
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

/** Simulates that the visitor has just clicked. */
function activate(): void {
  Object.defineProperty(navigator, 'userActivation', { configurable: true, value: { isActive: true } })
}

afterEach(() => {
  Reflect.deleteProperty(navigator, 'userActivation')
  vi.unstubAllGlobals()
})

describe('BrowserAI: the page’s LanguageModel', () => {
  test('is looked up for each call, not in the constructor', async () => {
    vi.stubGlobal('LanguageModel', undefined)
    const model = new BrowserAI()
    const languageModel = fakeLanguageModel()
    vi.stubGlobal('LanguageModel', languageModel)
    expect(await model.invoke('Hi')).toMatchObject({ content: 'Hello!' })
    expect(await BrowserAI.availability()).toBe('available')
    expect(languageModel.createCalls).toHaveLength(1)
  })

  test('model_unavailable, with a hint, in a page without it', async () => {
    vi.stubGlobal('LanguageModel', undefined)
    expect(await BrowserAI.availability()).toBe('unavailable')
    const error = await failure(new BrowserAI().invoke('Hi'))
    expect(error).toMatchObject({ name: 'ModelError', code: 'model_unavailable', message: expect.stringMatching(/https.*fallback\(/) })
  })
})

describe('BrowserAI.availability()', () => {
  test.each<Availability>(['available', 'downloading', 'downloadable', 'unavailable'])('resolves with %s', async (availability) => {
    const languageModel = fakeLanguageModel({ availability })
    const expectedOutputs = [{ type: 'text', languages: ['en'] }] as const
    expect(await BrowserAI.availability({ languageModel, expectedOutputs })).toBe(availability)
    expect(languageModel.availabilityCalls).toEqual([expect.objectContaining({ expectedOutputs })])
    expect(languageModel.createCalls).toEqual([])
  })

  test('resolves with unavailable if the browser’s call fails', async () => {
    const languageModel = fakeLanguageModel({ availability: new DOMException('Try again', 'UnknownError') })
    expect(await BrowserAI.availability({ languageModel })).toBe('unavailable')
  })

  test('a call fails with model_unavailable, without a session, if it is unavailable', async () => {
    const { languageModel, model } = serving({ availability: 'unavailable' })
    expect(await failure(model.invoke('Hi'))).toMatchObject({ code: 'model_unavailable', providerType: 'unavailable' })
    expect(languageModel.createCalls).toEqual([])
  })

  test('a call fails with model_unavailable for NotAllowedError', async () => {
    const { model } = serving({ createError: new DOMException('Denied.', 'NotAllowedError') })
    expect(await failure(model.invoke('Hi'))).toMatchObject({
      code: 'model_unavailable',
      providerType: 'NotAllowedError',
      message: expect.stringContaining('"Denied."'),
    })
  })
})

describe('BrowserAI: download', () => {
  const waiting = ['downloading', 'downloadable'] as const

  test.each(waiting)('%s without a click: the call fails at once with model_download and a hint', async (availability) => {
    const { languageModel, model } = serving({ availability })
    expect(await failure(model.invoke('Hi'))).toMatchObject({
      code: 'model_download',
      providerType: availability,
      message: expect.stringMatching(/BrowserAI\.download\(\).*clicks/),
    })
    expect(languageModel.createCalls).toEqual([])
  })

  test.each(waiting)('%s after a click: the call waits and reports the progress', async (availability) => {
    activate()
    const progressValues: number[] = []
    const record = recorder()
    const script = { availability, isActivated: true, progress: [0.25, 0.5] }
    const { model } = serving(script, { onDownload: (progress) => progressValues.push(progress) })
    expect(await model.invoke('Hi', { callbacks: [record] })).toMatchObject({ content: 'Hello!' })
    expect(progressValues).toEqual([0, 0.25, 0.5, 1])
    record.check()
    const events = record.events.filter(({ type }) => type === 'custom')
    expect(events).toMatchObject(progressValues.map((progress) => ({ name: 'download', data: { progress }, run: { name: 'BrowserAI' } })))
  })

  test('download: never does not wait, despite a click; always tries, without one', async () => {
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

  test('onDownload is not called for an available model', async () => {
    const onDownload = vi.fn()
    await serving({}, { onDownload }).model.invoke('Hi')
    expect(onDownload).not.toHaveBeenCalled()
  })

  test('a failed download is a network error', async () => {
    const downloadError = new DOMException('Offline.', 'NetworkError')
    const { model } = serving({ availability: 'downloading', downloadError }, { download: 'always' })
    expect(await failure(model.invoke('Hi'))).toMatchObject({ code: 'network', message: expect.stringMatching(/download.*Offline/) })
  })

  test('BrowserAI.download() downloads for the given options, and leaves no session', async () => {
    const languageModel = fakeLanguageModel({ availability: 'downloadable', isActivated: true, progress: [0.5] })
    const progressValues: number[] = []
    await BrowserAI.download({ languageModel, onDownload: (progress) => progressValues.push(progress), samplingMode: 'creative' })
    expect(progressValues).toEqual([0, 0.5, 1])
    expect(languageModel.createCalls).toEqual([expect.objectContaining({ samplingMode: 'creative' })])
    expect(languageModel.open).toBe(0)
    await BrowserAI.download({ languageModel: fakeLanguageModel() })
    expect(await failure(BrowserAI.download({ languageModel: fakeLanguageModel({ availability: 'downloadable' }) }))).toMatchObject({
      code: 'model_download',
    })
    const signal = AbortSignal.abort(new Error('mine'))
    expect(await failure(BrowserAI.download({ languageModel, signal }))).toMatchObject({ message: 'mine' })
  })
})

describe('BrowserAI: prompts', () => {
  const prompt = async (input: Input, options: BrowserAIOptions = {}): Promise<FakeLanguageModel> => {
    const { languageModel, model } = serving({}, options)
    await model.invoke(input)
    return languageModel
  }

  test('one message creates a session without initial prompts', async () => {
    const { createCalls, prompted } = await prompt('Hi')
    expect(createCalls[0]).not.toHaveProperty('initialPrompts')
    expect(prompted[0]?.input).toEqual([{ role: 'user', content: 'Hi' }])
  })

  test('system messages and all messages but the last become initial prompts', async () => {
    const { createCalls, prompted } = await prompt([
      ['system', 'Be brief.'],
      'Hi',
      ['assistant', 'Hello!'],
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'now', args: {} }] },
      { role: 'tool', content: '12:00', toolCallId: '1' },
      ['system', 'Be kind.'],
      { role: 'assistant', content: [{ type: 'reasoning', text: 'Hm' }] },
      'How are you?',
    ])
    expect(createCalls[0]?.initialPrompts).toEqual([
      { role: 'system', content: 'Be brief.\n\nBe kind.' },
      { role: 'user', content: 'Hi' },
      { role: 'assistant', content: 'Hello!' },
      { role: 'user', content: 'Result of now({}): 12:00' },
    ])
    expect(prompted[0]?.input).toEqual([{ role: 'user', content: 'How are you?' }])
  })

  test('an assistant message at the end is continued', async () => {
    const { prompted } = await prompt(['A poem.', ['assistant', 'Roses']])
    expect(prompted[0]?.input).toEqual([{ role: 'assistant', content: 'Roses', prefix: true }])
  })

  test('a tool result at the end is an invalid_message error with a hint', async () => {
    const error = await failure(prompt(['Hi', { role: 'tool', content: '12:00', toolCallId: '1' }]))
    expect(error).toMatchObject({ code: 'invalid_message', message: expect.stringContaining('new BrowserAI({ tools })') })
  })

  test('passes options to the API’s methods, bound options first', async () => {
    const { languageModel, model } = serving({}, { samplingMode: 'creative', expectedInputs: [{ type: 'text', languages: ['ja'] }] })
    const responseConstraint = { type: 'object' }
    await model.bind({ samplingMode: 'predictable', responseConstraint, omitResponseConstraintInput: true }).invoke('Hi')
    expect(languageModel.createCalls[0]).toMatchObject({
      samplingMode: 'predictable',
      expectedInputs: [{ type: 'text', languages: ['ja'] }],
    })
    expect(languageModel.availabilityCalls).toEqual([expect.objectContaining({ samplingMode: 'predictable' })])
    expect(languageModel.prompted[0]?.options).toMatchObject({ responseConstraint, omitResponseConstraintInput: true })
    expect(model.options).toMatchObject({ samplingMode: 'creative' })
  })

  test('downloads images, and declares them when the session is created', async () => {
    const pixel = 'iVBORw0KGgo='
    const text = { type: 'text', text: 'What is this?' } as const
    for (const image of [{ data: pixel, mediaType: 'image/png' }, { url: `data:image/png;base64,${pixel}` }]) {
      const content = [{ type: 'image', ...image } as const, text]
      const { createCalls, prompted } = await prompt([{ role: 'user', content }], { expectedInputs: [{ type: 'text', languages: ['en'] }] })
      expect(createCalls[0]?.expectedInputs).toEqual([{ type: 'text', languages: ['en'] }, { type: 'image' }])
      const [part, caption] = (prompted[0]?.input[0]?.content ?? []) as readonly { readonly value: Blob }[]
      expect(part).toMatchObject({ type: 'image', value: expect.any(Blob) })
      expect([part?.value.type, part?.value.size]).toEqual(['image/png', 8])
      expect(caption).toEqual({ type: 'text', value: 'What is this?' })
    }
  })

  test('an image that cannot be downloaded is a network error', async () => {
    const content = [{ type: 'image', url: 'data:nothing' } as const]
    expect(await failure(prompt([{ role: 'user', content }]))).toMatchObject({ code: 'network', message: expect.stringContaining('image') })
  })
})

describe('BrowserAI: usage (P8)', () => {
  const history: Input = [['system', 'Be brief.'], 'Hi', ['assistant', 'Hello!'], 'And?']
  const usageOf = async (script: LanguageModelScript, options: BrowserAIOptions = {}) => {
    const run = serving(script, options).model.stream(history)
    await run.drain()
    return (await run.outcome).usage
  }
  // Input: 12 + 5 + 9 for the history, 7 for the prompt. Output: 6, and 1 that ends the response.
  const costOnly = { cost: 0, requests: 1, source: 'provider' }
  const usage = { ...costOnly, inputTokens: 33, outputTokens: 7, totalTokens: 40 }

  test.each([
    ['by context…, the names since 2026', { names: 'new' }],
    ['by input…, the names before 2026', { names: 'old' }],
  ] as const)('is measured: %s', async (_, script) => {
    expect(await usageOf(script)).toEqual(usage)
  })

  test('measures the output, without control tokens, if a session does not count responses', async () => {
    expect(await usageOf({ counts: false })).toEqual({ ...usage, outputTokens: 6, totalTokens: 39 })
  })

  test('is unknown if the browser cannot count', async () => {
    expect(await usageOf({ names: 'none' })).toEqual(costOnly)
  })

  test('has cost 0 for a counter, also for an interrupted response', async () => {
    const counter = new TokenCounter()
    const { model } = serving({ stallAfter: 2 })
    for await (const chunk of model.stream('Hi', { callbacks: [counter] })) if (chunk.type === 'text') break
    await serving({}).model.invoke('Hi', { callbacks: [counter] })
    expect(counter.totalCost).toBe(0)
    expect(counter.usage).toMatchObject({ requests: 2, source: 'estimated' })
  })

  test('is unknown with tools, because the session counts their results too', async () => {
    const now = tool(() => '12:00', { name: 'now', description: 'The time.' })
    expect(await usageOf({}, { tools: [now] })).toEqual(costOnly)
  })
})

describe('BrowserAI: tools', () => {
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

  test('the browser runs tools as children of the model’s run, and gets their error messages', async () => {
    const toolCalls = ['Paris', 'Atlantis'].map((city) => ({ name: 'weather', args: { city } }))
    const { languageModel, model } = serving({ toolCalls }, { tools: [weather] })
    const record = recorder()
    expect(await model.invoke('Hi', { callbacks: [record] })).toMatchObject({ content: 'Hello!' })
    record.check()
    expect(languageModel.createCalls[0]?.tools).toMatchObject([
      { name: 'weather', description: 'The weather.', inputSchema: { type: 'object' } },
    ])
    expect(languageModel.answers).toEqual(['{"degrees":18,"city":"Paris"}', 'It has sunk'])
    const tools = record.trace().filter((line) => /^[SEX] weather/.test(line))
    expect(tools).toEqual(['S weather<BrowserAI', 'E weather', 'S weather<BrowserAI', 'X weather'])
  })

  test('a handler with raiseError in a tool’s run fails the model’s run, and the session is destroyed (P5)', async () => {
    const raising = Object.assign(
      ({ type }: RunEvent) => {
        if (type === 'start') throw new Error('mine')
      },
      { raiseError: true },
    )
    const now = tool(() => '12:00', { name: 'now', description: 'The time.', callbacks: [raising] })
    const { languageModel, model } = serving({ toolCalls: [{ name: 'now', args: { input: '' } }] }, { tools: [now] })
    const record = recorder()
    expect(await failure(model.invoke('Hi', { callbacks: [record], onHandlerError: () => {} }))).toMatchObject({ message: 'mine' })
    record.check()
    expect([languageModel.open, languageModel.running]).toEqual([0, 0])
  })

  test('a tool-calling agent passes its tools to the browser, and gets the answer', async () => {
    const { languageModel, model } = serving({ toolCalls: [{ name: 'weather', args: { city: 'Rome' } }] })
    const agent = initializeAgent([weather], model, { agentType: 'tool-calling' })
    expect(await agent.run('How is Rome?')).toBe('Hello!')
    expect(languageModel.answers).toEqual(['{"degrees":18,"city":"Rome"}'])
  })

  test('tools in the API’s format are passed on; toolChoice: none omits all tools', async () => {
    const own = { name: 'now', description: 'The time.', inputSchema: {}, execute: async () => '12:00' }
    const { languageModel, model } = serving({ toolCalls: [{ name: 'now', args: {} }] }, { tools: [own] })
    await model.invoke('Hi')
    expect(languageModel.answers).toEqual(['12:00'])
    await model.bind({ toolChoice: 'none' }).invoke('Hi')
    expect(languageModel.createCalls[1]?.tools).toBeUndefined()
  })

  test('a tool without a function is an invalid_options error', async () => {
    const spec = { name: 'now', description: 'The time.', jsonSchema: {} }
    expect(await failure(serving({}, { tools: [spec] }).model.invoke('Hi'))).toMatchObject({
      code: 'invalid_options',
      message: expect.stringContaining('tool()'),
    })
  })
})

describe('BrowserAI: stop sequences', () => {
  /** The output of a model that emits one letter at a time. */
  const untilStop = (text: string, stops: readonly string[]): string => {
    for (let output = ''; output.length < text.length; ) {
      output = text.slice(0, output.length + 1)
      const matches = stops.filter((stop) => output.endsWith(stop)).map(({ length }) => length)
      if (matches.length > 0) return output.slice(0, -Math.max(...matches))
    }
    return text
  }

  test.each([['bb\nb'], ['bb\n', 'b'], ['b', 'b', '\n', 'b']])(
    'the first complete one ends the output, even if another begins before it: %j',
    async (...chunks) => {
      expect(await serving({ chunks }, { stop: ['bb\nb', '\n'] }).model.invoke('Hi')).toMatchObject({ content: 'bb' })
    },
  )

  test('end the output for any chunks, and the session is destroyed', async () => {
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

  test('a ReAct agent works with them', async () => {
    const action = ['Action: now\nAction', ' Input: x\nObser', 'vation: 3 o’clock\nFinal Answer: 3'].join('')
    const answers = [action, ' I know.\nFinal Answer: 12:00']
    const languageModel = fakeLanguageModel((index) => ({ chunks: answers[index]?.match(/.{1,4}/gs) ?? [] }))
    const now = tool(() => '12:00', { name: 'now', description: 'The time.' })
    const agent = initializeAgent([now], new BrowserAI({ languageModel }), { agentType: 'zero-shot-react-description' })
    expect(await agent.run('How late is it?')).toBe('12:00')
    expect(languageModel.prompted[1]?.input[0]?.content).toMatch(/Observation: 12:00\nThought:$/)
    expect(languageModel.open).toBe(0)
  })
})

describe('BrowserAI: errors', () => {
  test('context_overflow, with both sizes, for a history or a prompt that is too long', async () => {
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
  ])('%s during the response is thrown after the received text', async (name, message) => {
    const { languageModel, model } = serving({ chunks: ['Hel'], error: new DOMException('It said so.', name) })
    const { chunks, error } = await readAll(model.stream('Hi'))
    expect(chunks.at(-1)).toEqual({ type: 'text', text: 'Hel' })
    expect(error).toMatchObject({ code: 'wire', providerType: name, message: expect.stringMatching(message) })
    expect((error as Error).message).toContain('"It said so."')
    expect(languageModel.open).toBe(0)
    expect(await failure(serving({ error: new DOMException('It said so.', name) }).model.invoke('Hi'))).toMatchObject({ code: 'wire' })
  })

  test('an error that availability() rejects with is the cause of a wire error', async () => {
    const languageModel = { availability: () => Promise.reject(new Error('broken')) } as unknown as LanguageModelFactory
    expect(await failure(new BrowserAI({ languageModel }).invoke('Hi'))).toMatchObject({ code: 'wire', cause: { message: 'broken' } })
  })
})

describe('BrowserAI: the session option', () => {
  test('clones the session for each call, prompts with the whole conversation, and does not destroy it', async () => {
    const languageModel = fakeLanguageModel()
    const session = await languageModel.create({ initialPrompts: [{ role: 'system', content: 'Be brief.' }] })
    const model = new BrowserAI({ session })
    expect(await model.invoke(['Hi', ['assistant', 'Hello!'], 'And?'])).toMatchObject({ content: 'Hello!' })
    for await (const _ of model.stream('Hi')) break
    expect(languageModel.prompted.map(({ input }) => input.length)).toEqual([3, 1])
    expect(languageModel.createCalls).toHaveLength(1)
    expect(languageModel.open).toBe(1)
    session.destroy()
    expect(languageModel.open).toBe(0)
    expect(languageModel.running).toBe(0)
  })

  test('tools and other options of a session are refused, because a clone cannot have them', async () => {
    const languageModel = fakeLanguageModel()
    const session = await languageModel.create()
    const now = tool(() => '12:00', { name: 'now', description: 'The time.' })
    for (const [option, value] of Object.entries({
      tools: [now],
      samplingMode: 'creative',
      temperature: 1,
      topK: 3,
      expectedInputs: [{ type: 'image' }],
    })) {
      const error = await failure(new BrowserAI({ session }).bind({ [option]: value }).invoke('Hi'))
      expect(error).toMatchObject({ code: 'invalid_options', message: expect.stringContaining(`cannot set ${option}. Pass`) })
    }
    expect(languageModel.prompted).toEqual([])
    const model = new BrowserAI({ session, tools: [] }).bind({ responseConstraint: /Hello!/ })
    expect(await model.invoke('Hi')).toMatchObject({ content: 'Hello!' })
    expect(await model.bind({ tools: [now], toolChoice: 'none' }).invoke('Hi')).toMatchObject({ content: 'Hello!' })
  })

  test('a failed clone is a wire error', async () => {
    const session = await fakeLanguageModel().create()
    session.clone = () => Promise.reject(new DOMException('Destroyed.', 'InvalidStateError'))
    expect(await failure(new BrowserAI({ session }).invoke('Hi'))).toMatchObject({ code: 'wire', providerType: 'InvalidStateError' })
  })
})

test('stop() aborts the creation of the session, and destroys a session that is created later', async () => {
  const held = Promise.withResolvers<void>()
  const { languageModel, model } = serving({ stallBefore: true, until: held.promise, deaf: true })
  const run = model.stream('Hi')
  const reading = readAll(run)
  while (languageModel.createCalls.length === 0) await turn()
  run.stop()
  expect(languageModel.createCalls[0]?.signal?.aborted).toBe(true)
  held.resolve()
  expect((await reading).chunks).toEqual([])
  await turn()
  expect(languageModel.open).toBe(0)
  expect(languageModel.prompted).toEqual([])
})
