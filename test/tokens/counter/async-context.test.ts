import { lambda, type Usage } from 'chaintap'
import { ambientCounter, countTokens, type TokenCounter } from 'chaintap/async-context'
import { scriptedModel } from 'chaintap/testing'
import type { UsageRecord } from 'chaintap/tokens'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { turn } from '../../support/sources.ts'

const spent: Usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 }
const model = scriptedModel(
  async () => {
    await turn()
    return { tokens: ['Hel', 'lo'], usage: spent }
  },
  { callbacks: [ambientCounter] },
)
const hasAsyncContext = 'process' in globalThis && typeof process.getBuiltinModule === 'function'

afterEach(() => vi.unstubAllGlobals())

describe('in every runtime', () => {
  test('ambientCounter does nothing outside of a scope', async () => {
    expect((await model.invoke('Hi')).content).toBe('Hello')
    expect(ambientCounter.begin?.()).toBeUndefined()
  })

  test('an explicitly passed counter counts', async () => {
    const { result, counter } = await countTokens((counter) => model.invoke('Hi', { callbacks: [counter] }))
    expect(result.content).toBe('Hello')
    expect(counter).toMatchObject({ totalTokens: 15, successfulRequests: 1 })
  })
})

describe.runIf(!hasAsyncContext)('in a runtime without async context', () => {
  test('countTokens() rejects with no_async_context before it calls a function without a parameter', async () => {
    let isCalled = false
    const wrong = countTokens(() => {
      isCalled = true
    })
    await expect(wrong).rejects.toMatchObject({ code: 'no_async_context', message: expect.stringContaining('callbacks: [counter]') })
    expect(isCalled).toBe(false)
  })
})

describe.runIf(hasAsyncContext)('in a runtime with async context', () => {
  test('countTokens() counts the calls in its scope: streamed or not, in chains or not', async () => {
    const { result, counter } = await countTokens(async () => {
      await lambda((x: string) => x)
        .pipe(model)
        .stream('Hi')
        .drain()
      await model.batch(['a', 'b'])
      return (await model.invoke('Hi')).content
    })
    expect(result).toBe('Hello')
    expect(counter).toMatchObject({ totalTokens: 60, successfulRequests: 4, late: undefined })
  })

  test('nested scopes both count; a call with the counter attached twice counts once', async () => {
    const { counter: outer } = await countTokens(async () => {
      await model.invoke('Hi')
      const { counter: inner } = await countTokens(async () => model.invoke('Hi'))
      expect(inner.totalTokens).toBe(15)
      const { counter: passed } = await countTokens((counter) => model.invoke('Hi', { callbacks: [counter] }))
      expect(passed).toMatchObject({ totalTokens: 15, successfulRequests: 1 })
    })
    expect(outer).toMatchObject({ totalTokens: 45, successfulRequests: 3 })
  })

  test('concurrent scopes do not mix, and a call that began before a scope does not count in it', async () => {
    const before = model.invoke('Hi')
    const [one, two] = await Promise.all([
      countTokens(async () => {
        await Promise.all([model.invoke('a'), turn(3).then(() => model.invoke('b')), before])
      }),
      countTokens(async () => {
        await turn(1)
        await model.invoke('c')
      }),
    ])
    expect([one.counter.totalTokens, two.counter.totalTokens]).toEqual([30, 15])
  })

  test('an exception closes the scope; calls still running in it are late', async () => {
    const counters: TokenCounter[] = []
    let left: Promise<unknown> = Promise.resolve()
    const failed = countTokens(async (counter) => {
      counters.push(counter)
      left = model.invoke('Hi')
      throw new Error('of the scope')
    })
    await expect(failed).rejects.toThrow('of the scope')
    await left
    expect(counters[0]).toMatchObject({ totalTokens: 0, late: { totalTokens: 15 } })
    expect(ambientCounter.begin?.()).toBeUndefined()
  })

  test('meter(fetch, ambientCounter) resolves the scope when the request is sent', async () => {
    const record: UsageRecord = {
      url: 'https://api.openai.com/v1/chat/completions',
      status: 200,
      provider: 'openai',
      model: 'gpt-5.5',
      responseId: 'a',
      usage: spent,
      complete: true,
      reason: 'end',
      durationMs: 1,
    }
    const before = ambientCounter.begin?.()
    const { counter } = await countTokens(async () => {
      const listener = ambientCounter.begin?.()
      before?.record(record)
      ambientCounter.record({ ...record, responseId: 'b' })
      await turn()
      listener?.record({ ...record, responseId: 'c' })
    })
    expect(counter).toMatchObject({ totalTokens: 15, successfulRequests: 1 })
  })

  test('globalThis.AsyncLocalStorage is used without process; without either, countTokens() rejects with no_async_context', async () => {
    const AsyncLocalStorage: unknown = process.getBuiltinModule('node:async_hooks').AsyncLocalStorage
    const fresh = async (globals: Readonly<Record<string, unknown>>) => {
      vi.resetModules()
      const context = await import('chaintap/async-context')
      const talker = scriptedModel([{ tokens: ['Hi'], usage: spent }], { callbacks: [context.ambientCounter] })
      for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value)
      const counting = context.countTokens(() => {
        vi.unstubAllGlobals()
        return talker.invoke('Hi')
      })
      vi.unstubAllGlobals()
      return counting
    }
    const { counter } = await fresh({ process: undefined, AsyncLocalStorage })
    expect(counter.successfulRequests).toBe(1)
    const missing = expect.objectContaining({ code: 'no_async_context', message: expect.stringContaining('callbacks: [counter]') })
    await expect(fresh({ process: undefined })).rejects.toEqual(missing)
  })

  test('each scope counts its own calls for any interleaving of scopes and calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(fc.nat(3), { maxLength: 4 }), { maxLength: 5 }), async (scopes) => {
        const counted = await Promise.all(
          scopes.map((delays) =>
            countTokens(async () => {
              await Promise.all(delays.map((ms) => turn(ms).then(() => model.invoke('Hi'))))
            }),
          ),
        )
        expect(counted.map(({ counter }) => counter.totalTokens)).toEqual(scopes.map(({ length }) => 15 * length))
      }),
      { numRuns: 20 },
    )
  })
})
