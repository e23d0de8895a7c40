// The program of LangChain's documentation about logging to a file, plus an agent, a failed run and a stopped run, offline.
import { ChatPromptTemplate, PromptTemplate, StringOutputParser } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { LLMChain } from 'chaintap/chains'
import { type LogRecord, type LogStore, logHandler, MemoryLogStore } from 'chaintap/log'
import { OpenAI } from 'chaintap/openai'
import { offlineFetch, scriptedModel } from 'chaintap/testing'
import { calculator, loadTools } from 'chaintap/tools'

/** A log of six run trees and of the program's own messages. Its times are fixed, so that it is the same each time. */
export async function programLog(): Promise<LogStore> {
  const store = new MemoryLogStore()
  const callbacks = [logHandler(store)]
  const app = store.logger(['app', 'main'])
  const key = { apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true }
  let runs = 0
  const next = () => ({ callbacks, runId: `019aa5b2-7c31-7000-8000-00000000000${++runs}` })

  const llm = new OpenAI(key)
  const chain = new LLMChain({ llm, prompt: PromptTemplate.fromTemplate('What is 1 + {number}?') })
  app.info(await chain.invoke({ number: 2 }, next()))

  const call = { type: 'tool-call', index: 0, id: 'call_1', name: 'Calculator', args: '{"input":"2 ^ 0.235"}' } as const
  const model = scriptedModel([[call], ['2 raised to the 0.235 power is ', '1.1769.']])
  const agent = initializeAgent([calculator], model, { agentType: 'tool-calling' })
  const joke = ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(new ChatAnthropic(key)).pipe(new StringOutputParser())
  // Concurrent: their events are interleaved in the log.
  await Promise.all([
    agent.run('What is 2 raised to the 0.235 power?', next()),
    joke.stream({ animal: 'bears' }, { ...next(), metadata: { user: 'bo' } }).drain(),
  ])

  app.warn('the page is slow', { frames: 21 })
  const failing = scriptedModel([{ tokens: ['Half an ', 'answer'], error: new RangeError('The line broke <off>.', { cause: 'a cable' }) }])
  await failing
    .pipe(new StringOutputParser())
    .invoke('Will this work?', next())
    .catch((error: unknown) => app.error(error))
  const stopped = joke.stream({ animal: 'foxes' }, next())
  await stopped.getReader().read()
  stopped.stop()
  await stopped.flushed
  const react = initializeAgent(loadTools(['llm-math'], { llm }), llm, { agentType: 'zero-shot-react-description' })
  app.info(await react.run('What is 2 raised to the 0.235 power?', next()))
  return atOneMorning(store)
}

async function atOneMorning(store: LogStore): Promise<LogStore> {
  const records: LogRecord[] = []
  let at = Date.UTC(2026, 10, 21, 9, 41, 7, 312)
  const reader = store.read().getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    const record = 'event' in read.value ? read.value.event : read.value
    at += 'type' in record && record.type === 'token' ? 21 : 137
    records.push({ ...record, at })
  }
  const fixed = new MemoryLogStore()
  await fixed.append(records)
  return fixed
}
