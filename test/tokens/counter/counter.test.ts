import { type Delta, lambda, type RunEvent, type Usage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { meter } from 'chaintap/meter'
import { ChatOpenAI, OpenAI } from 'chaintap/openai'
import { anthropicSse, faultyFetch, offlineFetch, openaiSse, scriptedModel } from 'chaintap/testing'
import { priceTable, TokenCounter, type UsageRecord } from 'chaintap/tokens'
import { describe, expect, test, vi } from 'vitest'
import { turn } from '../../support/sources.ts'

const meta = (id: string, model: string): Delta => ({ type: 'meta', id, model })
const spent: Usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }

const record = (more: Partial<UsageRecord> = {}): UsageRecord => ({
  url: 'https://api.openai.com/v1/chat/completions',
  status: 200,
  provider: 'openai',
  model: 'gpt-5.5',
  responseId: 'answer-1',
  complete: true,
  reason: 'end',
  durationMs: 100,
  ...more,
})

describe('TokenCounter as a handler of runs', () => {
  test('without calls all numbers are 0 and known', () => {
    const counter = new TokenCounter()
    expect(counter.snapshot()).toEqual({
      usage: undefined,
      reported: undefined,
      byModel: new Map(),
      byTag: new Map(),
      late: undefined,
      cost: { total: 0, currency: undefined, unknown: 0, parts: [] },
      totalTokens: 0,
      promptTokens: 0,
      completionTokens: 0,
      successfulRequests: 0,
      totalCost: 0,
    })
  })

  test.each(['invoke', 'stream'] as const)('%s: sums the provider’s figures over the calls of a chain', async (way) => {
    const counter = new TokenCounter()
    const model = scriptedModel([{ tokens: [meta('a', 'm'), 'Hel', 'lo'], usage: spent }])
    const twice = lambda(async (input: string, context) => {
      await model.invoke(input, context)
      return model.invoke(input, context)
    })
    if (way === 'invoke') await twice.invoke('Hi', { callbacks: [counter] })
    else await twice.stream('Hi', { callbacks: [counter] }).drain()
    const usage = { inputTokens: 20, outputTokens: 10, totalTokens: 30, requests: 2, source: 'provider' }
    expect(counter.usage).toEqual(usage)
    expect(counter).toMatchObject({ reported: usage, totalTokens: 30, promptTokens: 20, completionTokens: 10, successfulRequests: 2 })
    expect(counter.byModel).toEqual(new Map([['m', usage]]))
  })

  test('byModel and byTag: tags of the user, on the model or on an enclosing run', async () => {
    const counter = new TokenCounter()
    const model = (name: string, tag: string) =>
      scriptedModel([{ tokens: [meta(name, name), 'Hi'], usage: spent }], { tags: [tag] }).withConfig({ tags: ['all'] })
    const chain = lambda((x: string) => x).pipe(model('one', 'cheap'))
    await chain.invoke('x', { callbacks: [counter] })
    await model('two', 'dear').invoke('x', { callbacks: [counter] })
    const one = { ...spent, requests: 1, source: 'provider' }
    const both = { inputTokens: 20, outputTokens: 10, totalTokens: 30, requests: 2, source: 'provider' }
    expect(counter.byModel).toEqual(
      new Map([
        ['one', one],
        ['two', one],
      ]),
    )
    expect(counter.byTag).toEqual(
      new Map([
        ['all', both],
        ['cheap', one],
        ['dear', one],
      ]),
    )
  })

  test('a run whose start was not received is not counted', async () => {
    const events: RunEvent[] = []
    await scriptedModel([{ tokens: ['Hi'], usage: spent }]).invoke('x', { callbacks: [(event: RunEvent) => void events.push(event)] })
    const counter = new TokenCounter()
    for (const event of events.slice(1)) counter.onEvent(event)
    expect(counter.totalTokens).toBe(0)
    for (const event of events) counter.onEvent(event)
    for (const event of events) counter.onEvent(event)
    expect(counter.totalTokens).toBe(30)
  })

  test('a counter attached twice counts each event once', async () => {
    const outer = new TokenCounter()
    const inner = new TokenCounter({ parent: outer })
    const model = scriptedModel([{ tokens: ['Hel', 'lo'], usage: spent }], { callbacks: [inner], streaming: true })
    await model.invoke('x', { callbacks: [outer] })
    expect([inner.totalTokens, outer.totalTokens]).toEqual([15, 15])
    expect(outer.usage?.requests).toBe(1)
  })

  test('a run with unreadable input is not counted, and the counter does not fail', async () => {
    const counter = new TokenCounter()
    const onHandlerError = vi.fn()
    const model = new ChatAnthropic({ apiKey: 'k', dangerouslyAllowBrowser: true, fetch: faultyFetch({ body: '' }) })
    for (const input of [42, [null], [['nobody', 'hi']], [{ role: 'user', content: null }]]) {
      await expect(model.invoke(input as never, { callbacks: [counter], onHandlerError })).rejects.toThrow(/message|role/)
    }
    expect(onHandlerError).not.toHaveBeenCalled()
    expect(counter).toMatchObject({ usage: undefined, totalTokens: 0 })
  })

  test('a refused call is not counted', async () => {
    const counter = new TokenCounter()
    const model = new ChatAnthropic({
      apiKey: 'k',
      dangerouslyAllowBrowser: true,
      maxRetries: 0,
      fetch: faultyFetch({ status: 401, body: '{"type":"error","error":{"type":"authentication_error","message":"No."}}' }),
    })
    await expect(model.invoke('x', { callbacks: [counter] })).rejects.toThrow('No.')
    expect(counter).toMatchObject({ usage: undefined, totalTokens: 0, successfulRequests: 0, totalCost: 0 })
  })
})

describe('figures that no provider reported', () => {
  test('a complete answer without usage is estimated and marked', async () => {
    const counter = new TokenCounter()
    await scriptedModel(['The sky is blue.']).invoke('Why is it?', { callbacks: [counter] })
    expect(counter.usage).toEqual({ inputTokens: 3, outputTokens: 4, totalTokens: 7, requests: 1, source: 'estimated' })
    expect(counter).toMatchObject({ reported: undefined, totalTokens: 7, successfulRequests: 1, totalCost: undefined })
  })

  test('a figure that cannot be estimated is unknown, not 0; requests are always counted', async () => {
    const counter = new TokenCounter()
    const model = scriptedModel([{ tokens: [], usage: { totalTokens: 7 } }])
    await model.invoke([{ role: 'user', content: [] }], { callbacks: [counter] })
    counter.record(record({ responseId: 'b', usage: spent }))
    expect(counter.usage).toEqual({ inputTokens: 10, outputTokens: 5, totalTokens: 22, requests: 2, source: 'provider' })
    expect(counter).toMatchObject({ promptTokens: undefined, completionTokens: undefined, totalTokens: 22, successfulRequests: 2 })
  })

  test('an interrupted answer has the reported figures, and an estimate where that is higher', async () => {
    const counter = new TokenCounter()
    const text = 'Once upon a time there was a bear who lived in the woods. '.repeat(4)
    const fetch = faultyFetch({
      body: anthropicSse({ text: [text, 'never read'], usage: { inputTokens: 90, outputTokens: 200 } }),
      split: 'events',
    })
    const model = new ChatAnthropic({ apiKey: 'k', dangerouslyAllowBrowser: true, fetch })
    for await (const delta of model.stream('x', { callbacks: [counter] })) if (delta.type === 'text') break
    expect(counter.reported).toMatchObject({ inputTokens: 90, source: 'partial', requests: 1 })
    expect(counter.usage).toMatchObject({ inputTokens: 90, source: 'estimated', requests: 1 })
    expect(counter.usage?.outputTokens).toBeGreaterThan(40)
    expect(counter.usage?.outputTokens).toBeLessThan(70)
    expect(counter.totalTokens).toBe(90 + (counter.completionTokens ?? 0))
    expect(counter.successfulRequests).toBe(0)
  })

  test('an interrupted OpenAI answer, without any usage, also has an estimated input', async () => {
    const counter = new TokenCounter()
    const fetch = faultyFetch({ body: openaiSse({ text: ['Hello there', 'never read'] }), split: 'events' })
    const model = new ChatOpenAI({ apiKey: 'k', dangerouslyAllowBrowser: true, fetch })
    for await (const delta of model.stream('Say hello to me', { callbacks: [counter] })) if (delta.type === 'text') break
    expect(counter.reported).toBeUndefined()
    expect(counter.usage).toEqual({ inputTokens: 4, outputTokens: 3, totalTokens: 7, requests: 1, source: 'estimated' })
  })

  test('the tokenizer is called once, with the model, when the answer is over', async () => {
    const tokenizer = vi.fn((text: string) => text.split(' ').length)
    const counter = new TokenCounter({ tokenizer })
    const call: Delta = { type: 'tool-call', index: 0, id: 'c', name: 'weather', args: '{"city":"Paris"}' }
    const model = scriptedModel([[meta('a', 'm'), 'a b ', 'c d', call]], { streaming: true })
    await model.invoke('one two three', { callbacks: [counter] })
    expect(counter.usage).toMatchObject({ inputTokens: 3, outputTokens: 4, totalTokens: 7, source: 'estimated' })
    expect(tokenizer.mock.calls).toEqual([
      ['one two three', 'm'],
      ['a b c dweather{"city":"Paris"}', 'm'],
    ])
  })
})

describe('while an answer streams', () => {
  test('the estimate grows, and the provider’s figures replace it', async () => {
    const counter = new TokenCounter()
    const seen: (Usage | undefined)[] = []
    const tokens = Array.from({ length: 10 }, () => 'some more words ')
    const model = scriptedModel([{ tokens: [meta('a', 'm'), ...tokens], usage: spent }])
    for await (const _ of model.stream('How long is it?', { callbacks: [counter] })) seen.push(counter.usage)
    const outputs = seen.slice(0, 11).map((usage) => usage?.outputTokens ?? -1)
    expect(outputs[0]).toBe(0)
    for (const [i, output] of outputs.entries()) if (i > 0) expect(output).toBeGreaterThan(outputs[i - 1] ?? 0)
    for (const usage of seen.slice(0, 11)) expect(usage).toMatchObject({ inputTokens: 4, requests: 1, source: 'estimated' })
    expect(counter.usage).toEqual({ ...spent, requests: 1, source: 'provider' })
  })

  test('a figure reported during the answer counts at once, as a minimum', async () => {
    const counter = new TokenCounter()
    const seen: (Usage | undefined)[] = []
    const model = scriptedModel([[{ type: 'usage', usage: { inputTokens: 90, outputTokens: 7, totalTokens: 97 } }, 'a']])
    for await (const _ of model.stream('x', { callbacks: [counter] })) seen.push(counter.usage)
    expect(seen[1]).toEqual({ inputTokens: 90, outputTokens: 7, totalTokens: 97, requests: 1, source: 'partial' })
  })

  test('subscribers are called in a microtask, once for many changes; snapshot() is stable until a change', async () => {
    const counter = new TokenCounter()
    const listener = vi.fn()
    const failing = vi.fn(() => {
      throw new Error('of a listener')
    })
    const reported = vi.spyOn(globalThis, 'reportError' in globalThis ? 'reportError' : 'queueMicrotask')
    if ('reportError' in globalThis) reported.mockImplementation(() => {})
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    counter.subscribe(failing)
    const unsubscribe = counter.subscribe(listener)
    const before = counter.snapshot()
    expect(counter.snapshot()).toBe(before)
    counter.record(record({ usage: spent }))
    counter.record(record({ usage: spent, responseId: 'b' }))
    expect(listener).not.toHaveBeenCalled()
    expect(counter.snapshot()).not.toBe(before)
    expect(counter.snapshot()).toBe(counter.snapshot())
    await Promise.resolve()
    expect(listener).toHaveBeenCalledTimes(1)
    unsubscribe()
    counter.record(record({ usage: spent, responseId: 'c' }))
    await turn()
    expect(listener).toHaveBeenCalledTimes(1)
    expect(failing).toHaveBeenCalledTimes(2)
    reported.mockRestore()
    logged.mockRestore()
  })

  test('a subscriber may remove and add itself during its call; a removed one is not called', async () => {
    const counter = new TokenCounter()
    const calls: string[] = []
    const again = () => {
      calls.push('again')
      leave()
      // Stops an endless loop, so that the assertion fails instead.
      if (calls.length < 9) leave = counter.subscribe(again)
      leaveOther()
    }
    let leave = counter.subscribe(again)
    const leaveOther = counter.subscribe(() => void calls.push('other'))
    counter.record(record({ usage: spent }))
    await turn()
    expect(calls).toEqual(['again'])
  })

  test('events of other runs do not change the figures', async () => {
    const counter = new TokenCounter()
    const before = counter.snapshot()
    await lambda((x: string) => x).invoke('x', { callbacks: [counter] })
    expect(counter.snapshot()).toBe(before)
  })
})

describe('failing callbacks', () => {
  const captureReports = (): { readonly messages: unknown[]; readonly restore: () => void } => {
    const messages: unknown[] = []
    const note = (error: unknown): void => void messages.push((error as Error).message)
    const spies = [vi.spyOn(console, 'error').mockImplementation(note)]
    if ('reportError' in globalThis) spies.push(vi.spyOn(globalThis, 'reportError').mockImplementation(note) as never)
    const restore = () => {
      for (const spy of spies) spy.mockRestore()
    }
    return { messages, restore }
  }
  const fails = (): never => {
    throw new Error('It is broken.')
  }

  test('a price book that throws: calls are counted, their cost is unknown, one error is reported', async () => {
    const { messages, restore } = captureReports()
    const counter = new TokenCounter({ prices: { price: fails } })
    const model = scriptedModel([{ tokens: ['Hel', 'lo'], usage: spent }], { streaming: true })
    for (const _ of [1, 2]) await model.invoke('x', { callbacks: [counter] })
    counter.record(record({ usage: spent }))
    expect(counter).toMatchObject({ totalTokens: 45, successfulRequests: 3, totalCost: undefined, cost: { unknown: 3 } })
    expect(messages).toEqual([expect.stringMatching(/price book .*cost of the call is unknown/)])
    restore()
  })

  test('a tokenizer that throws, or returns no number: the estimate is used', async () => {
    const { messages, restore } = captureReports()
    const estimated = new TokenCounter()
    const counters = [fails, () => Number.NaN, async () => 3].map((tokenizer) => new TokenCounter({ tokenizer: tokenizer as () => number }))
    await scriptedModel(['The sky is blue.']).invoke('Why is it?', { callbacks: [estimated, ...counters] })
    for (const counter of counters) expect(counter.usage).toEqual(estimated.usage)
    expect(messages).toEqual([expect.stringMatching(/tokenizer .*estimate/)])
    restore()
  })

  test('a price of NaN is an unknown cost', () => {
    const counter = new TokenCounter({ prices: { price: () => ({ total: Number.NaN, currency: 'USD', source: 'x' }) } })
    counter.record(record({ usage: spent }))
    expect(counter).toMatchObject({ totalCost: undefined, cost: { unknown: 1, parts: [] } })
  })

  test('a subscriber that throws: the error is reported as that of a subscriber', async () => {
    const { messages, restore } = captureReports()
    const counter = new TokenCounter()
    counter.subscribe(fails)
    counter.record(record({ usage: spent }))
    await turn()
    expect(messages).toEqual([expect.stringMatching(/^A subscriber of a TokenCounter threw an error/)])
    restore()
  })
})

describe('TokenCounter as a listener of meters', () => {
  test('counts a record’s usage; without usage the estimate of its output; without output nothing', () => {
    const counter = new TokenCounter()
    counter.record(record({ usage: spent, tag: 'mine' }))
    expect(counter.usage).toEqual({ ...spent, requests: 1, source: 'provider' })
    expect(counter.byTag.get('mine')).toEqual(counter.usage)
    counter.record(record({ responseId: 'b', complete: false, reason: 'abort', outputWeight: 4.2 }))
    expect(counter.usage).toEqual({ inputTokens: 10, outputTokens: 10, totalTokens: 15, requests: 2, source: 'estimated' })
    expect(counter).toMatchObject({ totalTokens: undefined, completionTokens: 10, successfulRequests: 1 })
    const before = counter.snapshot()
    counter.record(record({ responseId: undefined, complete: false, status: 500 }))
    counter.record(
      record({ responseId: undefined, complete: false, model: undefined, provider: undefined, url: 'https://api.openai.com/v1/models' }),
    )
    expect(counter.snapshot()).toBe(before)
  })

  test('an answer requested again by its id counts once; ids that servers repeat do not matter', () => {
    const counter = new TokenCounter()
    const once = { responseId: 'resp_1', url: 'https://api.openai.com/v1/responses' }
    counter.record(record({ ...once, complete: false, reason: 'truncated', usage: { inputTokens: 10 } }))
    counter.record(record({ ...once, url: `${once.url}/resp_1`, usage: spent }))
    counter.record(record({ ...once, url: `${once.url}/resp_1`, usage: spent }))
    expect(counter.usage).toEqual({ ...spent, requests: 1, source: 'provider' })
    counter.record(record({ usage: spent, responseId: 'chatcmpl-7' }))
    counter.record(record({ usage: spent, responseId: 'chatcmpl-7' }))
    expect(counter.usage).toMatchObject({ totalTokens: 45, requests: 3 })
  })

  test.each(['before', 'after', 'within'])(
    'a call reported by its run and by a meter counts once: the record %s the run’s end',
    async (when) => {
      const counter = new TokenCounter()
      const seen: unknown[] = []
      const model = scriptedModel([{ tokens: [meta('a', 'm'), 'Hel', 'lo'], usage: spent }], { streaming: when === 'within' })
      const its = (): void =>
        counter.record(record({ responseId: 'a', model: 'm', usage: { ...spent, cacheReadTokens: 8 }, tag: 'client' }))
      const stop = counter.subscribe(() => seen.push(counter.usage?.requests))
      const look = (event: RunEvent): void => {
        if (when === 'within' && event.type === 'token' && event.token === 'lo') its()
        if (when === 'before' && event.type === 'end') its()
      }
      await model.invoke('x', { callbacks: [look, counter], tags: ['run'] })
      if (when === 'after') its()
      stop()
      const usage = { ...spent, cacheReadTokens: 8, requests: 1, source: 'provider' }
      expect(counter.usage).toEqual(usage)
      expect(counter.byTag).toEqual(
        new Map([
          ['run', usage],
          ['client', usage],
        ]),
      )
      expect(counter.successfulRequests).toBe(1)
      expect(seen.every((requests) => requests === 1)).toBe(true)
    },
  )

  test('if an answer changes its id, the last one is used', async () => {
    const counter = new TokenCounter()
    const model = scriptedModel([{ tokens: [meta('a', 'm'), 'Hi', meta('b', 'm')], usage: spent }], { streaming: true })
    await model.invoke('x', { callbacks: [counter] })
    counter.record(record({ responseId: 'a', usage: spent }))
    expect(counter).toMatchObject({ totalTokens: 30, successfulRequests: 2 })
    counter.record(record({ responseId: 'b', usage: spent }))
    expect(counter).toMatchObject({ totalTokens: 30, successfulRequests: 2 })
  })

  test('evicted calls stay in the sums', () => {
    const counter = new TokenCounter()
    for (let i = 0; i < 1_000; i++) counter.record(record({ responseId: `r${i}`, usage: spent, model: `m${i % 2}` }))
    expect(counter.usage).toMatchObject({ totalTokens: 15_000, requests: 1_000 })
    expect(counter.byModel.get('m1')).toMatchObject({ totalTokens: 7_500, requests: 500 })
  })
})

describe('close()', () => {
  test('calls that end later are late and in no total; earlier calls stay', async () => {
    const counter = new TokenCounter()
    const slow = scriptedModel([{ tokens: [meta('a', 'm'), 'Hel', 'lo'], usage: spent }]).stream('x', { callbacks: [counter] })
    const reader = slow.getReader()
    await reader.read()
    await reader.read()
    counter.record(record({ usage: spent }))
    expect(counter.usage?.requests).toBe(2)
    counter.close()
    expect(counter.usage).toEqual({ ...spent, requests: 1, source: 'provider' })
    expect(counter.late).toBeUndefined()
    while (!(await reader.read()).done);
    counter.record(record({ responseId: 'b', usage: spent }))
    expect(counter.usage).toEqual({ ...spent, requests: 1, source: 'provider' })
    expect(counter.late).toEqual({ inputTokens: 20, outputTokens: 10, totalTokens: 30, requests: 2, source: 'provider' })
    expect(counter.totalTokens).toBe(15)
  })

  test('`using` closes the counter', async () => {
    const counters: TokenCounter[] = []
    {
      using counter = new TokenCounter()
      counters.push(counter)
      counter.record(record({ usage: spent }))
    }
    counters[0]?.record(record({ responseId: 'b', usage: spent }))
    expect(counters[0]).toMatchObject({ totalTokens: 15, late: { totalTokens: 15 } })
  })

  test('a call counted before close() stays counted if it is reported again', async () => {
    const counter = new TokenCounter()
    await scriptedModel([{ tokens: [meta('a', 'm'), 'Hi'], usage: spent }]).invoke('x', { callbacks: [counter] })
    counter.close()
    counter.record(record({ responseId: 'a', usage: spent }))
    expect(counter).toMatchObject({ totalTokens: 15, late: undefined })
  })
})

describe('cost', () => {
  const prices = priceTable({ m: { input: 2, output: 10, cacheRead: 0.5 } }, { source: 'mine', date: '2026-11-01' })

  test('comes from the price book, with source and date; a cost reported by the provider takes precedence', async () => {
    const counter = new TokenCounter({ prices })
    const model = scriptedModel([{ tokens: [meta('a', 'm'), 'Hi'], usage: { ...spent, cacheReadTokens: 4 } }])
    await model.invoke('x', { callbacks: [counter] })
    expect(counter.totalCost).toBeCloseTo((6 * 2 + 4 * 0.5 + 5 * 10) / 1e6, 12)
    expect(counter.cost.parts).toEqual([{ total: counter.totalCost, currency: 'USD', source: 'mine', date: '2026-11-01' }])
    counter.record(record({ provider: 'openrouter', model: 'm', usage: { ...spent, cost: 0.5 } }))
    expect(counter.totalCost).toBeCloseTo(0.5 + 64 / 1e6, 12)
    expect(counter.cost.parts.map(({ source }) => source)).toEqual(['mine', 'openrouter'])
    expect(counter.usage?.cost).toBe(0.5)
  })

  test('totalCost is unknown if one call’s cost is; `parts` has the known costs', async () => {
    const counter = new TokenCounter({ prices })
    counter.record(record({ model: 'm', usage: spent }))
    counter.record(record({ model: 'another', usage: spent, responseId: 'b' }))
    expect(counter.totalCost).toBeUndefined()
    expect(counter.cost).toMatchObject({ total: undefined, currency: 'USD', unknown: 1, parts: [{ total: 70 / 1e6 }] })
  })

  test('in two currencies has no total', () => {
    const euros = priceTable({ m: { input: 1, output: 1 } }, { currency: 'EUR', otherwise: priceTable({ n: { input: 1, output: 1 } }) })
    const counter = new TokenCounter({ prices: euros })
    for (const model of ['m', 'n']) counter.record(record({ model, usage: spent, responseId: model }))
    expect(counter.cost).toMatchObject({ total: undefined, currency: undefined, unknown: 0 })
    expect(counter.cost.parts).toHaveLength(2)
  })

  test('grows with the estimate during an answer', async () => {
    const counter = new TokenCounter({ prices })
    const seen: (number | undefined)[] = []
    const model = scriptedModel([{ tokens: [meta('a', 'm'), ...Array.from({ length: 20 }, () => 'words and words ')], usage: spent }])
    for await (const _ of model.stream('x', { callbacks: [counter] })) seen.push(counter.totalCost)
    expect(seen[0]).toBeGreaterThan(0)
    expect(seen[20]).toBeGreaterThan(seen[0] ?? 0)
    expect(counter.totalCost).toBeCloseTo(70 / 1e6, 12)
  })

  test('of one-hour cache writes is priced separately, and unknown without such a price', async () => {
    const usage = { inputTokens: 1_600, outputTokens: 10, cacheReadTokens: 1_000, cacheWriteTokens: 500 }
    const written = '"cache_creation_input_tokens":500'
    // Only the start of an answer contains it.
    const split = `${written},"cache_creation":{"ephemeral_5m_input_tokens":100,"ephemeral_1h_input_tokens":400}`
    const body = anthropicSse({ model: 'm', text: ['Hi'], usage })
      .join('')
      .replace(written, split)
    const scripted = faultyFetch({ body })
    const five = { input: 1, output: 5, cacheRead: 0.1, cacheWrite: 1.25 }
    const total = (100 * 1 + 1_000 * 0.1 + 100 * 1.25 + 400 * 2 + 10 * 5) / 1e6
    for (const way of ['its run', 'a meter', 'both']) {
      const unpriced = new TokenCounter({ prices: priceTable({ m: five }) })
      const priced = new TokenCounter({ prices: priceTable({ m: { ...five, cacheWrite1h: 2 } }) })
      const fetch = way === 'its run' ? scripted : meter(meter(scripted, unpriced), priced)
      const callbacks = way === 'a meter' ? [] : [unpriced, priced]
      await new ChatAnthropic({ apiKey: 'k', dangerouslyAllowBrowser: true, fetch }).stream('x', { callbacks }).drain()
      expect(priced.usage, way).toEqual({ ...usage, totalTokens: 1_610, requests: 1, source: 'provider' })
      expect([priced.totalCost, unpriced.totalCost], way).toEqual([expect.closeTo(total, 12), undefined])
    }
  })

  test('is unknown if figures contradict each other', () => {
    const prices = priceTable({ m: { input: 1, output: 1, cacheWrite1h: 1 } })
    const call = { model: 'm', at: 0 }
    expect(prices.price({ ...spent, cacheReadTokens: 11 }, call)).toBeUndefined()
    expect(prices.price({ ...spent, cacheWriteTokens: 1 }, { ...call, cacheWrite1hTokens: 2 })).toBeUndefined()
  })

  test('priceTable() throws for a price that is negative or NaN', () => {
    expect(() => priceTable({ m: { input: -1, output: 2 } })).toThrow('priceTable: the prices of m must be numbers of 0 or more')
    expect(() => priceTable({ m: { input: Number.NaN, output: 2 } })).toThrow('priceTable: the prices of m must be numbers of 0 or more')
  })
})

describe('with chaintap’s models', () => {
  const options = { apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true }

  test.each([
    ['ChatAnthropic', new ChatAnthropic(options)],
    ['ChatOpenAI', new ChatOpenAI(options)],
  ] as const)('%s: streamed and whole give the same', async (_, model) => {
    const [whole, streamed] = [new TokenCounter(), new TokenCounter()]
    await model.invoke('What is 17 + 4?', { callbacks: [whole] })
    await model.stream('What is 17 + 4?', { callbacks: [streamed] }).drain()
    expect(whole.usage).toMatchObject({ requests: 1, source: 'provider' })
    expect(streamed.usage).toEqual(whole.usage)
    expect(streamed.byModel).toEqual(whole.byModel)
    expect([...whole.byModel.keys()]).toEqual(['offline'])
  })

  test('OpenAI, the text model: runs and a meter in its fetch count each call once, with model and URL', async () => {
    const priced: unknown[] = []
    const prices = {
      price: (_: Usage, { model, url }: { model?: string | undefined; url?: string | undefined }) => void priced.push([model, url]),
    }
    const counter = new TokenCounter({ prices })
    const llm = new OpenAI({ ...options, fetch: meter(offlineFetch(), counter), callbacks: [counter] })
    await llm.invoke('What is 17 + 4?')
    await llm.stream('What is 17 + 4?').drain()
    await turn()
    expect(counter.usage).toMatchObject({ requests: 2, source: 'provider' })
    expect([...counter.byModel.keys()]).toEqual(['offline'])
    expect(priced).toContainEqual(['offline', expect.stringContaining('https://api.openai.com/v1')])
  })

  test('a truncated answer that is accepted has lower bounds from the provider, and an estimate', async () => {
    const counter = new TokenCounter()
    const body = anthropicSse({ text: ['Once upon a time there was a bear'], usage: { inputTokens: 90, outputTokens: 200 } }).join('')
    const fetch = faultyFetch({ body, truncateAfter: body.indexOf('event: content_block_stop') })
    const model = new ChatAnthropic({ ...options, fetch, onTruncated: 'accept' })
    await model.stream('x', { callbacks: [counter] }).drain()
    expect(counter.reported).toMatchObject({ inputTokens: 90, source: 'partial' })
    expect(counter.usage).toMatchObject({ inputTokens: 90, outputTokens: 7, source: 'estimated' })
    expect(counter.successfulRequests).toBe(0)
  })

  test('OpenAI, the text model', async () => {
    const counter = new TokenCounter()
    const llm = new OpenAI(options)
    await llm.generate(['What is 17 + 4?', 'What is 17 + 4?'], { callbacks: [counter] })
    const once = new TokenCounter()
    await llm.stream('What is 17 + 4?', { callbacks: [once] }).drain()
    expect(once.usage).toMatchObject({ requests: 1, source: 'provider' })
    expect(counter.usage).toMatchObject({ requests: 2, source: 'provider', totalTokens: 2 * (once.totalTokens ?? 0) })
  })
})
