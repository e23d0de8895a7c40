import { type CallbackMethods, type Listener, lambda, type RunEvent } from 'chaintap'
import { scriptedModel } from 'chaintap/testing'
import { afterEach, expect, test, vi } from 'vitest'
import { tap } from '../../src/handlers/tap.ts'
import { readAll, turn } from '../support/sources.ts'

const model = scriptedModel([['a', 'b', 'c']])

/** Collects the messages passed to `reportError`. */
function reports(): { readonly messages: string[] } {
  const messages: string[] = []
  vi.stubGlobal('reportError', (error: Error) => void messages.push(error.message))
  return { messages }
}

afterEach(() => vi.unstubAllGlobals())

test('tap() passes every event on unchanged and in order, after the handler has processed it', async () => {
  const handled: RunEvent[] = []
  const got: RunEvent[] = []
  const stream = model.events('x').pipeThrough(tap((event) => void handled.push(event)))
  await stream.pipeTo(
    new WritableStream({
      write(event) {
        expect(handled).toContain(event)
        got.push(event)
      },
    }),
  )
  expect(got).toEqual(handled)
  expect(got.map(({ type }) => type)).toEqual(['start', 'token', 'chunk', 'token', 'chunk', 'token', 'chunk', 'end'])
})

test('tap() accepts any form of handler', async () => {
  const tokens: string[] = []
  const written: string[] = []
  const methods: CallbackMethods = { onLlmNewToken: (token) => void tokens.push(token) }
  const sink = new WritableStream<RunEvent>({ write: (event) => void written.push(event.type) })
  await model.events('x').pipeThrough(tap(methods)).pipeThrough(tap(sink)).pipeTo(new WritableStream())
  expect(tokens).toEqual(['a', 'b', 'c'])
  expect(written).toContain('end')
})

test('tap() slows the source if the handler returns a promise (P6)', async () => {
  const slow = scriptedModel([Array.from({ length: 50 }, () => 'x')])
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const done = slow
    .events('x')
    .pipeThrough(tap(() => gate))
    .pipeTo(new WritableStream())
  await turn(20)
  expect(slow.record.pulls).toBeLessThan(5)
  release()
  await done
  expect(slow.record.pulls).toBe(51)
})

test('tap() reports each failure of the handler by name and continues (P5)', async () => {
  const { messages } = reports()
  const failing: CallbackMethods = {
    name: 'counter',
    onLlmNewToken: async (token) => {
      if (token !== 'b') throw new Error(token)
    },
  }
  const { chunks, error } = await readAll(iterate(model.events('x').pipeThrough(tap(failing))))
  expect([chunks.length, error]).toEqual([8, undefined])
  expect(messages).toEqual(Array(2).fill('Handler "counter" failed on token of ScriptedModel. The run continued.'))
})

test('tap() with raiseError fails the stream and stops the run (P5)', async () => {
  const raised = new Error('raised')
  const answering = scriptedModel([['a', 'b', 'c']])
  const run = answering.events('x')
  const raiser: Listener = Object.assign(
    (event: RunEvent) => {
      if (event.type === 'token') throw raised
    },
    { raiseError: true },
  )
  const { error } = await readAll(iterate(run.pipeThrough(tap(raiser))))
  expect(error).toBe(raised)
  expect(await run.outcome).toMatchObject({ status: 'aborted', error: raised })
  expect(answering.record.open).toBe(0)
})

test('tap() flushes the handler once when the root run has ended, also if it failed', async () => {
  const log: string[] = []
  const handler = (): Listener =>
    Object.assign((event: RunEvent) => void log.push(event.type), {
      flush: async () => {
        await turn()
        log.push('flush')
      },
    })
  const failing = lambda(() => {
    throw new Error('no')
  })
  await expect(failing.events(1).pipeThrough(tap(handler())).pipeTo(new WritableStream())).rejects.toThrow('no')
  expect(log).toEqual(['start', 'error', 'flush'])
  log.length = 0
  await lambda(() => 1)
    .events(1)
    .pipeThrough(tap(handler()))
    .pipeTo(new WritableStream())
  expect(log).toEqual(['start', 'chunk', 'end', 'flush'])
})

test('tap() flushes the handler at the end of a stream without the end of a root run', async () => {
  const flush = vi.fn(async () => {})
  const tapped = tap(Object.assign(() => {}, { flush }))
  const writer = tapped.writable.getWriter()
  const read = readAll(iterate(tapped.readable))
  const run = { id: 'c', parentId: 'r', rootId: 'r', name: 'child', kind: 'chain', tags: [], metadata: {} } as const
  await writer.write({ run, at: 0, seq: 1, type: 'end', output: 1 })
  expect(flush).toHaveBeenCalledTimes(0)
  await writer.close()
  await read
  expect(flush).toHaveBeenCalledTimes(1)
})

test('tap() reports a failed flush and does not fail the stream (P5)', async () => {
  const { messages } = reports()
  const handler: CallbackMethods = { name: 'log', flush: () => Promise.reject(new Error('full')) }
  await model.events('x').pipeThrough(tap(handler)).pipeTo(new WritableStream())
  expect(messages).toEqual(['Handler "log" failed in flush(). The run continued.'])
})

/** Iterates over a stream's chunks: streams in WebKit are not async iterable. */
async function* iterate<T>(stream: ReadableStream<T>): AsyncGenerator<T> {
  const reader = stream.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
}
