import { type Delta, fallback, JsonOutputParser, lambda, retry, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { anthropicSse, faultyFetch, openaiJson, recorder, scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { counted, readAll, Talker, turn } from '../support/sources.ts'

const now = { delay: 0 }
const lost = new Error('lost')
const inPage = { dangerouslyAllowBrowser: true } as const

const withoutContent: readonly Delta[] = [
  { type: 'meta', id: 'm1', model: 'claude' },
  { type: 'usage', usage: { inputTokens: 5 } },
  { type: 'text', text: '' },
  { type: 'reasoning', text: '' },
  { type: 'break' },
  { type: 'stop', reason: 'end_turn' },
]
const withContent: readonly Delta[] = [
  { type: 'text', text: 'Hel' },
  { type: 'reasoning', text: 'Hm.' },
  { type: 'reasoning', text: '', signature: 'c2ln' },
  { type: 'reasoning', text: '', redacted: 'c2VjcmV0' },
  { type: 'tool-call', index: 0, name: 'weather' },
  { type: 'block', provider: 'anthropic', block: { type: 'server_tool_use' } },
  { type: 'citation', citation: { url: 'https://bears.example' } },
]
const good = scriptedModel(['fine'])

describe('a stream of retry() and fallback() has begun with its first content', () => {
  test('random Deltas before a failure: another attempt if none has content; otherwise all are delivered, then the error (P3)', async () => {
    const deltas = fc.array(fc.constantFrom(...withoutContent, ...withContent), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(deltas, fc.boolean(), async (tokens, isRetry) => {
        const failing = { tokens, error: lost }
        const runnable = isRetry ? retry(scriptedModel([failing, 'fine']), now) : fallback(scriptedModel([failing]), good)
        const recorded = recorder()
        const { chunks, error } = await readAll(runnable.stream('Hi', { callbacks: [recorded] }))
        recorded.check()
        const hasBegun = tokens.some((delta) => withContent.includes(delta))
        expect(chunks).toEqual(hasBegun ? tokens : [{ type: 'text', text: 'fine' }])
        expect(error).toBe(hasBegun ? lost : undefined)
        expect(await runnable.invoke('Hi')).toMatchObject({ content: 'fine' })
      }),
    )
  })

  test('if every attempt fails, what was held back is delivered before the error (P3)', async () => {
    const [meta, usage] = withoutContent
    const tokens = [meta, usage] as Delta[]
    for (const runnable of [
      retry(scriptedModel([{ tokens, error: lost }]), now),
      fallback(scriptedModel([{ tokens, error: lost }]), scriptedModel([new Error('worse')])),
    ]) {
      const run = runnable.stream('Hi')
      expect(await readAll(run)).toEqual({ chunks: tokens, error: lost })
      expect(await run.outcome).toMatchObject({ status: 'failed', partial: { id: 'm1', usage: { inputTokens: 5 } } })
    }
  })

  test.each([
    ['reports an error', `event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n`],
    ['ends', ''],
  ])('a provider that %s after message_start is tried again, or another one is used', async (_, end) => {
    const body = `${anthropicSse({ text: [] })[0]}${end}`
    const first = { ...inPage, apiKey: 'k', maxRetries: 0 }
    const again = new ChatAnthropic({ ...first, fetch: faultyFetch([{ body }, { body: anthropicSse({ text: ['fine'] }) }]) })
    const text = new StringOutputParser()
    expect((await readAll(retry(again, now).pipe(text).stream('Hi'))).chunks).toEqual(['fine'])
    const other = fallback(new ChatAnthropic({ ...first, fetch: faultyFetch({ body }) }), good)
    expect((await readAll(other.pipe(text).stream('Hi'))).chunks).toEqual(['fine'])
  })

  test('chunks of other runnables are content, empty strings are not', async () => {
    for (const [chunk, hasBegun] of [
      ['', false],
      ['a', true],
      [0, true],
      [null, true],
      [{ a: 1 }, true],
    ] as const) {
      let runs = 0
      const step = lambda(async function* (): AsyncGenerator<unknown> {
        yield chunk
        if (runs++ === 0) throw lost
      })
      expect(await readAll(retry(step, now).stream('x'))).toEqual(
        hasBegun ? { chunks: [chunk], error: lost } : { chunks: [chunk], error: undefined },
      )
    }
  })

  test('an endless stream without content is passed on at the latest after 1,000 batches (P6)', async () => {
    const talker = new Talker(() => counted(endless()))
    function* endless(): Generator<string[]> {
      for (;;) yield ['']
    }
    const reader = retry(talker, now).stream('x').getReader()
    expect(await reader.read()).toEqual({ done: false, value: '' })
    await reader.cancel()
    expect(talker.last.pulls()).toBeLessThan(1_010)
    expect(talker.last.isOpen()).toBe(false)
  })

  test('stop() while an attempt is held back ends the run, and no other attempt starts', async () => {
    const talker = new Talker(() => counted([['']], { stall: true }))
    const run = fallback(talker, talker).stream('x')
    const reading = readAll(run)
    while (!talker.sources[0]) await turn()
    await turn()
    run.stop()
    await reading
    expect(talker.sources).toHaveLength(1)
    expect(talker.last.isOpen()).toBe(false)
    expect(await run.outcome).toMatchObject({ status: 'aborted' })
  })
})

describe('before the end of invoke() and batch() nothing has been seen', () => {
  const answers = (...texts: readonly string[]): ChatOpenAI =>
    new ChatOpenAI({
      ...inPage,
      apiKey: 'k',
      fetch: faultyFetch(texts.map((text) => ({ body: JSON.stringify(openaiJson({ text: [text] })) }))),
    })
  const json = (...texts: readonly string[]) => answers(...texts).pipe(new JsonOutputParser())
  const [cut, whole] = ['{"a": 1, "b": "hal', '{"a": 1, "b": 2}']

  test('retry() and fallback() act on whatever fails before the end', async () => {
    expect(await retry(json(cut, whole), now).invoke('x')).toEqual({ a: 1, b: 2 })
    expect(await fallback(json(cut), json(whole)).invoke('x')).toEqual({ a: 1, b: 2 })
    expect(await fallback(json(cut), json(whole)).batch(['x'])).toEqual([{ a: 1, b: 2 }])
    expect(await fallback(scriptedModel([{ tokens: ['Hel'], error: lost }]), good).invoke('x')).toMatchObject({ content: 'fine' })
  })

  const failsOnce = () => {
    let runs = 0
    return lambda(async function* () {
      yield 'a'
      if (runs++ === 0) throw lost
      yield 'b'
    })
  }

  test('an invoke() within a stream counts as invoke()', async () => {
    const outer = lambda((text: string, context) => retry(failsOnce(), now).invoke(text, context))
    expect(await readAll(outer.stream('x'))).toEqual({ chunks: ['ab'], error: undefined })
  })

  test('a step before one that takes the whole output is seen by nobody until its end, in a stream too', async () => {
    const chain = retry(failsOnce(), now).pipe((text) => text.toUpperCase())
    expect(await readAll(chain.stream('x'))).toEqual({ chunks: ['AB'], error: undefined })
    const passing = retry(failsOnce(), now).pipe({ transform: (chunk, controller) => controller.enqueue(chunk) })
    expect(await readAll(passing.stream('x'))).toEqual({ chunks: ['a'], error: lost })
  })

  test('handlers receive each failed attempt with its partial output, and its events precede the next attempt', async () => {
    const recorded = recorder()
    const model = scriptedModel([{ tokens: ['Hel'], error: lost }, ['Hel', 'lo']], { streaming: true })
    expect(await retry(model, now).invoke('x', { callbacks: [recorded] })).toMatchObject({ content: 'Hello' })
    recorded.check()
    expect(recorded.trace()).toEqual([
      'S RunnableRetry',
      'S ScriptedModel<RunnableRetry',
      'T Hel',
      'X ScriptedModel',
      'R 1',
      'S ScriptedModel<RunnableRetry',
      'T Hel',
      'T lo',
      'E ScriptedModel',
      'E RunnableRetry',
    ])
  })
})
