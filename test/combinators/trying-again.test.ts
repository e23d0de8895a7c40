import { ChaintapError, fallback, lambda, type RunEvent, retry, StringOutputParser, TimeoutError, UserStop } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, test, vi } from 'vitest'
import { counted, readAll, Talker, turn } from '../support/sources.ts'

const now = { delay: 0 }
const refusal = new Error('refused')

/** A talker whose first `times` runs fail before their first token. */
const failing = (times: number): Talker => {
  let left = times
  return new Talker(() => (left-- > 0 ? counted([], { error: refusal }) : counted([['a'], ['b', 'c']])))
}

describe('retry()', () => {
  test('retries a failure before the first chunk: one child run per attempt, a retry event between, and the parent completes', async () => {
    const recorded = recorder()
    expect(await retry(failing(1), now).invoke('x', { callbacks: [recorded] })).toBe('abc')
    recorded.check()
    expect(recorded.trace().filter((line) => !line.startsWith('T'))).toEqual([
      'S RunnableRetry',
      'S Talker<RunnableRetry',
      'X Talker',
      'R 1',
      'S Talker<RunnableRetry',
      'E Talker',
      'E RunnableRetry',
    ])
    expect(recorded.events.filter(({ type }) => type === 'retry')).toMatchObject([{ attempt: 1, error: refusal }])
    const tags = recorded.events.flatMap(({ type, run }) => (type === 'start' && run.kind === 'llm' ? [run.tags] : []))
    expect(tags).toEqual([[], ['retry:attempt:2']])
  })

  test('streams chunk by chunk; an idle reader leaves at most one chunk read ahead (P6)', async () => {
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

  test('does not retry a failure after the first chunk; the chunk is delivered before the error (P3)', async () => {
    const talker = new Talker(() => counted([['a']], { error: refusal }))
    const { chunks, error } = await readAll(retry(talker, now).stream('x'))
    expect(chunks).toEqual(['a'])
    expect(error).toBe(refusal)
    expect(talker.sources).toHaveLength(1)
  })

  test('rethrows the last error after `attempts` attempts, and throws for attempts: 0', async () => {
    for (const attempts of [1, 2, 4]) {
      const talker = failing(10)
      await expect(retry(talker, { ...now, attempts }).invoke('x')).rejects.toBe(refusal)
      expect(talker.sources).toHaveLength(attempts)
    }
    expect(() => retry(failing(0), { attempts: 0 })).toThrow(ChaintapError)
  })

  test('`when` decides about a retry; `when` and `delay` receive the failed attempt and its error', async () => {
    const delay = vi.fn(() => 0)
    const when = vi.fn((_: unknown, attempt: number) => attempt < 2)
    await expect(retry(failing(5), { attempts: 5, delay, when }).invoke('x')).rejects.toBe(refusal)
    expect(when.mock.calls).toEqual([
      [refusal, 1],
      [refusal, 2],
    ])
    expect(delay.mock.calls).toEqual([[1, refusal]])
  })

  test('retries a step that exceeds its own timeout', async () => {
    let calls = 0
    const slow = lambda(async () => (++calls === 1 ? new Promise<string>(() => {}) : 'quick')).withConfig({ timeout: 10 })
    expect(await retry(slow, now).invoke('x')).toBe('quick')
  })

  test.each(['stop', 'signal', 'timeout'] as const)('does not retry after %s of the run', async (way) => {
    const talker = new Talker(() => counted([], { stall: true }))
    const abort = new AbortController()
    const recorded = recorder()
    const options = { callbacks: [recorded], ...(way === 'signal' && { signal: abort.signal }), ...(way === 'timeout' && { timeout: 20 }) }
    const run = retry(talker, now).stream('x', options)
    const reading = readAll(run)
    while (talker.sources.length === 0) await turn()
    await turn()
    if (way === 'stop') run.stop()
    if (way === 'signal') abort.abort(new Error('mine'))
    const { error } = await reading
    expect(error).toEqual(way === 'stop' ? undefined : way === 'signal' ? new Error('mine') : expect.any(TimeoutError))
    await run.flushed
    recorded.check()
    expect(talker.sources).toHaveLength(1)
    expect(talker.last.isOpen()).toBe(false)
    expect(await run.outcome).toMatchObject({ status: 'aborted' })
  })

  test('does not retry a step that its own signal aborts', async () => {
    const abort = new AbortController()
    const talker = new Talker(() => counted([], { stall: true }))
    const call = retry(talker.withConfig({ signal: abort.signal }), now).invoke('x')
    const failed = expect(call).rejects.toThrow('mine')
    while (talker.sources.length === 0) await turn()
    abort.abort(new Error('mine'))
    await failed
    expect(talker.sources).toHaveLength(1)
  })

  test('stop() ends the pause before the next attempt immediately', async () => {
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

describe('fallback()', () => {
  const quiet = scriptedModel([new Error('down')], { name: 'Quiet' })
  const second = scriptedModel([['Hel', 'lo']], { name: 'Second' })

  test('tries the next runnable with the same input, and the parent completes', async () => {
    const recorded = recorder()
    const chain = fallback(quiet, second).pipe(new StringOutputParser())
    const { chunks } = await readAll(chain.stream('Hi', { callbacks: [recorded] }))
    expect(chunks).toEqual(['Hel', 'lo'])
    recorded.check()
    expect(
      recorded.trace().filter((line) => !/^[TD]/.test(line) && !line.includes('Parser') && !line.endsWith(' RunnableSequence')),
    ).toEqual([
      'S RunnableWithFallbacks<RunnableSequence',
      'S Quiet<RunnableWithFallbacks',
      'X Quiet',
      'S Second<RunnableWithFallbacks',
      'E Second',
      'E RunnableWithFallbacks',
    ])
  })

  test('throws the first error if all runnables fail', async () => {
    const worse = scriptedModel([new Error('worse')])
    await expect(fallback(quiet, worse, worse).invoke('Hi')).rejects.toThrow('down')
  })

  test('does not try the next runnable after an abort', async () => {
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

  test('calls the constructor callbacks of the next runnable with its own runs only (P7)', async () => {
    const own: RunEvent[] = []
    const listening = scriptedModel(['Hello'], { callbacks: [(event) => void own.push(event)] })
    await fallback(quiet, listening).invoke('Hi')
    expect(new Set(own.map(({ run }) => run.name))).toEqual(new Set(['ScriptedModel']))
  })
})
