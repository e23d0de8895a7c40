// The same chain in LangChain.js and in chaintap calls a LangChain handler with the same arguments.
import { ChatAnthropic as LangChainAnthropic } from '@langchain/anthropic'
import { BaseCallbackHandler } from '@langchain/core/callbacks/base'
import { CallbackManager } from '@langchain/core/callbacks/manager'
import { AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages'
import { StringOutputParser as LangChainParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate as LangChainPrompt } from '@langchain/core/prompts'
import { RunnableLambda } from '@langchain/core/runnables'
import { tool as langChainTool } from '@langchain/core/tools'
import { RunCollectorCallbackHandler } from '@langchain/core/tracers/run_collector'
import { background, ChatPromptTemplate, type Handler, lambda, StringOutputParser, tap, withFilter } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { fromLangChain } from 'chaintap/langchain'
import { InMemoryRetriever } from 'chaintap/retrievers'
import { anthropicJson, anthropicSse, faultyFetch, scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'

type Called = readonly [method: string, ...args: readonly unknown[]]

const methods = `LLMStart ChatModelStart LLMNewToken LLMEnd LLMError ChainStart ChainEnd ChainError ToolStart ToolEnd ToolError
  RetrieverStart RetrieverEnd RetrieverError Text AgentAction AgentEnd CustomEvent`
  .split(/\s+/)
  .map((name) => `handle${name}`)

/** A handler with all methods, which records their arguments. */
class Recording extends BaseCallbackHandler {
  name = 'recording'
  readonly calls: Called[] = []
  constructor(flags: Readonly<Record<string, unknown>> = {}, names: readonly string[] = methods) {
    super(flags)
    for (const name of names) Object.assign(this, { [name]: (...args: unknown[]) => void this.calls.push([name, ...args]) })
  }
}

const answer = { id: 'msg_1', model: 'claude-1', text: ['Why ', 'not?'], usage: { inputTokens: 9, outputTokens: 4 } }
const template = 'A joke about {animal}'
const key = { apiKey: 'a-key', model: 'claude-1', temperature: 0.5, maxTokens: 50 }
const serve = (streaming: boolean) => faultyFetch({ body: streaming ? anthropicSse(answer) : JSON.stringify(anthropicJson(answer)) })

const ours = (streaming: boolean) =>
  ChatPromptTemplate.fromTemplate(template)
    .pipe(new ChatAnthropic({ ...key, fetch: serve(streaming), dangerouslyAllowBrowser: true }))
    .pipe(new StringOutputParser())
const theirs = (streaming: boolean) =>
  LangChainPrompt.fromTemplate(template)
    .pipe(new LangChainAnthropic({ ...key, clientOptions: { fetch: serve(streaming), dangerouslyAllowBrowser: true } }))
    .pipe(new LangChainParser())

/**
 * Calls with ids replaced by their order, and messages by what handlers read of them. Without what differs on purpose: LangChain emits empty
 * tokens, counts one output token of a stream twice, does not wrap the outputs of streamed steps, and gives a parser in invoke() its input.
 */
function comparable(calls: readonly Called[]): readonly unknown[] {
  const ids = new Map<unknown, string>()
  const plain = (value: unknown): unknown => {
    if (BaseMessage.isInstance(value)) {
      const { usage_metadata: usage } = value as { readonly usage_metadata?: { readonly input_tokens: number } }
      return { type: value.type, content: value.content, ...(usage && { inputTokens: usage.input_tokens }) }
    }
    if (Array.isArray(value)) return value.map(plain)
    if (typeof value === 'string' && /^[0-9a-f-]{36}$/.test(value)) {
      if (!ids.has(value)) ids.set(value, `run ${ids.size}`)
      return ids.get(value)
    }
    return value
  }
  const isKept = ([name, first]: Called): boolean => !(name === 'handleLLMNewToken' && first === '')
  return calls.filter(isKept).map(([name, ...args]) => {
    switch (name) {
      case 'handleChainStart':
        // In LangChain a parser that starts in invoke() has its input.
        return [name, args[6] === 'parser' ? '' : plain(args[1]), plain(args[2]), plain(args[3]), args[4], args[6] ?? 'chain']
      case 'handleChatModelStart': {
        const [, messages, id, parentId, extra, tags, metadata] = args as unknown as readonly [
          unknown,
          unknown,
          unknown,
          unknown,
          { invocation_params: Record<string, unknown> },
          unknown,
          Record<string, unknown>,
        ]
        const { model, temperature, max_tokens } = extra.invocation_params
        const { ls_model_name, ls_model_type, ls_temperature, ls_max_tokens } = metadata
        return [
          name,
          plain(messages),
          plain(id),
          plain(parentId),
          { model, temperature, max_tokens },
          tags,
          { ls_model_name, ls_model_type, ls_temperature, ls_max_tokens },
        ]
      }
      case 'handleLLMEnd': {
        const [{ generations }, id, parentId, tags] = args as unknown as readonly [
          { generations: readonly { text: string; message: unknown }[][] },
          unknown,
          unknown,
          unknown,
        ]
        return [name, generations[0]?.map(({ text, message }) => ({ text, message: plain(message) })), plain(id), plain(parentId), tags]
      }
      case 'handleLLMNewToken':
        return [name, args[0], args[1], plain(args[2]), plain(args[3]), args[4]]
      default: {
        const { messages, output } = Object(args[0]) as { readonly messages?: unknown; readonly output?: unknown }
        return [name, plain(messages ?? output ?? args[0]), plain(args[1]), plain(args[2]), args[3]]
      }
    }
  })
}

/** In a fixed order: which of a model and its parser starts or ends first differs. */
const sorted = (calls: readonly Called[]): readonly string[] =>
  comparable(calls)
    .map((call) => JSON.stringify(call))
    .sort()

test.each([false, true])('a LangChain handler is called as by LangChain.js (streaming: %s)', async (streaming) => {
  const [a, b] = [new Recording({ _awaitHandler: true }), new Recording()]
  const [left, right] = [theirs(streaming), ours(streaming)]
  if (streaming) for await (const _ of await left.stream({ animal: 'bears' }, { callbacks: [a] }));
  else await left.invoke({ animal: 'bears' }, { callbacks: [a] })
  const run = right.stream({ animal: 'bears' }, { callbacks: [b] })
  if (streaming) await run.drain()
  else await right.invoke({ animal: 'bears' }, { callbacks: [b] })
  await vi.waitFor(() => expect(sorted(b.calls)).toEqual(sorted(a.calls)))
  expect(b.calls.map(([name]) => name)).toContain('handleChatModelStart')
})

const search = tool(({ city }) => `18 °C in ${city}`, {
  name: 'weather',
  description: 'The weather',
  schema: z.object({ city: z.string() }),
})
const call = { id: 'call_1', name: 'weather', args: { city: 'Bonn' }, type: 'tool_call' as const }

test('a tool, a failing step and a retriever: the arguments of LangChain', async () => {
  const [a, b] = [new Recording({ _awaitHandler: true }), new Recording()]
  const their = langChainTool(({ city }: { city: string }) => `18 °C in ${city}`, {
    name: 'weather',
    description: 'The weather',
    schema: z.object({ city: z.string() }),
  })
  await their.invoke(call, { callbacks: [a] })
  await search.invoke(call, { callbacks: [b] })
  await vi.waitFor(() => expect(b.calls).toHaveLength(2))
  const [[, , input, , , , , , callId], [, output]] = b.calls as unknown as readonly [Called, Called]
  expect([input, callId]).toEqual([a.calls[0]?.[2], 'call_1'])
  expect(output).toBeInstanceOf(ToolMessage)
  expect(output).toMatchObject({ content: '18 °C in Bonn', tool_call_id: 'call_1' })

  const error = new Error('lost')
  const fail = (): never => {
    throw error
  }
  const [c, d] = [new Recording({ _awaitHandler: true }), new Recording()]
  await RunnableLambda.from(fail)
    .invoke('x', { callbacks: [c] })
    .catch(() => {})
  await lambda(fail)
    .invoke('x', { callbacks: [d] })
    .catch(() => {})
  await vi.waitFor(() => expect(sorted(d.calls)).toEqual(sorted(c.calls)))
  expect(d.calls.at(-1)?.[1]).toBe(error)

  const e = new Recording()
  const documents = [{ pageContent: 'Bears sleep.', metadata: {} }]
  await new InMemoryRetriever({ documents, k: 1 }).invoke('bears', { callbacks: [e] })
  await vi.waitFor(() =>
    expect(e.calls.map(([name, ...args]) => [name, args[name.endsWith('Start') ? 1 : 0]])).toEqual([
      ['handleRetrieverStart', 'bears'],
      ['handleRetrieverEnd', documents],
    ]),
  )
})

test('messages are those of LangChain’s classes, as far as its handlers can tell', async () => {
  const handler = new Recording({}, ['handleChatModelStart', 'handleLLMEnd'])
  const model = scriptedModel([[{ type: 'tool-call', index: 0, id: 'c', name: 'weather', args: '{"city":"Bonn"}' }]])
  await model.invoke(
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hi' },
    ],
    { callbacks: [handler] },
  )
  await vi.waitFor(() => expect(handler.calls).toHaveLength(2))
  const [[, , [messages]], [, result]] = handler.calls as unknown as readonly [
    readonly [string, unknown, [readonly unknown[]]],
    readonly [string, { generations: { message: AIMessage }[][] }],
  ]
  expect(messages[0]).toBeInstanceOf(SystemMessage)
  expect(messages[1]).toBeInstanceOf(HumanMessage)
  const message = result.generations[0]?.[0]?.message
  expect(message).toBeInstanceOf(AIMessage)
  expect(message?.tool_calls).toEqual([{ id: 'c', name: 'weather', args: { city: 'Bonn' }, type: 'tool_call' }])
})

test.each([
  ['ignoreLLM', ['handleChainStart', 'handleChainEnd', 'handleToolStart', 'handleToolEnd']],
  ['ignoreChain', ['handleChatModelStart', 'handleLLMEnd', 'handleToolStart', 'handleToolEnd']],
  ['ignoreAgent', ['handleChainStart', 'handleChatModelStart', 'handleLLMEnd', 'handleChainEnd']],
] as const)('%s is obeyed', async (flag, expected) => {
  const handler = new Recording({ [flag]: true, _awaitHandler: true })
  const chain = lambda(async (text: string, context) => {
    await scriptedModel([['a']]).invoke(text, context)
    return search.invoke({ city: 'Bonn' }, context)
  })
  await chain.invoke('x', { callbacks: [handler] })
  expect(new Set(handler.calls.map(([name]) => name))).toEqual(new Set(expected))
})

test('raiseError fails the run; otherwise an error is reported and the run goes on', async () => {
  const broken = (raiseError: boolean) => ({ name: 'broken', raiseError, handleLLMEnd: () => Promise.reject(new Error('broken')) })
  const reports: unknown[] = []
  await expect(scriptedModel([['a']]).invoke('x', { callbacks: [broken(true)] })).rejects.toThrow('broken')
  await scriptedModel([['a']]).invoke('x', { callbacks: [broken(false)], onHandlerError: (error) => void reports.push(error) })
  expect(reports).toMatchObject([{ message: 'broken' }])
})

test('a handler that LangChain does not wait for holds up no run, and `flushed` waits for it', async () => {
  let release = (): void => {}
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  const done: string[] = []
  class Slow extends BaseCallbackHandler {
    name = 'slow'
    override async handleLLMEnd() {
      await gate
      done.push('end')
    }
    flushAsync() {
      done.push('flushed')
    }
  }
  const run = scriptedModel([['a']]).stream('x', { callbacks: [new Slow()] })
  await run.drain()
  expect(done).toEqual([])
  release()
  await run.flushed
  expect(done).toEqual(['end', 'flushed'])
})

test('a handler that is passed in several places and forms receives each event once', async () => {
  const handler = new Recording({ _awaitHandler: true }, ['handleLLMEnd'])
  const model = scriptedModel([['a']], { callbacks: [handler] }).withConfig({ callbacks: [handler] })
  await model.invoke('x', { callbacks: [handler] })
  expect(handler.calls).toHaveLength(1)
  expect(fromLangChain(handler)).toBe(fromLangChain(handler))
})

test('tap(), background() and withFilter() take a LangChain handler', async () => {
  const handler = new Recording({ _awaitHandler: true }, ['handleLLMEnd'])
  const model = scriptedModel([['a']])
  await model
    .events('x')
    .pipeThrough(tap(handler as Handler))
    .pipeTo(new WritableStream())
  const run = model.stream('x', { callbacks: [background(handler), withFilter(handler, { kinds: ['chat_model'] })] })
  await run.drain()
  await run.flushed
  expect(handler.calls).toHaveLength(3)
})

test('a tracer of LangChain collects the tree of runs', async () => {
  const collector = new RunCollectorCallbackHandler()
  const run = ours(true).stream({ animal: 'bears' }, { callbacks: [collector], tags: ['a'], metadata: { user: 'u' } })
  await run.drain()
  await run.flushed
  expect(collector.tracedRuns).toHaveLength(1)
  expect(collector.tracedRuns[0]).toMatchObject({
    name: 'RunnableSequence',
    run_type: 'chain',
    tags: ['a'],
    inputs: { animal: 'bears' },
    outputs: { output: 'Why not?' },
    child_runs: [
      { name: 'ChatPromptTemplate', run_type: 'prompt' },
      {
        name: 'ChatAnthropic',
        run_type: 'llm',
        extra: { invocation_params: { model: 'claude-1' }, metadata: { user: 'u', ls_model_name: 'claude-1' } },
      },
      { name: 'StringOutputParser', run_type: 'parser' },
    ],
  })
})

test('what is no LangChain handler is refused with the fix', () => {
  expect(() => fromLangChain({})).toThrow('none of the methods of a LangChain handler')
  expect(() => fromLangChain(new CallbackManager() as never)).toThrow('manager.handlers.map(fromLangChain)')
  expect(() => scriptedModel([['a']]).stream('x', { callbacks: [new CallbackManager() as never] })).toThrow('callbacks: manager.handlers')
})
