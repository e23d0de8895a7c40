// Handlers of chaintap inside LangChain.js.
import { ChatAnthropic as LangChainAnthropic } from '@langchain/anthropic'
import { dispatchCustomEvent } from '@langchain/core/callbacks/dispatch/web'
import { StringOutputParser as LangChainParser } from '@langchain/core/output_parsers'
import { ChatPromptTemplate as LangChainPrompt } from '@langchain/core/prompts'
import { RunnableLambda } from '@langchain/core/runnables'
import { tool as langChainTool } from '@langchain/core/tools'
import { type AssistantMessage, ConsoleCallbackHandler, type RunEvent } from 'chaintap'
import { toLangChain } from 'chaintap/langchain'
import { logHandler, MemoryLogStore } from 'chaintap/log'
import { anthropicJson, anthropicSse, faultyFetch, recorder } from 'chaintap/testing'
import { TokenCounter } from 'chaintap/tokens'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { all } from '../contracts/log-store.ts'
import { turn } from '../support/sources.ts'

const answer = { id: 'msg_1', model: 'claude-1', text: ['Why ', 'not?'], usage: { inputTokens: 9, outputTokens: 4 } }
const calling = { ...answer, text: [], toolCalls: [{ id: 'call_1', name: 'weather', args: { city: 'Bonn' } }] }

const model = (streaming = false, content: typeof answer = answer) =>
  new LangChainAnthropic({
    apiKey: 'a-key',
    model: 'claude-1',
    temperature: 0.5,
    clientOptions: {
      fetch: faultyFetch({ body: streaming ? anthropicSse(content) : JSON.stringify(anthropicJson(content)) }),
      dangerouslyAllowBrowser: true,
      maxRetries: 0,
    },
  })
const chain = (streaming = false) =>
  LangChainPrompt.fromTemplate('A joke about {animal}').pipe(model(streaming)).pipe(new LangChainParser())

test('a chain of LangChain gives a whole tree of runs, with tokens, messages, usage and the request', async () => {
  const record = recorder()
  const config = { callbacks: [toLangChain(record)], tags: ['a'], metadata: { user: 'u' } }
  for await (const _ of await chain(true).stream({ animal: 'bears' }, config));
  record.check()
  expect(record.trace()).toEqual([
    'S RunnableSequence',
    'S ChatPromptTemplate<RunnableSequence',
    'E ChatPromptTemplate',
    'S ChatAnthropic<RunnableSequence',
    // Of an empty first token, which makes no event.
    'S StrOutputParser<RunnableSequence',
    'T Why ',
    'T not?',
    'E ChatAnthropic',
    'E StrOutputParser',
    'E RunnableSequence',
  ])
  const [root] = record.events
  expect(root).toMatchObject({ type: 'start', run: { kind: 'chain', tags: ['a'], metadata: { user: 'u' } }, input: { animal: 'bears' } })
  const start = record.events.find(({ run, type }) => run.kind === 'chat_model' && type === 'start')
  expect(start).toMatchObject({
    input: [{ role: 'user', content: 'A joke about bears' }],
    request: { model: 'claude-1', temperature: 0.5 },
  })
  const end = record.events.find(({ run, type }) => run.kind === 'chat_model' && type === 'end')
  expect(end).toMatchObject({
    output: { role: 'assistant', content: 'Why not?' },
    usage: { inputTokens: 9 },
    answered: { model: 'claude-1' },
  })
  expect(record.events.at(-1)).toMatchObject({ output: 'Why not?' })
})

test('a TokenCounter, a log and the console count, store and print what LangChain runs', async () => {
  const counter = new TokenCounter()
  const store = new MemoryLogStore()
  let printed = ''
  const console = new ConsoleCallbackHandler({ write: (text) => void (printed += text) })
  await chain().invoke({ animal: 'bears' }, { callbacks: [counter, logHandler(store), console].map((handler) => toLangChain(handler)) })
  expect(counter.usage).toMatchObject({ inputTokens: 9, outputTokens: 4, totalTokens: 13, requests: 1 })
  expect(counter.byModel.get('claude-1')).toMatchObject({ totalTokens: 13 })
  const records = await all(store.read({}))
  const names = records.flatMap((record) => ('event' in record && record.event.type === 'end' ? [record.event.run.name] : []))
  expect(names).toEqual(['ChatPromptTemplate', 'ChatAnthropic', 'StrOutputParser', 'RunnableSequence'])
  expect(printed).toContain('ChatAnthropic')
})

test('tool calls and tools: the arguments, the id and the message', async () => {
  const events: RunEvent[] = []
  const weather = langChainTool(({ city }: { city: string }) => `18 °C in ${city}`, {
    name: 'weather',
    description: 'The weather',
    schema: z.object({ city: z.string() }),
  })
  const step = RunnableLambda.from(async (question: string, config) => {
    const { tool_calls } = await model(false, calling).invoke(question, config)
    await dispatchCustomEvent('progress', { done: 0.5 }, config)
    return weather.invoke({ ...tool_calls?.[0], name: 'weather', type: 'tool_call' } as never, config)
  })
  await step.invoke('Hi', { callbacks: [toLangChain((event) => void events.push(event))] })
  const find = (kind: string, type: string) => events.find((event) => event.run.kind === kind && event.type === type)
  expect((find('chat_model', 'end') as { output: AssistantMessage }).output.toolCalls).toEqual([
    { id: 'call_1', name: 'weather', args: { city: 'Bonn' } },
  ])
  expect(find('tool', 'start')).toMatchObject({ run: { name: 'weather' }, input: { city: 'Bonn' } })
  expect(find('tool', 'end')).toMatchObject({ output: { role: 'tool', content: '18 °C in Bonn', toolCallId: 'call_1' } })
  expect(find('chain', 'custom')).toMatchObject({ name: 'progress', data: { done: 0.5 } })
  expect(find('chain', 'start')).toMatchObject({ input: 'Hi' })
})

test('an error ends the run and those above it with the same error', async () => {
  const record = recorder()
  const error = new Error('lost')
  const failing = RunnableLambda.from(() => {
    throw error
  })
  await expect(failing.pipe(failing).invoke('x', { callbacks: [toLangChain(record)] })).rejects.toBe(error)
  record.check()
  expect(record.trace()).toEqual(['S RunnableSequence', 'S RunnableLambda<RunnableSequence', 'X RunnableLambda', 'X RunnableSequence'])
})

test('a slow handler receives one event at a time, in order, also from parallel runs', async () => {
  let isBusy = false
  const seen: string[] = []
  const slow = async ({ run, type }: RunEvent): Promise<void> => {
    expect(isBusy).toBe(false)
    isBusy = true
    await turn()
    isBusy = false
    seen.push(`${type} ${run.name}`)
  }
  const callbacks = [toLangChain(slow)]
  await Promise.all([1, 2, 3].map(() => chain().invoke({ animal: 'bears' }, { callbacks })))
  expect(seen).toHaveLength(3 * 8)
})

test('an error of a handler with raiseError fails the chain', async () => {
  const broken = Object.assign(
    () => {
      throw new Error('broken')
    },
    { raiseError: true },
  )
  await expect(chain().invoke({ animal: 'bears' }, { callbacks: [toLangChain(broken)] })).rejects.toThrow('broken')
})
