import { ChaintapError, fallback, lambda, type RunEvent, retry, StringOutputParser, TimeoutError, UserStop } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, test, vi } from 'vitest'
import { counted, readAll, Talker, turn } from '../support/sources.ts'

const now = { delay: 0 }
const refusal = new Error('refused')

/** A talker that fails so often before its first token, and then speaks. */
const failing = (times: number): Talker => {
  let left = times
  return new Talker(() => (left-- > 0 ? counted([], { error: refusal }) : counted([['a'], ['b', 'c']])))
}

describe('retry', () => {
  test('a failure before the first chunk is tried again: a run each, a retry event between, the parent ends well', async () => {
    const heard = recorder()
    expect(await retry(failing(1), now).invoke('x', { callbacks: [heard] })).toBe('abc')
    heard.check()
    expect(heard.trace().filter((line) => !line.startsWith('T'))).toEqual([
      'S RunnableRetry',
      'S Talker<RunnableRetry',
      'X Talker',
      'R 1',
      'S Talker<RunnableRetry',
      'E Talker',
      'E RunnableRetry',
    ])
    expect(heard.events.filter(({ type }) => type === 'retry')).toMatchObject([{ attempt: 1, error: refusal }])
    const tags = heard.events.flatMap(({ type, run }) => (type === 'start' && run.kind === 'llm' ? [run.tags] : []))
    expect(tags).toEqual([[], ['retry:attempt:2']])
  })

  test('it streams, chunk by chunk, and an idle reader leaves one chunk read ahead (P6)', async () => {
    const talker = failing(1)
    const run = retry(talker, now).stream('x')
    const iterator = run[Symbol.asyncIterator]()
    expect(await iterator.next()).toEqual({ done: false, value: 'a' })
    await turn()
    expect(talker.last.pulls()).toBeLessThanOrEqual(2)
    const rest: string[] = []
    for (let read = await iterator.next(); !read.done; read = await iterator.next()) rest.push(read.value)
    expect(rest).toEqual(['b', 'c'])
    expect(await run.outcome).toMatchObject({ status: 'complete', output: 'abc' })
  })

  test('what fails after the first chunk has been seen, and fails (P3)', async () => {
    const talker = new Talker(() => counted([['a']], { error: refusal }))
    const { chunks, error } = await readAll(retry(talker, now).stream('x'))
    expect(chunks).toEqual(['a'])
    expect(error).toBe(refusal)
    expect(talker.sources).toHaveLength(1)
  })

  test('after the last attempt the last error is thrown; attempts count the first', async () => {
    for (const attempts of [1, 2, 4]) {
      const talker = failing(10)
      await expect(retry(talker, { ...now, attempts }).invoke('x')).rejects.toBe(refusal)
      expect(talker.sources).toHaveLength(attempts)
    }
    expect(() => retry(failing(0), { attempts: 0 })).toThrow(ChaintapError)
  })

  test('when decides, and delay is told the attempt and its error', async () => {
    const delay = vi.fn(() => 0)
    const when = vi.fn((_: unknown, attempt: number) => attempt < 2)
    await expect(retry(failing(5), { attempts: 5, delay, when }).invoke('x')).rejects.toBe(refusal)
    expect(when.mock.calls).toEqual([
      [refusal, 1],
      [refusal, 2],
    ])
    expect(delay.mock.calls).toEqual([[1, refusal]])
  })

  test('a step that runs into its own timeout is tried again', async () => {
    let calls = 0
    const slow = lambda(async () => (++calls === 1 ? new Promise<string>(() => {}) : 'quick')).withConfig({ timeout: 10 })
    expect(await retry(slow, now).invoke('x')).toBe('quick')
  })

  test.each(['stop', 'signal', 'timeout'] as const)('%s of the run is no failure: nothing is tried again', async (way) => {
    const talker = new Talker(() => counted([], { stall: true }))
    const abort = new AbortController()
    const heard = recorder()
    const options = { callbacks: [heard], ...(way === 'signal' && { signal: abort.signal }), ...(way === 'timeout' && { timeout: 20 }) }
    const run = retry(talker, now).stream('x', options)
    const reading = readAll(run)
    while (talker.sources.length === 0) await turn()
    await turn()
    if (way === 'stop') run.stop()
    if (way === 'signal') abort.abort(new Error('mine'))
    const { error } = await reading
    expect(error).toEqual(way === 'stop' ? undefined : way === 'signal' ? new Error('mine') : expect.any(TimeoutError))
    await run.flushed
    heard.check()
    expect(talker.sources).toHaveLength(1)
    expect(talker.last.isOpen()).toBe(false)
    expect(await run.outcome).toMatchObject({ status: 'aborted' })
  })

  test('a step that somebody stops by itself is not tried again', async () => {
    const abort = new AbortController()
    const talker = new Talker(() => counted([], { stall: true }))
    const asked = retry(talker.withConfig({ signal: abort.signal }), now).invoke('x')
    const failed = expect(asked).rejects.toThrow('mine')
    while (talker.sources.length === 0) await turn()
    abort.abort(new Error('mine'))
    await failed
    expect(talker.sources).toHaveLength(1)
  })

  test('a stop while it waits for the next attempt ends it at once', async () => {
    const talker = failing(1)
    const run = retry(talker, { delay: 60_000 }).stream('x')
    const reading = readAll(run)
    while (talker.last === undefined) await turn()
    await turn()
    run.stop(new UserStop('enough'))
    await reading
    expect(await run.outcome).toMatchObject({ status: 'aborted', error: { message: 'enough' } })
  })
})

describe('fallback', () => {
  const quiet = scriptedModel([new Error('down')], { name: 'Quiet' })
  const second = scriptedModel([['Hel', 'lo']], { name: 'Second' })

  test('the next one is tried, with the same input; the parent ends well', async () => {
    const heard = recorder()
    const chain = fallback(quiet, second).pipe(new StringOutputParser())
    const { chunks } = await readAll(chain.stream('Hi', { callbacks: [heard] }))
    expect(chunks).toEqual(['Hel', 'lo'])
    heard.check()
    expect(heard.trace().filter((line) => !/^[TD]/.test(line) && !line.includes('Parser') && !line.endsWith(' RunnableSequence'))).toEqual([
      'S RunnableWithFallbacks<RunnableSequence',
      'S Quiet<RunnableWithFallbacks',
      'X Quiet',
      'S Second<RunnableWithFallbacks',
      'E Second',
      'E RunnableWithFallbacks',
    ])
  })

  test('where all fail the first one’s error is thrown', async () => {
    const worse = scriptedModel([new Error('worse')])
    await expect(fallback(quiet, worse, worse).invoke('Hi')).rejects.toThrow('down')
  })

  test('an abort never triggers it', async () => {
    const talker = new Talker(() => counted([], { stall: true }))
    const other = failing(0)
    const run = fallback(talker, other).stream('x')
    const reading = readAll(run)
    while (talker.sources.length === 0) await turn()
    await turn()
    run.stop()
    await reading
    expect(other.sources).toHaveLength(0)
    expect(talker.last.isOpen()).toBe(false)
  })

  test('the handlers of who stands in are its own, and those of the request hear all (P7)', async () => {
    const own: RunEvent[] = []
    const listening = scriptedModel(['Hello'], { callbacks: [(event) => void own.push(event)] })
    await fallback(quiet, listening).invoke('Hi')
    expect(new Set(own.map(({ run }) => run.name))).toEqual(new Set(['ScriptedModel']))
  })
})
