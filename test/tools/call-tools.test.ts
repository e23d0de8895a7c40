import { BudgetExceeded, type Listener, lambda, type RunContext, type ToolCall } from 'chaintap'
import { recorder } from 'chaintap/testing'
import { type AnyTool, type CallToolsOptions, callTools, failureText, tool, toolNamed } from 'chaintap/tools'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'
import { turn } from '../support/sources.ts'

const named = (name: string, fn: (text: string, context: RunContext) => unknown): AnyTool =>
  tool(fn, { name, description: `Does ${name}.` })
const call = (name: string, input = '', id = `${name}_1`): ToolCall => ({ id, name, args: { input } })
const answered = (name: string, content: string, more: object = {}) => ({ role: 'tool', content, toolCallId: `${name}_1`, ...more })

/** A runnable that only calls tools. */
const executor = (tools: readonly AnyTool[], options?: CallToolsOptions) =>
  lambda((calls: readonly ToolCall[], context) => callTools(calls, tools, context, options), { name: 'executor' })

describe('callTools()', () => {
  test('runs calls concurrently and returns messages in the order of the calls', async () => {
    const recorded = recorder()
    const slow = named('slow', () => turn(5).then(() => 'late'))
    const quick = named('quick', (text) => text)
    const messages = await executor([slow, quick]).invoke([call('slow'), call('quick', 'x')], { callbacks: [recorded] })
    expect(messages).toEqual([answered('slow', 'late'), answered('quick', 'x')])
    recorded.check()
    expect(recorded.trace()).toEqual(['S executor', 'S slow<executor', 'S quick<executor', 'E quick', 'E slow', 'E executor'])
  })

  test('returns an empty list for an empty list', async () => {
    expect(await executor([]).invoke([])).toEqual([])
  })

  test.each([
    ['the option', { maxConcurrency: 2 }, {}, 2],
    ["the run's", {}, { maxConcurrency: 3 }, 3],
    ["the option over the run's", { maxConcurrency: 1 }, { maxConcurrency: 3 }, 1],
    ['no limit', {}, {}, 6],
  ])('runs as many calls at once as maxConcurrency allows: %s', async (_, options, runOptions, most) => {
    let running = 0
    let seen = 0
    const busy = named('busy', async () => {
      seen = Math.max(seen, ++running)
      await turn(1)
      running--
    })
    await executor([busy], options).invoke(
      Array.from({ length: 6 }, () => call('busy')),
      runOptions,
    )
    expect(seen).toBe(most)
  })

  test('answers each call, whatever order they end in and whichever fail', async () => {
    const one = named('one', async (text) => {
      const [ms = '0', fate] = text.split(' ')
      await turn(Number(ms))
      if (fate === 'fails') throw new Error(`no ${ms}`)
      return ms
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ ms: fc.nat(3), fate: fc.constantFrom('fails', 'ends', 'unknown') }), { maxLength: 8 }),
        fc.integer({ min: 1, max: 4 }),
        async (calls, maxConcurrency) => {
          const recorded = recorder()
          const requested = calls.map(({ ms, fate }, id) => call(fate === 'unknown' ? 'other' : 'one', `${ms} ${fate}`, String(id)))
          const messages = await executor([one], { maxConcurrency }).invoke(requested, { callbacks: [recorded] })
          recorded.check()
          expect(messages.map(({ toolCallId, content, isError = false }) => [toolCallId, content, isError])).toEqual(
            calls.map(({ ms, fate }, id) => [
              String(id),
              { fails: `no ${ms}`, ends: String(ms), unknown: 'Unknown tool "other". Use one of: one.' }[fate],
              fate !== 'ends',
            ]),
          )
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('callTools() with a call that fails', () => {
  const failing = named('failing', () => Promise.reject(new Error('no such city')))
  const fine = named('fine', () => 'fine')

  test('returns a message with the error, and the other results', async () => {
    const recorded = recorder()
    const messages = await executor([failing, fine]).invoke([call('failing'), call('fine')], { callbacks: [recorded] })
    expect(messages).toEqual([answered('failing', 'no such city', { isError: true }), answered('fine', 'fine')])
    recorded.check()
    expect(recorded.trace().filter((line) => line.startsWith('X'))).toEqual(['X failing'])
  })

  test('lists invalid arguments', async () => {
    const [message] = await executor([fine]).invoke([{ id: '1', name: 'fine', args: { inptu: 'x' } }])
    expect(message).toMatchObject({
      isError: true,
      content: expect.stringMatching(/arguments for tool fine.*\n- Expected a string, but received an object with inptu/),
    })
  })

  test('returns the result of onError as content', async () => {
    const onError = vi.fn((error: unknown, { name }: ToolCall) => `${name} is out of order: ${String(error)}`)
    const [message] = await executor([failing], { onError }).invoke([call('failing')])
    expect(message).toMatchObject({ content: 'failing is out of order: Error: no such city', isError: true })
    expect(onError).toHaveBeenCalledOnce()
  })

  test('rejects and stops the other calls if onError throws', async () => {
    const recorded = recorder()
    const stalled = named('stalled', () => new Promise(() => {}))
    const onError = (error: unknown): string => {
      throw error
    }
    const running = executor([stalled, failing], { onError }).invoke([call('stalled'), call('failing')], { callbacks: [recorded] })
    await expect(running).rejects.toThrow('no such city')
    recorded.check()
    expect(recorded.trace().filter((line) => line.startsWith('X'))).toEqual(['X failing', 'X stalled', 'X executor'])
  })

  test('treats the timeout of a tool as an ordinary failure', async () => {
    const stalled = named('stalled', () => new Promise(() => {})).withConfig({ timeout: 5 })
    const [message] = await executor([stalled, fine]).invoke([call('stalled'), call('fine')])
    expect(message).toEqual(answered('stalled', 'stalled took longer than 5 ms.', { isError: true }))
  })
})

describe('callTools() rejects, instead of returning a message, for', () => {
  test.each([
    ['an abort of the run', false],
    ['an abort that the tool fails with', true],
  ])('%s', async (_, listens) => {
    const recorded = recorder()
    const abort = new AbortController()
    const reason = new Error('enough')
    const waiting = named(
      'waiting',
      (_text, { signal }) =>
        new Promise((_, reject) => {
          if (listens) signal.addEventListener('abort', () => reject(new Error('aborted')))
        }),
    )
    const onError = vi.fn(() => '')
    const running = executor([waiting], { onError }).invoke([call('waiting')], { callbacks: [recorded], signal: abort.signal })
    await vi.waitUntil(() => recorded.open.length === 2, patience)
    abort.abort(reason)
    await expect(running).rejects.toBe(reason)
    await turn()
    expect(onError).not.toHaveBeenCalled()
    recorded.check()
  })

  test('a stop of a child run', async () => {
    const spent = new BudgetExceeded()
    const costly = named('costly', () => Promise.reject(spent))
    await expect(executor([costly]).invoke([call('costly')])).rejects.toBe(spent)
  })

  test.each(['start', 'end'])('a handler that raises at the %s of the tool', async (type) => {
    const failure = new Error('rate limit')
    const raising: Listener = Object.assign(
      (event: Parameters<Listener>[0]) => {
        if (event.run.kind === 'tool' && event.type === type) throw failure
      },
      { raiseError: true },
    )
    const recorded = recorder()
    const running = executor([named('fine', () => 'fine')]).invoke([call('fine')], { callbacks: [recorded, raising] })
    await expect(running).rejects.toBe(failure)
    expect(recorded.open).toEqual([])
  })

  test('the recursion limit', async () => {
    const tools: AnyTool[] = []
    const itself: AnyTool = named('itself', (_text, context) => callTools([call('itself')], tools, context))
    tools.push(itself)
    await expect(executor(tools).invoke([call('itself')], { recursionLimit: 5 })).rejects.toMatchObject({ code: 'recursion_limit' })
  })
})

describe('an unknown tool', () => {
  const tools = [named('search', () => 'found'), named('fetch', () => 'got')]

  test('starts a run that ends normally and lists the known tools', async () => {
    const recorded = recorder()
    const messages = await executor(tools).invoke([call('Search'), call('search')], { callbacks: [recorded] })
    expect(messages).toEqual([
      answered('Search', 'Unknown tool "Search". Use one of: search, fetch.', { isError: true }),
      answered('search', 'found'),
    ])
    recorded.check()
    expect(recorded.trace().filter((line) => line.includes('invalid_tool'))).toEqual(['S invalid_tool<executor', 'E invalid_tool'])
    expect(recorded.events.find(({ run }) => run.kind === 'tool')).toMatchObject({ input: call('Search') })
  })

  test('accepts any input, for agents that use text', async () => {
    expect(await toolNamed('Search', tools).invoke('x' as never)).toBe('Unknown tool "Search". Use one of: search, fetch.')
    expect(toolNamed('search', tools)).toBe(tools[0])
  })
})

test('failureText() returns the message of anything thrown', async () => {
  const texts = lambda((errors: readonly unknown[], context) => errors.map((error) => failureText(error, context)))
  expect(await texts.invoke([new Error('no'), 'a text', undefined])).toEqual(['no', 'a text', 'undefined'])
})
