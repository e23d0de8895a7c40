import { ChaintapError, lambda, type Usage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type MeteredFetch, meter } from 'chaintap/meter'
import { ChatOpenAI } from 'chaintap/openai'
import { type FaultyFetch, faultyFetch, offlineFetch, openaiJson, scriptedModel } from 'chaintap/testing'
import { countTokens, TokenCounter, tagged, type UsageRecord } from 'chaintap/tokens'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { turn } from '../../support/sources.ts'

const spent: Usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
const model = scriptedModel([{ tokens: ['Hel', 'lo'], usage: spent }])

describe('countTokens()', () => {
  test('resolves with the function’s result and its counter', async () => {
    const { result, counter } = await countTokens((counter) => model.invoke('Hi', { callbacks: [counter] }))
    expect(result.content).toBe('Hello')
    expect(counter.totalTokens).toBe(15)
  })

  test('counts chains whose counter is passed to the call, bound, or given to a constructor', async () => {
    const chain = lambda((x: string) => x).pipe(model)
    const { counter } = await countTokens(async (counter) => {
      await chain.invoke('Hi', { callbacks: [counter] })
      await chain.withConfig({ callbacks: [counter] }).invoke('Hi')
      await chain.batch(['Hi', 'Ho'], { callbacks: [counter] })
      await scriptedModel([{ tokens: ['Hello'], usage: spent }], { callbacks: [counter] }).invoke('Hi')
    })
    expect(counter).toMatchObject({ totalTokens: 75, successfulRequests: 5 })
  })

  test('closes the counter if the function throws', async () => {
    const counters: TokenCounter[] = []
    const failed = countTokens(async (counter) => {
      counters.push(counter)
      await model.invoke('Hi', { callbacks: [counter] })
      throw new Error('of the scope')
    })
    await expect(failed).rejects.toThrow('of the scope')
    const [counter] = counters
    await model.invoke('Hi', { callbacks: counters })
    expect(counter).toMatchObject({ totalTokens: 15, late: { totalTokens: 15 } })
    const thrown = countTokens((counter) => {
      counters.push(counter)
      throw new Error('at once')
    })
    await expect(thrown).rejects.toThrow('at once')
    await model.invoke('Hi', { callbacks: counters })
    expect(counters[1]).toMatchObject({ totalTokens: 0, late: { totalTokens: 15 } })
  })

  test('nested scopes with `parent` both count, whichever counter was passed', async () => {
    const totals: (number | undefined)[] = []
    const { counter: outer } = await countTokens(async (outer) => {
      await model.invoke('Hi', { callbacks: [outer] })
      for (const withOuter of [false, true]) {
        const { counter: inner } = await countTokens((inner) => model.invoke('Hi', { callbacks: withOuter ? [outer, inner] : [inner] }), {
          parent: outer,
        })
        totals.push(inner.totalTokens)
      }
      await model.invoke('Hi', { callbacks: [outer] })
    })
    expect([outer.totalTokens, ...totals]).toEqual([60, 15, 15])
  })

  test('rejects a function without a parameter before it calls it', async () => {
    let isCalled = false
    const wrong = countTokens(async () => {
      isCalled = true
      return model.invoke('Hi')
    })
    await expect(wrong).rejects.toBeInstanceOf(ChaintapError)
    await expect(wrong).rejects.toMatchObject({ code: 'invalid_options', message: expect.stringContaining('callbacks: [counter]') })
    expect(isCalled).toBe(false)
  })
})

describe('tagged(counter) on calls of a shared client', () => {
  const answer = openaiJson({ text: ['Hello'], usage: spent })
  /** Merges its own fetch options with those of the call, as SDK clients do. */
  const clientOf =
    (fetch: MeteredFetch) =>
    async (fetchOptions: RequestInit = {}) => {
      const response = await fetch('https://api.openai.com/v1/chat/completions', { method: 'POST', body: '{}', ...fetchOptions })
      await response.json()
    }

  test('counts the call in the scope and in the client’s counter', async () => {
    const all = new TokenCounter()
    const call = clientOf(meter(faultyFetch({ body: JSON.stringify(answer) }), all))
    const { counter } = await countTokens(async (counter) => {
      await Promise.all([call(tagged(counter)), call(), call(tagged(counter)), call(tagged('a word'))])
    })
    expect([counter.totalTokens, all.totalTokens]).toEqual([30, 60])
    expect([...all.byTag.keys()]).toEqual(['a word'])
    await call(tagged(counter))
    expect([counter.totalTokens, counter.late?.totalTokens, all.totalTokens]).toEqual([30, 15, 75])
  })

  test('counts for each kind of client target: a function, an object, begin() without a listener', async () => {
    const answering = faultyFetch({ body: JSON.stringify(answer) })
    for (const target of [() => {}, { record() {} }, { record() {}, begin: () => undefined }]) {
      const call = clientOf(meter(answering, target))
      const { counter } = await countTokens((counter) => call(tagged(counter)))
      expect(counter.totalTokens).toBe(15)
    }
  })

  test('each call counts once if the client’s counter is also the parent', async () => {
    const all = new TokenCounter()
    const call = clientOf(meter(faultyFetch({ body: JSON.stringify(answer) }), all))
    const { counter } = await countTokens((counter) => call(tagged(counter)), { parent: all })
    expect([counter.totalTokens, all.totalTokens]).toEqual([15, 15])
  })
})

describe('nested meters', () => {
  const script = (): FaultyFetch => faultyFetch({ body: JSON.stringify(openaiJson({ text: ['Hello'], usage: spent })) })
  const ask = async (fetch: MeteredFetch, options: RequestInit = {}): Promise<void> => {
    const response = await fetch('https://api.openai.com/v1/chat/completions', { method: 'POST', body: '{}', ...options })
    await response.json()
  }

  test('a counter of two meters counts a call once, and so do its parents', async () => {
    const outer = new TokenCounter()
    const inner = new TokenCounter({ parent: outer })
    await ask(meter(meter(script(), inner), inner))
    expect([inner.totalTokens, outer.totalTokens]).toEqual([15, 15])
    await ask(meter(meter(script(), outer), inner))
    await ask(meter(meter(script(), inner), outer), tagged(inner))
    expect([inner.totalTokens, outer.totalTokens]).toEqual([45, 45])
  })

  test('each meter emits a record with its own tag, however the answer ends', async () => {
    const [near, far]: [UsageRecord[], UsageRecord[]] = [[], []]
    const metered = meter(script(), (record) => void near.push(record))
    // A wrapper that drops unknown options.
    const forgetful: MeteredFetch = (input, { method, body, signal } = {}) =>
      metered(input, { ...(method && { method }), ...(body && { body }), ...(signal && { signal }) })
    const fetch = meter(forgetful, (record) => void far.push(record))
    await ask(fetch, tagged('jokes'))
    expect(near).toMatchObject([{ usage: spent, reason: 'end' }])
    expect(near[0]).not.toHaveProperty('tag')
    expect(far).toMatchObject([{ usage: spent, reason: 'end', tag: 'jokes' }])
    const aborted = AbortSignal.abort()
    await ask(
      meter(
        meter(faultyFetch({ body: '{}', deaf: true }), (record) => void near.push(record)),
        (record) => void far.push(record),
      ),
      { signal: aborted },
    )
    expect([near[1]?.reason, far[1]?.reason]).toEqual(['abort', 'abort'])
  })

  test('an answer that was cloned in between counts once', async () => {
    const counter = new TokenCounter()
    const inner = meter(script(), counter)
    const looking: MeteredFetch = async (...request) => (await inner(...request)).clone()
    await ask(meter(looking, counter))
    expect(counter.totalTokens).toBe(15)
  })
})

describe('counter.fetch', () => {
  afterEach(() => vi.unstubAllGlobals())

  test('is a metered globalThis.fetch, also if that is replaced later', async () => {
    const counter = new TokenCounter()
    vi.stubGlobal('fetch', faultyFetch({ body: JSON.stringify(openaiJson({ text: ['Hello'], usage: spent })) }))
    const { fetch } = counter
    const response = await fetch('https://api.openai.com/v1/chat/completions', { method: 'POST', body: '{}' })
    expect(await response.json()).toMatchObject({ usage: { total_tokens: 15 } })
    expect(counter.usage).toEqual({ ...spent, requests: 1, source: 'provider' })
  })

  test('counts each call once in a model that also has the counter as handler, streamed or not', async () => {
    for (const Model of [ChatAnthropic, ChatOpenAI]) {
      const [both, runs] = [new TokenCounter(), new TokenCounter()]
      const model = new Model({
        apiKey: 'offline',
        dangerouslyAllowBrowser: true,
        callbacks: [both, runs],
        fetch: meter(offlineFetch(), both),
      })
      await model.invoke('What is 17 + 4?')
      await model.stream('What is 17 + 4?').drain()
      const stopped = model.stream('What is 17 + 4?')
      for await (const delta of stopped) if (delta.type === 'text') break
      await turn()
      expect(runs).toMatchObject({ usage: { requests: 3 }, successfulRequests: 2 })
      expect(both.usage).toEqual(runs.usage)
      expect(both.successfulRequests).toBe(2)
    }
  })
})

/** A random program: calls and scopes, sequential or concurrent, each begun after a delay. */
type Step =
  | { readonly do: 'call'; readonly delay: number; readonly streamed: boolean }
  | { readonly do: 'scope'; readonly delay: number; readonly fails: boolean; readonly parallel: boolean; readonly steps: readonly Step[] }

const { step } = fc.letrec<{ step: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.record({ do: fc.constant('call' as const), delay: fc.nat(3), streamed: fc.boolean() }),
    fc.record({
      do: fc.constant('scope' as const),
      delay: fc.nat(3),
      fails: fc.boolean(),
      parallel: fc.boolean(),
      steps: fc.array(tie('step'), { maxLength: 4 }),
    }),
  ),
}))

const calls = (steps: readonly Step[]): number => steps.reduce((sum, each) => sum + (each.do === 'call' ? 1 : calls(each.steps)), 0)

test('each scope and its parents count the scope’s calls for any interleaving', async () => {
  const talker = scriptedModel(async () => {
    await turn()
    return { tokens: ['Hel', 'lo'], usage: spent }
  })
  const checks: [TokenCounter, number][] = []
  const run = async (todo: Step, around: TokenCounter): Promise<void> => {
    await turn(todo.delay)
    if (todo.do === 'call') {
      const options = { callbacks: [around] }
      return todo.streamed ? talker.stream('Hi', options).drain() : void (await talker.invoke('Hi', options))
    }
    const failure = new Error('of a scope')
    const scope = countTokens(
      async (counter) => {
        checks.push([counter, calls(todo.steps)])
        if (todo.parallel) await Promise.all(todo.steps.map((each) => run(each, counter)))
        else for (const each of todo.steps) await run(each, counter)
        if (todo.fails) throw failure
      },
      { parent: around },
    )
    await scope.catch((error: unknown) => expect(error).toBe(failure))
  }
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 5 }), async (steps) => {
      checks.length = 0
      const all = new TokenCounter()
      await Promise.all(steps.map((each) => run(each, all)))
      for (const [counter, count] of [...checks, [all, calls(steps)] as const]) {
        expect(counter).toMatchObject({ totalTokens: 15 * count, successfulRequests: count, late: undefined })
      }
    }),
    { numRuns: 30 },
  )
})
