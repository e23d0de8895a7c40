import { BudgetExceeded, lambda, type RunEvent, type Usage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { RemoteRunnable } from 'chaintap/remote'
import { scriptedModel } from 'chaintap/testing'
import { budget, priceTable, TokenCounter } from 'chaintap/tokens'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'

/** The messages passed to `reportError`. */
let reported: string[] = []
beforeEach(() => {
  reported = []
  vi.stubGlobal('reportError', (error: Error) => void reported.push(error.message))
})
afterEach(() => vi.unstubAllGlobals())

const counts = ['inputTokens', 'outputTokens', 'totalTokens', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens', 'requests'] as const

/** The figures of a usage that cannot be true. */
const wrongFigures = (usage: Usage | undefined): readonly unknown[] =>
  Object.entries(usage ?? {}).filter(([figure, value]) => {
    if (figure === 'source' || value === undefined) return false
    return figure === 'cost' ? !(Number.isFinite(value) && value >= 0) : !(Number.isSafeInteger(value) && value >= 0)
  })

const nonsense = fc.oneof(
  fc.integer({ max: -1 }),
  fc.constantFrom('5', '', true, [], [5], {}, { tokens: 5 }, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -0.5),
)
const figure = fc.oneof(nonsense, fc.nat(), fc.constantFrom(null, undefined))
const anyUsage = fc.record({ ...Object.fromEntries(counts.map((name) => [name, figure])), cost: figure }, { requiredKeys: [] })

const headers = { 'content-type': 'application/json' }
const answering = (body: unknown) => async (): Promise<Response> => Response.json(body, { headers })
const options = { apiKey: 'k', dangerouslyAllowBrowser: true, maxRetries: 0 }
const words = 'word '.repeat(2_000)

const openai = (usage: unknown): ChatOpenAI =>
  new ChatOpenAI({
    ...options,
    fetch: answering({ id: 'c1', model: 'm', choices: [{ message: { content: words }, finish_reason: 'stop' }], usage }),
  })

describe('usage that cannot be true', () => {
  test('reaches no message, event, outcome or counter, whatever figures a model sends', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyUsage, { maxLength: 3 }), async (usages) => {
        const deltas = usages.map((usage) => ({ type: 'usage', usage: usage as Usage }) as const)
        const model = scriptedModel([[{ type: 'text', text: 'Hi' }, ...deltas]])
        const counter = new TokenCounter()
        const events: RunEvent[] = []
        const run = lambda((input: string, context) => model.invoke(input, context)).stream('x', {
          callbacks: [counter, (event: RunEvent) => void events.push(event)],
        })
        await run.drain()
        const { usage, ...outcome } = await run.outcome
        const message = 'output' in outcome ? outcome.output : undefined
        const heard = events.flatMap((event) =>
          event.type === 'delta' && event.delta.type === 'usage' ? [event.delta.usage] : event.type === 'end' ? [event.usage] : [],
        )
        const found = [message?.usage, usage, counter.usage, counter.reported, ...heard].flatMap(wrongFigures)
        expect(found).toEqual([])
      }),
    )
  })

  test('is left out figure by figure, and the others stay', async () => {
    const usage = { inputTokens: '5', outputTokens: 3, cacheReadTokens: -1, cost: 'free' } as unknown as Usage
    const message = await scriptedModel([['Hi', { type: 'usage', usage }]]).invoke('x')
    expect(message.usage).toEqual({ outputTokens: 3 })
  })

  test('does not replace an earlier figure', async () => {
    const later = { inputTokens: 'x' } as unknown as Usage
    const message = await scriptedModel([[{ type: 'usage', usage: { inputTokens: 5 } }, 'Hi', { type: 'usage', usage: later }]]).invoke('x')
    expect(message.usage).toEqual({ inputTokens: 5 })
  })

  test('is reported once for a call, with the name of the model and the figures', async () => {
    const model = openai({ prompt_tokens: '5', completion_tokens: -7 })
    await lambda(async (input: string, context) => {
      await model.invoke(input, context)
      return model.invoke(input, context)
    }).invoke('x')
    expect(reported).toEqual([
      'ChatOpenAI received impossible usage (inputTokens, outputTokens): left out. Counts are whole numbers of 0 or more.',
    ])
  })

  test('is not reported if a provider sends null or nothing', async () => {
    await openai({ prompt_tokens: null, completion_tokens: 3 }).invoke('x')
    await openai(null).invoke('x')
    expect(reported).toEqual([])
  })

  test.each([
    { input_tokens: '10', output_tokens: 2 },
    { input_tokens: 10, cache_read_input_tokens: '5', output_tokens: 2 },
    { input_tokens: 10, cache_creation_input_tokens: [5], output_tokens: 2 },
    { input_tokens: -10, cache_read_input_tokens: 50, output_tokens: 2 },
    { input_tokens: 10, output_tokens: 2, iterations: [{ type: 'compaction', input_tokens: '5', output_tokens: 0 }] },
  ])('is not added up by ChatAnthropic: %j', async (usage) => {
    const body = {
      type: 'message',
      role: 'assistant',
      id: 'm1',
      model: 'm',
      content: [{ type: 'text', text: 'Hi' }],
      stop_reason: 'end_turn',
    }
    const message = await new ChatAnthropic({ ...options, fetch: answering({ ...body, usage }) }).invoke('x')
    expect(message.usage?.inputTokens).toBeUndefined()
    expect(message.usage?.outputTokens).toBe(2)
    expect(reported).toHaveLength(1)
  })
})

describe('a budget holds against a provider that reports', () => {
  test.each([
    ['strings', { prompt_tokens: '5', completion_tokens: '7' }],
    ['negative numbers', { prompt_tokens: -5e6, completion_tokens: -7e6 }],
    ['a negative total', { prompt_tokens: 5, total_tokens: -7e6 }],
    ['a total below the input', { prompt_tokens: 500, total_tokens: 5 }],
    ['lists and objects', { prompt_tokens: [], completion_tokens: {} }],
    ['fractions', { prompt_tokens: 1.5, completion_tokens: 1 }],
    ['one output token for 2,000 words', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 }],
    ['no output tokens for 2,000 words', { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 }],
    ['a list', [1, 2]],
    ['a text', 'many'],
  ])('%s', async (_, usage) => {
    const limit = budget({ maxTokens: 1_000 })
    await openai(usage).invoke('x', { callbacks: [limit] })
    await expect(openai(usage).invoke('x', { callbacks: [limit] })).rejects.toBeInstanceOf(BudgetExceeded)
    expect(limit.counter.usage).toMatchObject({ source: 'estimated' })
    expect(limit.counter.totalTokens).toBeGreaterThan(1_000)
  })

  test('too few tokens again and again: they do not teach the estimate', async () => {
    const limit = budget({ maxTokens: 5_000 })
    let calls = 0
    const all = async (): Promise<void> => {
      for (; calls < 20; calls++) await openai({ prompt_tokens: 1, completion_tokens: 1 }).invoke('x', { callbacks: [limit] })
    }
    await expect(all()).rejects.toBeInstanceOf(BudgetExceeded)
    expect(calls).toBeLessThan(5)
  })

  test('a negative cost', async () => {
    const limit = budget({ maxCost: 0.001, prices: priceTable({ m: { input: 1, output: 1 } }) })
    const model = openai({ prompt_tokens: 1, completion_tokens: 2_000, cost: -5 })
    await model.invoke('x', { callbacks: [limit] })
    await expect(model.invoke('x', { callbacks: [limit] })).rejects.toBeInstanceOf(BudgetExceeded)
    expect(limit.counter.cost.total).toBeGreaterThan(0)
  })

  test('tokens cached for one hour that make the cost negative', async () => {
    const answered = { id: 'a', model: 'm', cacheWrite1hTokens: -1e12 }
    const usage = { inputTokens: 10, cacheWriteTokens: 10, outputTokens: 5 }
    const prices = priceTable({ m: { input: 1, output: 1, cacheWrite: 1, cacheWrite1h: 2 } })
    const limit = budget({ maxCost: 1, prices })
    const model = scriptedModel([{ tokens: [{ type: 'meta', ...answered }, 'Hi'], usage }])
    await model.invoke('x', { callbacks: [limit] })
    expect(limit.counter.cost).toMatchObject({ total: undefined, unknown: 1 })
  })
})

describe('RemoteRunnable', () => {
  const root = { id: 'r', rootId: 'r', name: 'Root', kind: 'chain', tags: [], metadata: {} }
  const model = { ...root, id: 'm', parentId: 'r', name: 'Model', kind: 'chat_model' }
  const impossible = { inputTokens: '5', outputTokens: 4, totalTokens: -1, cost: [] }

  async function received(sent: readonly object[], outcome: object, from = 0) {
    const frames = sent.map((event, i) => {
      const seq = from + i
      return `event: ${(event as RunEvent).type}\nid: ${seq}\ndata: ${JSON.stringify({ at: 1, seq, ...event })}\n\n`
    })
    const body = `${frames.join('')}event: outcome\ndata: ${JSON.stringify({ status: 'complete', durationMs: 1, ...outcome })}\n\n`
    const fetch = async (): Promise<Response> => new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    const events: RunEvent[] = []
    const counter = new TokenCounter()
    const run = new RemoteRunnable<string, string>('https://app.example/joke', { fetch }).stream('x', {
      callbacks: [counter, (event: RunEvent) => void events.push(event)],
    })
    await run.drain()
    return { events, counter, outcome: await run.outcome }
  }

  test('leaves out usage that cannot be true of events and of the outcome, and reports it once', async () => {
    const { events, counter, outcome } = await received(
      [
        { type: 'start', run: root, input: 1 },
        { type: 'start', run: model, input: [] },
        { type: 'delta', run: 'm', delta: { type: 'usage', usage: impossible } },
        { type: 'end', run: 'm', output: { role: 'assistant', content: 'Hi' }, usage: impossible },
        { type: 'end', run: 'r', output: 'Hi' },
      ],
      { usage: impossible },
    )
    expect(outcome.usage).toEqual({ outputTokens: 4 })
    const usages = events.flatMap((event) =>
      event.type === 'delta' && event.delta.type === 'usage'
        ? [event.delta.usage]
        : event.type === 'end' && event.usage
          ? [event.usage]
          : [],
    )
    expect(usages).toEqual([{ outputTokens: 4 }, { outputTokens: 4 }])
    expect(wrongFigures(counter.usage)).toEqual([])
    expect(reported).toHaveLength(1)
  })

  test.each([null, 'many', 5, [1], true])('accepts a usage of %j in events', async (usage) => {
    const { outcome } = await received(
      [
        { type: 'start', run: model, input: [] },
        { type: 'delta', run: 'm', delta: { type: 'usage', usage } },
        { type: 'end', run: 'm', output: 'Hi' },
      ],
      { usage },
    )
    expect(outcome.status).toBe('complete')
    expect(wrongFigures(outcome.usage)).toEqual([])
  })
})
