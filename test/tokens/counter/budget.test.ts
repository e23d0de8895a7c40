import { BudgetExceeded, fallback, lambda, type Outcome, retry, StringOutputParser } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicSse, type FaultyFetch, faultyFetch, recorder, type ScriptedModel, scriptedModel } from 'chaintap/testing'
import { budget, priceTable, TokenCounter } from 'chaintap/tokens'
import { tool } from 'chaintap/tools'
import { describe, expect, test, vi } from 'vitest'
import { readAll } from '../../support/sources.ts'

const words = Array.from({ length: 50 }, (_, i) => `word${i} and more `)
const usage = { inputTokens: 100, outputTokens: 50, totalTokens: 150 }
const talker = (): ScriptedModel =>
  scriptedModel([{ tokens: [{ type: 'meta', id: 'a', model: 'm' }, { type: 'usage', usage: { inputTokens: 100 } }, ...words], usage }])

const chat = (fetch: FaultyFetch): ChatAnthropic => new ChatAnthropic({ apiKey: 'k', dangerouslyAllowBrowser: true, fetch })

describe('while an answer streams', () => {
  test.each([
    [{ maxTokens: 120 }, 'The budget of 120 tokens is exhausted: 12'],
    [{ maxOutputTokens: 20 }, 'The budget of 20 output tokens is exhausted: 2'],
    [{ maxCost: 0.001, prices: priceTable({ m: { input: 2, output: 40 } }) }, 'The budget of 0.001 USD is exhausted: 0.00'],
  ] as const)(
    'budget(%j) stops the run: earlier chunks are delivered, the outcome is aborted, the body is cancelled',
    async (limits, message) => {
      const model = talker()
      const events = recorder()
      const run = model.pipe(new StringOutputParser()).stream('Hi', { callbacks: [budget(limits), events] })
      const { outcome } = run
      const { chunks, error } = await readAll(run)
      expect(chunks.length).toBeGreaterThan(0)
      expect(chunks.length).toBeLessThan(words.length)
      expect(error).toBeInstanceOf(BudgetExceeded)
      expect((error as Error).message).toContain(message)
      expect((error as Error).message).toContain('(estimated)')
      expect(await outcome).toMatchObject({ status: 'aborted', error, partial: chunks.join('') })
      expect(model.record).toMatchObject({ open: 0, cancels: [error] })
      events.check()
    },
  )

  test('an exceeded budget closes the socket', async () => {
    const fetch = faultyFetch({ body: anthropicSse({ text: words, usage }), split: 'events', deaf: true })
    const run = chat(fetch).stream('Hi', { callbacks: [budget({ maxOutputTokens: 10 })] })
    const { outcome } = run
    expect((await readAll(run)).error).toBeInstanceOf(BudgetExceeded)
    expect(await outcome).toMatchObject({ status: 'aborted' })
    expect(fetch.open).toBe(0)
    expect(fetch.cancels).toEqual([expect.any(BudgetExceeded)])
    expect(fetch.pulls).toBeLessThan(30)
  })

  test('the reported input stops the run at the first token', async () => {
    const run = talker().stream('Hi', { callbacks: [budget({ maxTokens: 99 })] })
    const { chunks } = await readAll(run)
    expect(chunks.map(({ type }) => type)).toEqual(['meta', 'usage'])
  })

  test('reasoning and tool calls count', async () => {
    for (const delta of [
      { type: 'reasoning', text: 'Let me think about it. ' },
      { type: 'tool-call', index: 0, args: '"some more arguments", ' },
    ] as const) {
      const model = scriptedModel([Array.from({ length: 20 }, () => delta)])
      const { chunks, error } = await readAll(model.stream('Hi', { callbacks: [budget({ maxOutputTokens: 20 })] }))
      expect(error).toBeInstanceOf(BudgetExceeded)
      expect(chunks.length).toBeLessThan(10)
    }
  })
})

describe('a complete answer', () => {
  test.each(['invoke', 'stream'] as const)('%s: it is not discarded; the next call is refused before it begins', async (way) => {
    const limit = budget({ maxOutputTokens: 49 })
    const model = scriptedModel([{ tokens: ['Hello'], usage }])
    const chain = model.pipe(new StringOutputParser())
    const options = { callbacks: [limit] }
    const first = way === 'invoke' ? await chain.invoke('Hi', options) : (await readAll(chain.stream('Hi', options))).chunks.join('')
    expect(first).toBe('Hello')
    const second = chain.invoke('Hi', options)
    await expect(second).rejects.toThrow(/^The budget of 49 output tokens is exhausted: 50 used\.$/)
    expect(model.record.inputs).toHaveLength(1)
    expect(limit.counter.usage).toMatchObject({ outputTokens: 50, source: 'provider' })
  })

  test('an answer exactly at the limit completes, and the next call is refused', async () => {
    const limit = budget({ maxTokens: 150 })
    const model = scriptedModel([{ tokens: ['Hello'], usage }])
    const { error } = await readAll(model.stream('Hi', { callbacks: [limit] }))
    expect(error).toBeUndefined()
    await expect(model.invoke('Hi', { callbacks: [limit] })).rejects.toBeInstanceOf(BudgetExceeded)
  })

  test('maxCost refuses the next call after a call of unknown cost', async () => {
    const limit = budget({ maxCost: 1, prices: priceTable({ m: { input: 1, output: 1 } }) })
    const model = scriptedModel([{ tokens: ['Hello'], usage }])
    await model.invoke('Hi', { callbacks: [limit] })
    await expect(model.invoke('Hi', { callbacks: [limit] })).rejects.toThrow('the cost of a call is unknown')
  })

  test('the `counter` option includes what that counter has already counted', async () => {
    const counter = new TokenCounter()
    const model = scriptedModel([{ tokens: ['Hello'], usage }])
    await model.invoke('Hi', { callbacks: [counter] })
    const options = { callbacks: [counter, budget({ maxTokens: 300, counter })] }
    await model.invoke('Hi', options)
    await expect(model.invoke('Hi', options)).rejects.toThrow('300 tokens is exhausted: 300 used.')
    expect(counter.totalTokens).toBe(300)
  })
})

describe('the run tree', () => {
  const weather = tool((city: string) => `Rain in ${city}.`, { name: 'weather', description: 'The weather of a city.' })
  const turns = ['Thought: ask.\nAction: weather\nAction Input: Paris', 'Thought: I know.\nFinal Answer: Rain.']

  test('an agent ends at the call that exceeds the budget, after its tools’ events', async () => {
    const events = recorder()
    const llm = scriptedModel(turns.map((text) => ({ tokens: [text], usage })))
    const agent = initializeAgent([weather], llm, { agentType: 'zero-shot-react-description' })
    const stopped = agent.run('How is Paris?', { callbacks: [budget({ maxTokens: 140 }), events] })
    await expect(stopped).rejects.toBeInstanceOf(BudgetExceeded)
    events.check()
    expect(llm.record.inputs).toHaveLength(1)
    expect(events.trace().slice(-3)).toEqual(['X ScriptedModel', 'X LLMChain', 'X AgentExecutor'])
  })

  test('a streaming agent is stopped in the middle of an answer', async () => {
    const llm = scriptedModel([{ tokens: ['Thought: ', ...words] }])
    const agent = initializeAgent([weather], llm, { agentType: 'zero-shot-react-description' })
    const run = agent.stream('How is Paris?', { callbacks: [budget({ maxOutputTokens: 20 })] })
    const { outcome } = run
    expect((await readAll(run)).error).toBeInstanceOf(BudgetExceeded)
    expect(await outcome).toMatchObject({ status: 'aborted' })
    expect(llm.record.open).toBe(0)
  })

  test.each([
    ['retry', (model: ScriptedModel) => retry(model, { attempts: 3, delay: 0 })],
    ['fallback', (model: ScriptedModel) => fallback(model, scriptedModel(['instead']))],
    ['a lambda that catches', (model: ScriptedModel) => lambda((x: string, context) => model.invoke(x, context).catch(() => 'instead'))],
    [
      'a lambda that catches, deep down',
      (model: ScriptedModel) => {
        const inner = lambda((x: string, context) => model.invoke(x, context).catch(() => 'instead'))
        return lambda((x: string, context) => inner.invoke(x, context).catch(() => 'instead')).pipe((x) => x)
      },
    ],
  ] as const)('%s does not get around it', async (_, around) => {
    const events = recorder()
    const model = scriptedModel([{ tokens: words, usage }], { streaming: true })
    const run = around(model).stream('Hi', { callbacks: [budget({ maxOutputTokens: 20 }), events] })
    const outcome: Promise<Outcome<unknown>> = run.outcome
    expect((await readAll(run as AsyncIterable<unknown>)).error).toBeInstanceOf(BudgetExceeded)
    expect(await outcome).toMatchObject({ status: 'aborted', error: expect.any(BudgetExceeded) })
    expect(model.record.inputs).toHaveLength(1)
  })

  test('all concurrent runs are stopped, and each ends once', async () => {
    const events = recorder()
    const reports: unknown[] = []
    const model = talker()
    const chain = lambda(async (x: string, context) => {
      await Promise.all([1, 2, 3].map(() => model.stream(x, context).drain()))
      return x
    })
    const options = { callbacks: [budget({ maxOutputTokens: 50 }), events], onHandlerError: (error: unknown) => reports.push(error) }
    await expect(chain.invoke('Hi', options)).rejects.toBeInstanceOf(BudgetExceeded)
    events.check()
    expect(model.record.open).toBe(0)
    expect(reports).toEqual([])
  })

  test('a budget given to a model stops each of its concurrent answers', async () => {
    const model = talker()
    const limited = Object.assign(model.withConfig({}), { callbacks: [budget({ maxOutputTokens: 50 })] })
    const chain = lambda((x: string, context) => Promise.allSettled([1, 2, 3].map(() => limited.stream(x, context).drain())))
    const ends = await chain.invoke('Hi')
    expect(ends).toEqual(ends.map(() => ({ status: 'rejected', reason: expect.any(BudgetExceeded) })))
    expect(ends).toHaveLength(3)
    expect(model.record.open).toBe(0)
  })

  test('a budget given to a model applies to its runs in all chains together', async () => {
    const limit = budget({ maxTokens: 200 })
    const model = scriptedModel([{ tokens: ['Hello'], usage }], { callbacks: [limit] })
    const chain = lambda((x: string) => x).pipe(model)
    await chain.invoke('Hi')
    await chain.invoke('Hi')
    await expect(chain.invoke('Hi')).rejects.toThrow('200 tokens is exhausted: 300')
  })
})

describe('maxSeconds', () => {
  test('a run without progress is stopped, and its body cancelled', async () => {
    const events = recorder()
    const fetch = faultyFetch({ body: anthropicSse({ text: ['Hello', 'never'] }), stallAfter: 400, deaf: true })
    const chain = lambda((x: string, context) =>
      chat(fetch)
        .stream(x, context)
        .drain()
        .catch(() => 'instead'),
    )
    const stopped = chain.invoke('Hi', { callbacks: [budget({ maxSeconds: 0.02 }), events] })
    await expect(stopped).rejects.toThrow('The budget of 0.02 seconds is exhausted.')
    events.check()
    expect(fetch.open).toBe(0)
  })

  test.each([Number.POSITIVE_INFINITY, 3_000_000])('%d seconds, more than a timer supports, are no limit', async (maxSeconds) => {
    const slow = lambda(async (x: string) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      return x
    })
    expect(await slow.invoke('Hi', { callbacks: [budget({ maxSeconds })] })).toBe('Hi')
  })

  test('a run that ends in time leaves no timer', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout')
    const cleared = vi.spyOn(globalThis, 'clearTimeout')
    await scriptedModel(['Hi']).invoke('Hi', { callbacks: [budget({ maxSeconds: 1_000 })] })
    const [timer] = set.mock.results.filter((_, i) => set.mock.calls[i]?.[1] === 1_000_000)
    expect(cleared).toHaveBeenCalledWith(timer?.value)
    vi.restoreAllMocks()
  })
})

test.each([
  [{}, 'budget() requires a limit'],
  [{ maxTokens: -1 }, 'budget(): maxTokens must be a number of 0 or more, but is -1.'],
  [{ maxSeconds: Number.NaN }, 'budget(): maxSeconds must be a number of 0 or more, but is NaN.'],
])('budget(%j) throws invalid_options', (limits, message) => {
  expect(() => budget(limits)).toThrow(message)
})

test('a budget of 0 refuses the first call', async () => {
  const model = talker()
  await expect(model.invoke('Hi', { callbacks: [budget({ maxTokens: 0 })] })).rejects.toBeInstanceOf(BudgetExceeded)
  expect(model.record.inputs).toHaveLength(0)
})
