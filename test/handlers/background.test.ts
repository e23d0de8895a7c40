import { type CallbackMethods, type Listener, lambda, type Run, type RunEvent } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, it, vi } from 'vitest'
import { background } from '../../src/handlers/background.ts'
import { turn } from '../support/sources.ts'

const run: Run = { id: 'r', parentId: undefined, rootId: 'r', name: 'root', kind: 'chain', tags: [], metadata: {} }
const text = (seq: number): RunEvent => ({ run, at: 0, seq, type: 'text', text: `${seq}` })

/** A handler that hears one event per `next()`, and what it has heard. */
function stepwise(): { readonly handler: Listener; readonly heard: number[]; next(): Promise<void> } {
  const heard: number[] = []
  const waiting: (() => void)[] = []
  const handler: Listener = ({ seq }) => {
    heard.push(seq)
    return new Promise<void>((resolve) => void waiting.push(resolve))
  }
  const next = async (): Promise<void> => {
    waiting.shift()?.()
    await turn()
  }
  return { handler, heard, next }
}

describe('a handler in the background', () => {
  it('holds up nobody: it is called after the caller has gone on', async () => {
    const log: string[] = []
    const listener = background(() => void log.push('heard'))
    expect(listener(text(0))).toBeUndefined()
    log.push('told')
    await listener.flush()
    expect(log).toEqual(['told', 'heard'])
  })

  it('hears everything of a run in order, one event at a time, after the run has gone on; flushed waits for it', async () => {
    const heard = recorder()
    let busy = 0
    const slow: Listener = async (event) => {
      expect(++busy).toBe(1)
      await turn(1)
      heard(event)
      busy--
    }
    const stream = scriptedModel([['a', 'b', 'c']]).stream('x', { callbacks: [background(slow)] })
    await stream.drain()
    expect(heard.events.length).toBeLessThan(5)
    await stream.flushed
    heard.check()
    expect(heard.trace()).toEqual(['S ScriptedModel', 'T a', 'T b', 'T c', 'E ScriptedModel'])
  })

  it('P6: makes the run wait while its queue is full', async () => {
    const { handler, heard, next } = stepwise()
    const listener = background(handler, { limit: 2 })
    expect(listener(text(0))).toBeUndefined()
    await turn()
    expect(listener(text(1))).toBeUndefined()
    let isRoom = false
    void Promise.resolve(listener(text(2))).then(() => {
      isRoom = true
    })
    await turn()
    expect([isRoom, heard]).toEqual([false, [0]])
    await next()
    expect([isRoom, heard]).toEqual([true, [0, 1]])
    expect(listener.dropped).toBe(0)
  })

  it('drops the oldest or the newest where it is told to, and counts what it dropped', async () => {
    const results = []
    for (const overflow of ['drop-oldest', 'drop-newest'] as const) {
      const { handler, heard, next } = stepwise()
      const listener = background(handler, { limit: 2, overflow })
      for (let seq = 0; seq < 5; seq++) {
        expect(listener(text(seq))).toBeUndefined()
        await turn()
      }
      for (let i = 0; i < 5; i++) await next()
      results.push([overflow, heard, listener.dropped])
    }
    expect(results).toEqual([
      ['drop-oldest', [0, 3, 4], 2],
      ['drop-newest', [0, 1, 2], 2],
    ])
  })

  it('flushes after what was waiting has been heard, and does not wait for what other runs say later', async () => {
    const { handler, heard, next } = stepwise()
    const flush = vi.fn(async () => {})
    const listener = background(Object.assign(handler, { flush }))
    listener(text(0))
    listener(text(1))
    const flushed = listener.flush()
    await turn()
    listener(text(2))
    await next()
    expect(flush).toHaveBeenCalledTimes(0)
    await next()
    await flushed
    expect([flush.mock.calls.length, heard]).toEqual([1, [0, 1, 2]])
  })

  it('flushes too where what was waiting has been dropped', async () => {
    const { handler, heard, next } = stepwise()
    const listener = background(handler, { limit: 1, overflow: 'drop-oldest' })
    listener(text(0))
    await turn()
    listener(text(1))
    const flushed = listener.flush()
    listener(text(2))
    await next()
    await flushed
    expect(heard).toEqual([0, 2])
  })

  it('P5: that fails is reported each time and goes on; it cannot fail the run, though it asks to', async () => {
    const reports: string[] = []
    const failing: CallbackMethods = {
      name: 'shipper',
      raiseError: true,
      onChainStart: () => {
        throw new Error('start')
      },
      onChainEnd: () => Promise.reject(new Error('end')),
    }
    const onHandlerError = (error: unknown, event: RunEvent | undefined): void =>
      void reports.push(`${(error as Error).message} on ${event?.type}`)
    const listener = background(failing, { onHandlerError })
    expect(await lambda(() => 1).invoke(0, { callbacks: [listener] })).toBe(1)
    await listener.flush()
    expect(reports).toEqual(['start on start', 'end on end'])
    expect(listener.name).toBe('shipper')
  })

  it('P9: delays no other run', async () => {
    const { handler, next } = stepwise()
    const listener = background(handler)
    await lambda(() => 1).invoke(0, { callbacks: [listener] })
    const other = lambda(() => 2).stream(0, { callbacks: [recorder()] })
    await other.drain()
    await other.flushed
    for (let i = 0; i < 2; i++) await next()
    await listener.flush()
  })

  it('takes no limit below one', () => {
    expect(() => background(() => {}, { limit: 0 })).toThrow('limit is 0')
  })
})
