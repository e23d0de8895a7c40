// The programs of LangChain's documentation of callbacks, as ported in docs/porting.md.
import {
  type CallbackMethods,
  ChatPromptTemplate,
  ConsoleCallbackHandler,
  lambda,
  ModelError,
  PromptTemplate,
  type RunEvent,
  retry,
  StringOutputParser,
  withFilter,
} from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic, type ChatAnthropicOptions } from 'chaintap/anthropic'
import { LLMChain } from 'chaintap/chains'
import { InMemoryRetriever } from 'chaintap/retrievers'
import { anthropicJson, faultyFetch, offlineFetch, recorder, scriptedModel } from 'chaintap/testing'
import { loadTools } from 'chaintap/tools'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { turn } from '../support/sources.ts'

const chat = (options: ChatAnthropicOptions = {}): ChatAnthropic =>
  new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true, ...options })

afterEach(() => vi.restoreAllMocks())

class LoggingHandler implements CallbackMethods {
  readonly lines: string[] = []
  onChatModelStart(): void {
    this.lines.push('Chat model started')
  }
  onLlmEnd(message: unknown, { usage }: RunEvent & { type: 'end' }): void {
    this.lines.push(`Chat model ended: ${(message as { content: string }).content} (${usage?.totalTokens} tokens)`)
  }
  onChainStart(_input: unknown, { run }: RunEvent): void {
    this.lines.push(`Chain ${run.name} started`)
  }
  onChainEnd(_output: unknown, { run }: RunEvent): void {
    this.lines.push(`Chain ${run.name} ended`)
  }
}

const logged = [
  'Chain RunnableSequence started',
  'Chain ChatPromptTemplate started',
  'Chain ChatPromptTemplate ended',
  'Chat model started',
  expect.stringMatching(/^Chat model ended: .*3.* \(\d+ tokens\)$/),
  'Chain RunnableSequence ended',
]

describe('1 and 2: bound handlers and request handlers', () => {
  const prompt = ChatPromptTemplate.fromTemplate('What is 1 + {number}?')

  test('withConfig({ callbacks }) receives the events of chain, prompt and model in their order', async () => {
    const handler = new LoggingHandler()
    const chain = prompt.pipe(chat()).withConfig({ callbacks: [handler] })
    await chain.invoke({ number: '2' })
    expect(handler.lines).toEqual(logged)
  })

  test('request callbacks receive the same events of all nested runs', async () => {
    const handler = new LoggingHandler()
    await prompt.pipe(chat()).invoke({ number: '2' }, { callbacks: [handler] })
    expect(handler.lines).toEqual(logged)
  })
})

describe('3: a token handler on the model', () => {
  class MyCustomHandler implements CallbackMethods {
    readonly tokens: string[] = []
    onLlmNewToken(token: string): void {
      this.tokens.push(token)
    }
  }
  const prompt = ChatPromptTemplate.fromMessages(['Tell me a joke about {animal}'])

  test.each([true, false])('invoke() with streaming: %s emits tokens only if it is true', async (streaming) => {
    const handler = new MyCustomHandler()
    const answer = await prompt.pipe(chat({ streaming, callbacks: [handler] })).invoke({ animal: 'bears' })
    expect(handler.tokens.join('')).toBe(streaming ? answer.content : '')
    expect(handler.tokens.length > 3).toBe(streaming)
  })
})

describe('4: LLMChain', () => {
  const prompt = PromptTemplate.fromTemplate('1 + {number} = ')
  const chainOf = (options: { callbacks?: readonly CallbackMethods[]; verbose?: boolean } = {}) =>
    new LLMChain({ llm: chat(), prompt, ...options })

  test.each(['invoke', 'call', 'run', 'apply'] as const)(
    "%s(): constructor callbacks receive the chain's events, request callbacks also those below",
    async (method) => {
      const [own, all] = [recorder(), recorder()]
      const chain = chainOf({ callbacks: [own] })
      const options = { callbacks: [all] }
      if (method === 'apply') await chain.apply([{ number: '2' }], options)
      else await chain[method]({ number: '2' }, options)
      expect(own.trace()).toEqual(['S LLMChain', 'TXT Prompt after formatting:\n1 + 2 = ', 'E LLMChain'])
      expect(all.trace()).toEqual([
        'S LLMChain',
        'TXT Prompt after formatting:\n1 + 2 = ',
        'S ChatAnthropic<LLMChain',
        'E ChatAnthropic',
        'E LLMChain',
      ])
    },
  )

  test('the console handler prints the transcript as constructor callback, by verbose and as request callback', async () => {
    const printed = async (work: () => Promise<unknown>): Promise<string> => {
      const lines: string[] = []
      const log = vi.spyOn(console, 'log').mockImplementation((...parts: string[]) => void lines.push(parts.join('')))
      await work()
      log.mockRestore()
      return lines.join('\n')
    }
    const transcript = () => new ConsoleCallbackHandler({ style: 'transcript', color: false })
    const asLangChain = /> Entering new LLMChain chain\.\.\.[\s\S]*Prompt after formatting:\n1 \+ 2 = [\s\S]*> Finished chain\./
    const byConstructor = await printed(() => chainOf({ callbacks: [transcript()] }).invoke({ number: '2' }))
    const byVerbose = await printed(() => chainOf({ verbose: true }).invoke({ number: '2' }))
    const byRequest = await printed(() => chainOf().invoke({ number: '2' }, { callbacks: [transcript()] }))
    for (const text of [byConstructor, byVerbose, byRequest]) expect(text).toMatch(asLangChain)
  })
})

describe('5: sync and async handlers together', () => {
  test('events stay in order, both handlers are awaited, and the run completes', async () => {
    const log: string[] = []
    const sync: CallbackMethods = { onLlmNewToken: (token) => void log.push(`sync ${token}`), onLlmEnd: () => void log.push('sync end') }
    const asynchronous: CallbackMethods = {
      async onLlmStart() {
        log.push('async start …')
        await turn(30)
        log.push('async start done')
      },
      async onLlmEnd() {
        log.push('async end …')
        await turn(30)
        log.push('async end done')
      },
    }
    const model = chat({ streaming: true, maxTokens: 25, callbacks: [sync, asynchronous] })
    const { generations, usage } = await model.generate([[{ role: 'user', content: 'Tell me a joke' }], [['human', 'Hi']]])
    expect(generations.map(({ length }) => length)).toEqual([1, 1])
    expect(generations[0]?.[0]).toMatchObject({ text: expect.any(String), message: { role: 'assistant' } })
    expect(usage).toMatchObject({ requests: 2, totalTokens: expect.any(Number) })
    for (const word of ['async start …', 'async start done', 'sync end', 'async end …', 'async end done']) {
      expect(log.filter((line) => line === word)).toHaveLength(2)
    }
    expect(log.findIndex((line) => line.startsWith('sync '))).toBeGreaterThan(log.indexOf('async start done'))
  })
})

describe('6: several handlers, and an agent', () => {
  test("a request's handler receives all events, the model's handler only the model's", async () => {
    const [one, two] = [recorder(), recorder()]
    const llm = scriptedModel(
      [
        ' I need a calculator.\nAction: Calculator\nAction Input: What is 2 raised to the 0.235 power?',
        '```text\n2 ** 0.235\n```',
        ' I know.\nFinal Answer: 1.1769067372187674',
      ],
      { streaming: true, callbacks: [two] },
    )
    const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm, { agentType: 'zero-shot-react-description' })
    expect(await agent.run('What is 2 raised to the 0.235 power?', { callbacks: [one] })).toBe('1.1769067372187674')
    one.check()
    expect(one.trace().filter((line) => /^[SEAF]\b/.test(line))).toEqual([
      'S AgentExecutor',
      'S LLMChain<AgentExecutor',
      'S ScriptedModel<LLMChain',
      'E ScriptedModel',
      'E LLMChain',
      'A Calculator',
      'S Calculator<AgentExecutor',
      'S LLMMathChain<Calculator',
      'S LLMChain<LLMMathChain',
      'S ScriptedModel<LLMChain',
      'E ScriptedModel',
      'E LLMChain',
      'E LLMMathChain',
      'E Calculator',
      'S LLMChain<AgentExecutor',
      'S ScriptedModel<LLMChain',
      'E ScriptedModel',
      'E LLMChain',
      'F',
      'E AgentExecutor',
    ])
    expect(new Set(two.events.map(({ run }) => run.kind))).toEqual(new Set(['chat_model']))
  })
})

describe('7: tags and metadata', () => {
  const prompt = PromptTemplate.fromTemplate('1 + {number} = ')

  test.each(['invoke', 'run', 'apply', 'batch'] as const)(
    "%s(): the constructor's apply to its own runs, the request's to all runs",
    async (method) => {
      const recorded = recorder()
      const chain = new LLMChain({ llm: chat({ tags: ['model'] }), prompt, tags: ['chain'], metadata: { team: 'sums' } })
      const options = { callbacks: [recorded], tags: ['request'], metadata: { user: 'u1' } }
      if (method === 'apply' || method === 'batch') await chain[method]([{ number: '2' }, { number: '3' }], options)
      else await chain[method]({ number: '2' }, options)
      expect(recorded.events.length).toBeGreaterThan(4)
      for (const { run } of recorded.events) {
        expect(run.tags).toEqual(run.kind === 'chain' ? ['request', 'chain'] : ['request', 'model'])
        expect(run.metadata).toEqual({ user: 'u1', ...(run.kind === 'chain' && { team: 'sums' }) })
      }
    },
  )

  test('withFilter() logs the runs of one chain, selected by a tag', async () => {
    const events: RunEvent[] = []
    const log = withFilter((event: RunEvent) => void events.push(event), { tags: ['sums'] })
    const sums = new LLMChain({ llm: chat(), prompt }).withConfig({ tags: ['sums'] })
    const others = new LLMChain({ llm: chat(), prompt })
    await Promise.all([sums.run('1', { callbacks: [log] }), others.run('2', { callbacks: [log] }), sums.run('3', { callbacks: [log] })])
    const roots = new Set(events.map(({ run }) => run.rootId))
    expect(roots.size).toBe(2)
    expect(events.every(({ run }) => run.tags.includes('sums'))).toBe(true)
  })
})

describe('8: the other events', () => {
  test('handlers receive texts, retriever, retry and custom events, and errors at each level', async () => {
    const lines: string[] = []
    const handler: CallbackMethods = {
      onRetrieverStart: (query) => void lines.push(`retriever ${String(query)}`),
      onRetrieverEnd: (documents) => void lines.push(`found ${(documents as unknown[]).length}`),
      onText: (text) => void lines.push(`text ${text}`),
      onCustomEvent: (data, { name }) => void lines.push(`${name} ${String(data)}`),
      onRetry: (attempt) => void lines.push(`retry ${attempt}`),
      onLlmError: (error) => void lines.push(`llm ${(error as ModelError).status}`),
      onChainError: (error, { run }) => void lines.push(`${run.name} ${(error as ModelError).status}`),
    }
    const refusal = { status: 401, body: JSON.stringify(anthropicJson({ error: { type: 'authentication_error', message: 'No.' } })) }
    const model = chat({ fetch: faultyFetch(refusal), maxRetries: 0 })
    const retriever = new InMemoryRetriever({ documents: [{ pageContent: 'Bears eat honey.' }] })
    const chain = lambda(
      async (question: string, context) => {
        await retriever.invoke(question, context)
        await context.emit({ type: 'text', text: 'asking' })
        await context.emit({ type: 'custom', name: 'progress', data: 50 })
        return retry(model, { attempts: 2, delay: 0 })
      },
      { name: 'Outer' },
    ).pipe(new StringOutputParser())
    await expect(chain.invoke('honey', { callbacks: [handler] })).rejects.toBeInstanceOf(ModelError)
    expect(lines).toEqual([
      'retriever honey',
      'found 1',
      'text asking',
      'progress 50',
      'llm 401',
      'retry 1',
      'llm 401',
      'RunnableRetry 401',
      'Outer 401',
      'RunnableSequence 401',
    ])
  })
})
