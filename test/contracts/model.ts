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

/** What a model says, and how it fails. */
export interface SaidScript {
  readonly chunks: readonly string[]
  /** Comes after them. */
  readonly error?: Error
  /** Nothing more comes after so many of them, until `until` settles. */
  readonly stallAfter?: number
  /** Its answer does not begin, until `until` settles. */
  readonly stallBefore?: boolean
  readonly until?: Promise<unknown>
  /** What it asks hears no signal. */
  readonly deaf?: boolean
  /** Nobody counts. */
  readonly isUncounted?: boolean
}

export interface ServedModel {
  readonly model: ChatModel
  /** How often it has asked for an answer. */
  calls(): number
  /** How much of what it has opened is open. */
  open(): number
}

/** A chat model, over bytes or over none. */
export interface ModelUnderTest {
  serve(script: SaidScript | ((index: number) => SaidScript), options?: { readonly streaming?: boolean }): ServedModel
  /** What `Hel`, `lo`, `!` takes in answer to `Hi`. */
  readonly usage: Usage
}

const hello: SaidScript = { chunks: ['Hel', 'lo', '!'] }

/** What every chat model must do, whatever it asks. Models over bytes are under the contract of wires too. */
export function modelContract(name: string, { serve, usage }: ModelUnderTest): void {
  describe(`${name}: answers`, () => {
    test('its text is told as tokens, between start and end, and its usage at the end', async () => {
      const { model, open } = serve(hello)
      const heard = recorder()
      const { chunks } = await readAll(model.stream('Hi', { callbacks: [heard] }))
      heard.check()
      expect(textIn(chunks)).toBe('Hello!')
      const lines = heard.trace().filter((line) => !line.startsWith('D'))
      expect(lines).toEqual([`S ${model.name}`, 'T Hel', 'T lo', 'T !', `E ${model.name}`])
      expect(heard.events.at(-1)).toMatchObject({ usage: { ...usage, requests: 1 } })
      expect(open()).toBe(0)
    })

    test('nothing is asked for before the first read', async () => {
      const { model, calls } = serve(hello)
      const run = model.stream('Hi')
      await turn()
      expect(calls()).toBe(0)
      run.stop()
    })

    test('invoke tells no token, and gives the message and the usage that a stream gives', async () => {
      const { model, open } = serve(hello)
      const heard = recorder()
      const output = await model.invoke('Hi', { callbacks: [heard] })
      expect(heard.trace()).toEqual([`S ${model.name}`, `E ${model.name}`])
      const run = serve(hello).model.stream('Hi')
      await run.drain()
      expect(await run.outcome).toMatchObject({ status: 'complete', output, usage })
      expect(output).toMatchObject({ role: 'assistant', content: 'Hello!', usage })
      expect(open()).toBe(0)
    })

    test('invoke streams where the model was made with streaming: true; so do its copies', async () => {
      const { model } = serve(hello, { streaming: true })
      for (const each of [model, model.bind({}), model.withConfig({ tags: ['a'] })]) {
        const heard = recorder()
        expect(textOf(await each.invoke('Hi', { callbacks: [heard] }))).toBe('Hello!')
        expect(heard.trace().filter((line) => line.startsWith('T'))).toEqual(['T Hel', 'T lo', 'T !'])
      }
    })

    test('P8: what nobody counted is unknown', async () => {
      const run = serve({ ...hello, isUncounted: true }).model.stream('Hi')
      await run.drain()
      const { status, usage: counted = {} } = await run.outcome
      expect(status).toBe('complete')
      for (const figure of ['inputTokens', 'outputTokens', 'totalTokens']) expect(counted).not.toHaveProperty(figure)
    })

    test('an error after some of it comes after that, and everything is closed (P2, P3)', async () => {
      const { model, open } = serve({ chunks: ['Hel', 'lo'], error: new TypeError('lost') })
      const heard = recorder()
      const { chunks, error } = await readAll(model.stream('Hi', { callbacks: [heard] }))
      heard.check()
      expect(textIn(chunks)).toBe('Hello')
      expect(error).toMatchObject({ message: expect.stringContaining('lost'), cause: expect.anything() })
      expect(heard.events.at(-1)).toMatchObject({ type: 'error', partial: { content: 'Hello' } })
      expect(open()).toBe(0)
    })
  })

  describe(`${name}: generate`, () => {
    test('answers each input in its place, a run each, and sums what they spent', async () => {
      const { model, calls } = serve((index) => ({ chunks: [`answer ${index}`] }))
      const heard = recorder()
      const result = await model.generate(['One', 'Two'], { callbacks: [heard], maxConcurrency: 1 })
      heard.check()
      expect(result.generations.map(([{ text }]) => text)).toEqual(['answer 0', 'answer 1'])
      expect(result.usage).toMatchObject({ requests: 2 })
      expect(heard.trace()).toEqual([`S ${model.name}`, `E ${model.name}`, `S ${model.name}`, `E ${model.name}`])
      expect(calls()).toBe(2)
    })

    test('the first failure aborts the rest and is thrown (P1, P2)', async () => {
      const { model, open } = serve((index) =>
        index === 1 ? { chunks: [], error: new TypeError('mine') } : { ...hello, stallBefore: true },
      )
      const heard = recorder()
      const error = await failure(model.generate(['One', 'Two', 'Three'], { callbacks: [heard] }))
      expect(String(error)).toContain('mine')
      heard.check()
      expect(heard.trace().filter((line) => line.startsWith('X'))).toHaveLength(3)
      await turn()
      expect(open()).toBe(0)
    })
  })

  describe.each([false, true])(`${name}: leaving (P1, P2), deaf: %s`, (deaf) => {
    test('stop closes everything before the event loop turns', async () => {
      const { model, open } = serve({ ...hello, stallAfter: 2, deaf })
      const heard = recorder()
      const run = model.stream('Hi', { callbacks: [heard] })
      const reading = readAll(run)
      await until(() => heard.trace().includes('T lo'))
      await turn()
      expect(open()).toBeGreaterThan(0)
      run.stop()
      await Promise.resolve()
      expect(open()).toBe(0)
      expect(textIn((await reading).chunks)).toBe('Hello')
      heard.check()
      expect(await run.outcome).toMatchObject({ status: 'aborted', error: expect.any(UserStop), partial: { content: 'Hello' } })
    })

    test('a hundred readers who break after the first token leave nothing open', async () => {
      const { model, open } = serve({ ...hello, deaf })
      const heard = recorder()
      for (let i = 0; i < 100; i++) for await (const _ of model.stream('Hi', { callbacks: [heard] })) break
      heard.check()
      expect(open()).toBe(0)
    })

    test('an abort before the answer begins releases the run at once, and what comes too late is closed', async () => {
      const held = Promise.withResolvers<void>()
      const { model, calls, open } = serve({ ...hello, stallBefore: true, until: held.promise, deaf })
      const heard = recorder()
      const abort = new AbortController()
      // As a child it is the run itself that lets go, and not only the reader.
      const chain = lambda((question: string, context) => model.invoke(question, context), { name: 'Chain' })
      const asked = failure(chain.invoke('Hi', { callbacks: [heard], signal: abort.signal }))
      await until(() => calls() === 1)
      abort.abort(new Error('mine'))
      expect(await asked).toMatchObject({ message: 'mine' })
      heard.check()
      expect(heard.trace()).toEqual(['S Chain', `S ${model.name}<Chain`, `X ${model.name}`, 'X Chain'])
      held.resolve()
      await turn()
      expect(open()).toBe(0)
    })

    test.each(['stallBefore', 'stallAfter'])('a step that runs out of time fails its chain at once, and says so (%s)', async (stall) => {
      const { model, open } = serve({ ...hello, ...(stall === 'stallBefore' ? { stallBefore: true } : { stallAfter: 1 }), deaf })
      const chain = model.withConfig({ timeout: 20 }).pipe(new StringOutputParser())
      expect(await failure(chain.invoke('Hi'))).toBeInstanceOf(TimeoutError)
      // What was never opened cannot be closed.
      if (stall === 'stallAfter' || !deaf) expect(open()).toBe(0)
    })

    test('an abort before the call asks for nothing', async () => {
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
  throw new Error('It did not fail')
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn()
}
