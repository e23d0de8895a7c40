// Values that are no handler are refused where they are passed. Handlers of LangChain are accepted, and receive the events in its form.
import {
  background,
  ConsoleCallbackHandler,
  type Handler,
  PromptTemplate,
  type RunEvent,
  StringOutputParser,
  tap,
  withFilter,
} from 'chaintap'
import { LLMChain } from 'chaintap/chains'
import { durable } from 'chaintap/durable'
import { serve } from 'chaintap/edge'
import { logHandler, MemoryLogStore } from 'chaintap/log'
import { RemoteRunnable } from 'chaintap/remote'
import { recorder, scriptedModel } from 'chaintap/testing'
import { TokenCounter } from 'chaintap/tokens'
import { tool } from 'chaintap/tools'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'

const model = scriptedModel([['a', 'b']])
const nothing = (): void => {}
/** Every place that accepts handlers. */
const places: readonly (readonly [string, (handler: Handler) => unknown])[] = [
  ['invoke()', (handler) => model.invoke('x', { callbacks: [handler] })],
  ['stream()', (handler) => model.stream('x', { callbacks: [nothing, handler] })],
  ['events()', (handler) => model.events('x', { callbacks: [handler] })],
  ['batch()', (handler) => model.batch(['x'], { callbacks: [handler] })],
  ['withConfig()', (handler) => model.withConfig({ callbacks: [handler] })],
  ['a model', (handler) => scriptedModel([['a']], { callbacks: [handler] })],
  ['a prompt', (handler) => new PromptTemplate('{x}', { callbacks: [handler] })],
  ['a parser', (handler) => new StringOutputParser({ callbacks: [handler] })],
  ['a tool', (handler) => tool(nothing, { name: 'a', description: 'b', callbacks: [handler] })],
  ['LLMChain', (handler) => new LLMChain({ llm: model, prompt: new PromptTemplate('{x}'), callbacks: [handler] })],
  ['RemoteRunnable', (handler) => new RemoteRunnable('https://a.example', { callbacks: [handler] })],
  ['serve()', (handler) => serve(model, { callbacks: [handler] })],
  ['durable()', (handler) => durable(model, { callbacks: [handler] })],
  ['tap()', (handler) => tap(handler)],
  ['background()', (handler) => background(handler)],
  ['withFilter()', (handler) => withFilter(handler, () => true)],
]

test.each(places)('%s accepts a LangChain handler', (_, pass) => {
  pass({ handleLLMNewToken: nothing })
})

test.each(places)('%s refuses what is no handler', (_, pass) => {
  for (const value of [undefined, null, false, 'console', 1])
    expect(() => pass(value as never)).toThrow(expect.objectContaining({ code: 'invalid_options' }))
})

test('callbacks that are no array are refused', () => {
  for (const callbacks of [nothing, { onText: nothing }, new Set([nothing]), 'console'])
    expect(() => model.invoke('x', { callbacks: callbacks as never })).toThrow(
      expect.objectContaining({ code: 'invalid_options', message: expect.stringContaining('expected an array of handlers') }),
    )
})

const ends =
  'LLMStart LLMNewToken LLMEnd LLMError ChatModelStart ChatModelStreamEvent ChainStart ChainEnd ChainError ToolStart ToolEnd ToolError ToolEvent RetrieverStart RetrieverEnd RetrieverError Text AgentAction AgentEnd CustomEvent'.split(
    ' ',
  )
const theirs = fc.subarray(ends, { minLength: 1 }).map((names) => names.map((name) => `handle${name}`))
const ours = fc.subarray(
  (
    'Event LlmStart ChatModelStart LlmNewToken LlmEnd LlmError ChainStart ChainEnd ChainError ToolStart ToolEnd ToolError ' +
    'RetrieverStart RetrieverEnd RetrieverError Text AgentAction AgentFinish Retry CustomEvent'
  )
    .split(' ')
    .map((name) => `on${name}`),
  { minLength: 1 },
)
const others = fc.dictionary(
  fc.oneof(
    fc.string(),
    fc.constantFrom('name', 'raiseError', 'flush', 'handle', 'handleEvent', 'handleError', 'ignoreCase', 'copy', 'persistRun'),
  ),
  fc.anything(),
)

/** An object with these methods: own ones, or those of a class. */
function withMethods(names: readonly string[], isClass: boolean, more: object): object {
  const methods = Object.fromEntries(names.map((name) => [name, nothing]))
  return Object.defineProperties(isClass ? Object.create(methods) : methods, Object.getOwnPropertyDescriptors(more))
}

test('handlers of chaintap are never refused: random methods, with other properties of any name', () => {
  const shapes = fc.oneof(
    fc
      .record({ names: ours, helpers: fc.oneof(fc.constant([]), theirs), isClass: fc.boolean(), more: others })
      .map(({ names, helpers, isClass, more }) => withMethods([...names, ...helpers], isClass, more)),
    // Their methods may be assigned later.
    others,
    fc.tuple(theirs, others).map(([names, more]) => Object.assign(() => {}, withMethods(names, false, {}), { more })),
    fc.boolean().map((isPair) => (isPair ? new TransformStream<RunEvent, RunEvent>() : new WritableStream<RunEvent>())),
  )
  fc.assert(
    fc.property(shapes, (handler) => {
      for (const [, pass] of places.slice(4)) pass(handler)
    }),
  )
})

test('handlers of this package are never refused', () => {
  const handlers = [new ConsoleCallbackHandler(), new TokenCounter(), logHandler(new MemoryLogStore()), recorder(), background(nothing), {}]
  for (const handler of [...handlers, withFilter({}, {})]) for (const [, pass] of places.slice(4)) pass(handler)
})

test('handlers of LangChain receive events in its form: random methods, with other properties of any name', async () => {
  const flags = fc.record({ ignoreChain: fc.boolean(), awaitHandlers: fc.boolean(), raiseError: fc.boolean() }, { requiredKeys: [] })
  await fc.assert(
    fc.asyncProperty(theirs, fc.boolean(), flags, async (names, isClass, more) => {
      const received: unknown[] = []
      const heard = { handleLLMNewToken: (token: string) => void received.push(token) }
      const handler = Object.assign(withMethods(names, isClass, more), heard)
      const run = model.stream('x', { callbacks: [handler] })
      await run.drain()
      await run.flushed
      expect(received).toEqual(['a', 'b'])
    }),
    { numRuns: 50 },
  )
})

test('an object for both libraries is a handler of chaintap', async () => {
  const tokens: string[] = []
  const both = { awaitHandlers: true, handleLLMNewToken: nothing, onLlmNewToken: (token: string) => void tokens.push(token) }
  await model.stream('x', { callbacks: [both] }).drain()
  expect(tokens).toEqual(['a', 'b'])
})
