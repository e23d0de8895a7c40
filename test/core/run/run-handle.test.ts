import { Runnable, TruncatedError } from 'chaintap'
import { Flow, type RunHandle } from 'chaintap/advanced'
import { recorder } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { turn } from '../../support/sources.ts'

/** A model whose `open` is given. */
class Opened extends Runnable<string, string> {
  readonly name = 'Opened'
  readonly kind = 'llm'
  readonly onOpen: (run: RunHandle) => void
  constructor(onOpen: (run: RunHandle) => void) {
    super()
    this.onOpen = onOpen
  }
  open(text: string, run: RunHandle): Flow<string> {
    this.onOpen(run)
    return Flow.of(text)
  }
}

describe('RunHandle', () => {
  test('streaming and maxConcurrency are those of the call', async () => {
    const seen: unknown[] = []
    const model = new Opened(({ streaming, maxConcurrency }) => seen.push([streaming, maxConcurrency]))
    await model.invoke('a')
    await model.stream('a', { maxConcurrency: 2 }).drain()
    expect(seen).toEqual([
      [false, Number.POSITIVE_INFINITY],
      [true, 2],
    ])
  })

  test('waitUntil() makes flushed wait for work, and ignores its rejection', async () => {
    const work = Promise.withResolvers<void>()
    const run = new Opened((handle) => {
      handle.waitUntil(work.promise)
      handle.waitUntil(Promise.reject(new Error('ignored')))
    }).stream('a')
    await run.drain()
    let isFlushed = false
    void run.flushed.then(() => {
      isFlushed = true
    })
    await turn()
    expect(isFlushed).toBe(false)
    work.resolve()
    await run.flushed
  })

  test('onEnd() calls the cleanup once: without a failure when the run completes, with the reason when it is stopped', async () => {
    const ends: unknown[] = []
    const model = new Opened((run) => run.onEnd((failure) => ends.push(failure?.reason)))
    await model.invoke('a')
    const reason = new Error('enough')
    const run = model.stream('a')
    for await (const _ of run) run.stop(reason)
    expect(ends).toEqual([undefined, reason])
  })

  test('report() sets the usage and the response of the end event, and the outcome', async () => {
    const recorded = recorder()
    const cut = new TruncatedError()
    const run = new Opened((handle) => {
      handle.report({ usage: { inputTokens: 3 }, answered: { model: 'm' } })
      handle.report({ usage: { inputTokens: 4, outputTokens: 1 }, answered: { id: '1' }, externalUsage: { inputTokens: 10 } })
      handle.report({ truncated: cut, emitsTokens: false, firstTokenAt: Date.now() })
    }).stream('a', { callbacks: [recorded] })
    await run.drain()
    expect(recorded.events.map(({ type }) => type)).toEqual(['start', 'end'])
    expect(recorded.events.at(-1)).toMatchObject({
      usage: { inputTokens: 4, outputTokens: 1, requests: 1, source: 'partial' },
      answered: { id: '1', model: 'm' },
    })
    expect(await run.outcome).toMatchObject({
      status: 'truncated',
      error: cut,
      usage: { inputTokens: 14, outputTokens: 1 },
      firstTokenMs: expect.any(Number),
    })
  })

  test('a handle that the runtime did not make is refused as a parent', async () => {
    const foreign = { run: {}, signal: new AbortController().signal, emit: () => {} } as never
    expect(() => new Opened(() => {}).stream('a', { parent: foreign })).toThrow(expect.objectContaining({ code: 'invalid_options' }))
  })
})
