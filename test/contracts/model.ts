import {
  type AssistantMessage,
  type Delta,
  lambda,
  type Runnable,
  type RunOptions,
  StringOutputParser,
  TimeoutError,
  textOf,
  type Usage,
  UserStop,
} from 'chaintap'
import { recorder } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import type { LLMResult } from '../../src/models/model.ts'
import { readAll, turn } from '../support/sources.ts'

interface ChatModel extends Runnable<string, AssistantMessage, Delta> {
  bind(options: object): this
  generate(inputs: readonly string[], options?: RunOptions): Promise<LLMResult>
}

/** The response of a model, and its faults. */
export interface ModelBehavior {
  readonly chunks: readonly string[]
  /** Thrown after the chunks. */
  readonly error?: Error
  /** Stalls after this many chunks until `until` settles. */
  readonly stallAfter?: number
  /** Stalls before the response until `until` settles. */
  readonly stallBefore?: boolean
  readonly until?: Promise<unknown>
  /** The provider ignores the signal. */
  readonly deaf?: boolean
  /** No usage is reported. */
  readonly isUncounted?: boolean
}

export interface ServedModel {
  readonly model: ChatModel
  /** How many responses were requested. */
  calls(): number
  /** How many of its resources are open. */
  open(): number
}

/** A chat model, with a byte stream or without. */
export interface ModelUnderTest {
  serve(script: ModelBehavior | ((index: number) => ModelBehavior), options?: { readonly streaming?: boolean }): ServedModel
  /** The usage of the response `Hel`, `lo`, `!` to `Hi`. */
  readonly usage: Usage
}

const hello: ModelBehavior = { chunks: ['Hel', 'lo', '!'] }

/** The tests that every chat model must pass. Models with a byte stream must pass the contract of wires too. */
export function modelContract(name: string, { serve, usage }: ModelUnderTest): void {
  describe(`${name}: responses`, () => {
    test('emits text as tokens between start and end, and usage at the end', async () => {
      const { model, open } = serve(hello)
      const record = recorder()
      const { chunks } = await readAll(model.stream('Hi', { callbacks: [record] }))
      record.check()
      expect(textIn(chunks)).toBe('Hello!')
      const lines = record.trace().filter((line) => !line.startsWith('D'))
      expect(lines).toEqual([`S ${model.name}`, 'T Hel', 'T lo', 'T !', `E ${model.name}`])
      expect(record.events.at(-1)).toMatchObject({ usage: { ...usage, requests: 1 } })
      expect(open()).toBe(0)
    })

    test('sends no request before the first read', async () => {
      const { model, calls } = serve(hello)
      const run = model.stream('Hi')
      await turn()
      expect(calls()).toBe(0)
      run.stop()
    })

    test('invoke() emits no token, and returns the message and usage of a stream', async () => {
      const { model, open } = serve(hello)
      const record = recorder()
      const output = await model.invoke('Hi', { callbacks: [record] })
      expect(record.trace()).toEqual([`S ${model.name}`, `E ${model.name}`])
      const run = serve(hello).model.stream('Hi')
      await run.drain()
      expect(await run.outcome).toMatchObject({ status: 'complete', output, usage })
      expect(output).toMatchObject({ role: 'assistant', content: 'Hello!', usage })
      expect(open()).toBe(0)
    })

    test('invoke() of a model with streaming: true, and of its copies, emits tokens', async () => {
      const { model } = serve(hello, { streaming: true })
      for (const copy of [model, model.bind({}), model.withConfig({ tags: ['a'] })]) {
        const record = recorder()
        expect(textOf(await copy.invoke('Hi', { callbacks: [record] }))).toBe('Hello!')
        expect(record.trace().filter((line) => line.startsWith('T'))).toEqual(['T Hel', 'T lo', 'T !'])
      }
    })

    test('reports no token counts if none are known (P8)', async () => {
      const run = serve({ ...hello, isUncounted: true }).model.stream('Hi')
      await run.drain()
      const { status, usage: counted = {} } = await run.outcome
      expect(status).toBe('complete')
      for (const figure of ['inputTokens', 'outputTokens', 'totalTokens']) expect(counted).not.toHaveProperty(figure)
    })

    test('an error is thrown after the text before it, and everything is closed (P2, P3)', async () => {
      const { model, open } = serve({ chunks: ['Hel', 'lo'], error: new TypeError('lost') })
      const record = recorder()
      const { chunks, error } = await readAll(model.stream('Hi', { callbacks: [record] }))
      record.check()
      expect(textIn(chunks)).toBe('Hello')
      expect(error).toMatchObject({ message: expect.stringContaining('lost'), cause: expect.anything() })
      expect(record.events.at(-1)).toMatchObject({ type: 'error', partial: { content: 'Hello' } })
      expect(open()).toBe(0)
    })
  })

  describe(`${name}: generate`, () => {
    test('answers inputs in order, in a run each, and adds up their usage', async () => {
      const { model, calls } = serve((index) => ({ chunks: [`answer ${index}`] }))
      const record = recorder()
      const result = await model.generate(['One', 'Two'], { callbacks: [record], maxConcurrency: 1 })
      record.check()
      expect(result.generations.map(([{ text }]) => text)).toEqual(['answer 0', 'answer 1'])
      expect(result.usage).toMatchObject({ requests: 2 })
      expect(record.trace()).toEqual([`S ${model.name}`, `E ${model.name}`, `S ${model.name}`, `E ${model.name}`])
      expect(calls()).toBe(2)
    })

    test('the first failure aborts the other runs and is thrown (P1, P2)', async () => {
      const { model, open } = serve((index) =>
        index === 1 ? { chunks: [], error: new TypeError('mine') } : { ...hello, stallBefore: true },
      )
      const record = recorder()
      const error = await failure(model.generate(['One', 'Two', 'Three'], { callbacks: [record] }))
      expect(String(error)).toContain('mine')
      record.check()
      expect(record.trace().filter((line) => line.startsWith('X'))).toHaveLength(3)
      await turn()
      expect(open()).toBe(0)
    })
  })

  describe.each([false, true])(`${name}: stopping (P1, P2), deaf: %s`, (deaf) => {
    test('stop() closes everything within one microtask', async () => {
      const { model, open } = serve({ ...hello, stallAfter: 2, deaf })
      const record = recorder()
      const run = model.stream('Hi', { callbacks: [record] })
      const reading = readAll(run)
      await until(() => record.trace().includes('T lo'))
      await turn()
      expect(open()).toBeGreaterThan(0)
      run.stop()
      await Promise.resolve()
      expect(open()).toBe(0)
      expect(textIn((await reading).chunks)).toBe('Hello')
      record.check()
      expect(await run.outcome).toMatchObject({ status: 'aborted', error: expect.any(UserStop), partial: { content: 'Hello' } })
    })

    test('100 readers that break after the first token leave nothing open', async () => {
      const { model, open } = serve({ ...hello, deaf })
      const record = recorder()
      for (let i = 0; i < 100; i++) for await (const _ of model.stream('Hi', { callbacks: [record] })) break
      record.check()
      expect(open()).toBe(0)
    })

    test('an abort before the response ends the run at once, and a late response is closed', async () => {
      const begin = Promise.withResolvers<void>()
      const { model, calls, open } = serve({ ...hello, stallBefore: true, until: begin.promise, deaf })
      const record = recorder()
      const abort = new AbortController()
      // In a child run, the run itself must end, not only its reader.
      const chain = lambda((question: string, context) => model.invoke(question, context), { name: 'Chain' })
      const failed = failure(chain.invoke('Hi', { callbacks: [record], signal: abort.signal }))
      await until(() => calls() === 1)
      abort.abort(new Error('mine'))
      expect(await failed).toMatchObject({ message: 'mine' })
      record.check()
      expect(record.trace()).toEqual(['S Chain', `S ${model.name}<Chain`, `X ${model.name}`, 'X Chain'])
      begin.resolve()
      await turn()
      expect(open()).toBe(0)
    })

    test.each(['stallBefore', 'stallAfter'])('a step that times out fails its chain at once with TimeoutError (%s)', async (stall) => {
      const { model, open } = serve({ ...hello, ...(stall === 'stallBefore' ? { stallBefore: true } : { stallAfter: 1 }), deaf })
      const chain = model.withConfig({ timeout: 20 }).pipe(new StringOutputParser())
      expect(await failure(chain.invoke('Hi'))).toBeInstanceOf(TimeoutError)
      // A response that never began cannot be closed.
      if (stall === 'stallAfter' || !deaf) expect(open()).toBe(0)
    })

    test('an abort before the call prevents the request', async () => {
      const { model, calls } = serve({ ...hello, deaf })
      expect(await failure(model.invoke('Hi', { signal: AbortSignal.abort(new Error('mine')) }))).toMatchObject({ message: 'mine' })
      expect(calls()).toBe(0)
    })
  })
}

const textIn = (chunks: readonly Delta[]): string => chunks.map((chunk) => (chunk.type === 'text' ? chunk.text : '')).join('')

async function failure(work: Promise<unknown>): Promise<unknown> {
  try {
    await work
  } catch (error) {
    return error
  }
  throw new Error('The promise did not reject')
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}
