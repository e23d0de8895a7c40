import { type CallbackMethods, type Listener, lambda, type Run, type RunEvent } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, it, vi } from 'vitest'
import { background } from '../../src/handlers/background.ts'
import { turn } from '../support/sources.ts'

const run: Run = { id: 'r', parentId: undefined, rootId: 'r', name: 'root', kind: 'chain', tags: [], metadata: {} }
const text = (seq: number): RunEvent => ({ run, at: 0, seq, type: 'text', text: `${seq}` })

/** A handler that completes one event per `next()`, and the events it has received. */
function stepwise(): { readonly handler: Listener; readonly received: number[]; next(): Promise<void> } {
  const received: number[] = []
  const waiting: (() => void)[] = []
  const handler: Listener = ({ seq }) => {
    received.push(seq)
    return new Promise<void>((resolve) => void waiting.push(resolve))
  }
  const next = async (): Promise<void> => {
    waiting.shift()?.()
    await turn()
  }
  return { handler, received, next }
}

describe('background()', () => {
  it('calls the handler after the caller has continued', async () => {
    const log: string[] = []
    const listener = background(() => void log.push('handled'))
    expect(listener(text(0))).toBeUndefined()
    log.push('returned')
    await listener.flush()
    expect(log).toEqual(['returned', 'handled'])
  })

  it('passes all events of a run in order, one at a time, without delaying the run; flushed waits for it', async () => {
    const recorded = recorder()
    let busy = 0
    const slow: Listener = async (event) => {
      expect(++busy).toBe(1)
      await turn(1)
      recorded(event)
      busy--
    }
    const stream = scriptedModel([['a', 'b', 'c']]).stream('x', { callbacks: [background(slow)] })
    await stream.drain()
    expect(recorded.events.length).toBeLessThan(5)
    await stream.flushed
    recorded.check()
    expect(recorded.trace()).toEqual(['S ScriptedModel', 'T a', 'T b', 'T c', 'E ScriptedModel'])
  })

  it('makes the run wait while its queue is full (P6)', async () => {
    const { handler, received, next } = stepwise()
    const listener = background(handler, { limit: 2 })
    expect(listener(text(0))).toBeUndefined()
    await turn()
    expect(listener(text(1))).toBeUndefined()
    let isRoom = false
    void Promise.resolve(listener(text(2))).then(() => {
      isRoom = true
    })
    await turn()
    expect([isRoom, received]).toEqual([false, [0]])
    await next()
    expect([isRoom, received]).toEqual([true, [0, 1]])
    expect(listener.dropped).toBe(0)
  })

  it('drops the oldest or the newest event according to `overflow`, and counts dropped events', async () => {
    const results = []
    for (const overflow of ['drop-oldest', 'drop-newest'] as const) {
      const { handler, received, next } = stepwise()
      const listener = background(handler, { limit: 2, overflow })
      for (let seq = 0; seq < 5; seq++) {
        expect(listener(text(seq))).toBeUndefined()
        await turn()
      }
      for (let i = 0; i < 5; i++) await next()
      results.push([overflow, received, listener.dropped])
    }
    expect(results).toEqual([
      ['drop-oldest', [0, 3, 4], 2],
      ['drop-newest', [0, 1, 2], 2],
    ])
  })

  it('flush() waits for the queued events, not for later events of other runs', async () => {
    const { handler, received, next } = stepwise()
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
    expect([flush.mock.calls.length, received]).toEqual([1, [0, 1, 2]])
  })

  it('flush() resolves if the queued events were dropped', async () => {
    const { handler, received, next } = stepwise()
    const listener = background(handler, { limit: 1, overflow: 'drop-oldest' })
    listener(text(0))
    await turn()
    listener(text(1))
    const flushed = listener.flush()
    listener(text(2))
    await next()
    await flushed
    expect(received).toEqual([0, 2])
  })

  it('reports each failure and continues; raiseError cannot fail the run (P5)', async () => {
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

  it('delays no other run (P9)', async () => {
    const { handler, next } = stepwise()
    const listener = background(handler)
    await lambda(() => 1).invoke(0, { callbacks: [listener] })
    const other = lambda(() => 2).stream(0, { callbacks: [recorder()] })
    await other.drain()
    await other.flushed
    for (let i = 0; i < 2; i++) await next()
    await listener.flush()
  })

  it('throws for a limit below 1', () => {
    expect(() => background(() => {}, { limit: 0 })).toThrow('limit must be at least 1 event, but is 0')
  })
})
