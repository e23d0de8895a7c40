import {
  ChatPromptTemplate,
  type Delta,
  type Handler,
  lambda,
  ModelError,
  type Run,
  type RunEvent,
  retry,
  StringOutputParser,
  TimeoutError,
  UserStop,
} from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type LogRecord, type LogStore, logHandler, MemoryLogStore, withoutContent } from 'chaintap/log'
import { exportLog } from 'chaintap/log-export'
import { offlineFetch, scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logMessage, run } from '../../contracts/log-store.ts'
import { linesOf, type ReadSpan } from './otlp-traces.ts'
import { exported, logs, recordsIn, storeOf } from './samples.ts'

type Options = Omit<NonNullable<Parameters<typeof exportLog>[1]>, 'format'>

const traces = async (store: Pick<LogStore, 'read'>, options?: Options): Promise<readonly (readonly ReadSpan[])[]> =>
  linesOf(await exported(store, { format: 'otlp', ...options }))
const spansIn = async (store: Pick<LogStore, 'read'>, options?: Options): Promise<readonly ReadSpan[]> =>
  (await traces(store, options)).flat()
const spansOf = async (records: readonly LogRecord[], options?: Options): Promise<readonly ReadSpan[]> =>
  spansIn(await storeOf(records), options)

/** Runs a program with a log handler; returns the log. */
async function logged(program: (log: Handler) => Promise<unknown>): Promise<LogStore> {
  const store = new MemoryLogStore()
  await program(logHandler(store)).catch(() => {})
  await store.flush()
  return store
}

function named(spans: readonly ReadSpan[], name: string): ReadSpan {
  const [found, ...others] = spans.filter((span) => span.name === name)
  if (!found || others.length > 0)
    throw new Error(`${others.length + (found ? 1 : 0)} spans ${name} of ${spans.map(({ name }) => name).join(', ')}`)
  return found
}

const NOW = 1_795_277_000_000
const ids = [
  '019aa4a0-4d00-7abc-8def-00000000000a',
  '019aa4a0-4d00-7abc-8def-00000000000b',
  '019aa4a0-4d00-7abc-8def-00000000000c',
] as const
const root = run(ids[0], { name: 'joke' })
const model = run(ids[1], {
  name: 'ChatAnthropic',
  kind: 'chat_model',
  parentId: ids[0],
  rootId: ids[0],
  tags: ['a', 'b'],
  metadata: { user: 7, plan: { name: 'pro' }, rate: 0.5, 'is new': true },
})
const messages = [
  { role: 'system', content: 'Be funny.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'Bears?' },
      { type: 'image', data: 'AAAA', mediaType: 'image/png' },
      { type: 'image', url: 'data:image/gif;base64,BBBB' },
      { type: 'image', url: 'https://example.com/bear.png' },
      { type: 'block', provider: 'anthropic', block: { type: 'document' } },
    ],
  },
] as const
const answer = {
  role: 'assistant',
  content: [
    { type: 'reasoning', text: 'Hm.' },
    { type: 'text', text: 'Look:' },
  ],
  toolCalls: [{ id: 'call_1', name: 'find', args: { what: 'bears' } }],
  stopReason: 'tool_use',
} as const
const usage = {
  inputTokens: 20,
  outputTokens: 9,
  cacheReadTokens: 8,
  cacheWriteTokens: 4,
  reasoningTokens: 3,
  source: 'provider',
  cost: 1,
} as const
const answered = { id: 'msg_1', model: 'claude-opus-5', url: 'https://api.anthropic.com' }

/** A chain with a model. */
const chat: readonly RunEvent[] = [
  { run: root, at: NOW, seq: 0, type: 'start', input: { animal: 'bears' } },
  { run: model, at: NOW + 1, seq: 1, type: 'start', input: messages },
  { run: model, at: NOW + 251, seq: 2, type: 'token', token: 'Look' },
  { run: model, at: NOW + 300.25, seq: 3, type: 'token', token: ':' },
  { run: model, at: NOW + 400, seq: 4, type: 'end', output: answer, usage, answered },
  { run: root, at: NOW + 401, seq: 5, type: 'end', output: 'Look:' },
]

describe('exportLog() as otlp: the spans of a chain', () => {
  test('are written as one line, with ids derived from the runs', async () => {
    const lines = await traces(await storeOf(chat))
    expect(lines.map((spans) => spans.map(({ name }) => name))).toEqual([['chat claude-opus-5', 'invoke_workflow joke']])
    const [chatSpan, rootSpan] = lines.flat()
    expect(rootSpan).toMatchObject({ traceId: '019aa4a04d007abc8def00000000000a', spanId: '8def00000000000a', kind: 1 })
    expect(rootSpan).not.toHaveProperty('parentSpanId')
    expect(chatSpan).toMatchObject({
      traceId: '019aa4a04d007abc8def00000000000a',
      spanId: '8def00000000000b',
      parentSpanId: '8def00000000000a',
      kind: 3,
      startTimeUnixNano: '1795277000001000000',
      endTimeUnixNano: '1795277000400000000',
      events: [],
    })
    expect(chatSpan).not.toHaveProperty('status')
  })

  test('have the attributes of the conventions and of chaintap', async () => {
    const [chatSpan, rootSpan] = await spansOf(chat)
    expect(chatSpan?.attributes).toEqual({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.response.model': 'claude-opus-5',
      'gen_ai.response.id': 'msg_1',
      'gen_ai.response.finish_reasons': ['tool_use'],
      'gen_ai.request.stream': true,
      'gen_ai.response.time_to_first_chunk': 0.25,
      'gen_ai.usage.input_tokens': 20,
      'gen_ai.usage.output_tokens': 9,
      'gen_ai.usage.cache_read.input_tokens': 8,
      'gen_ai.usage.cache_write.input_tokens': 4,
      'gen_ai.usage.reasoning.output_tokens': 3,
      'server.address': 'api.anthropic.com',
      'server.port': 443,
      'chaintap.usage.source': 'provider',
      'chaintap.usage.cost': 1,
      'chaintap.run.id': ids[1],
      'chaintap.run.name': 'ChatAnthropic',
      'chaintap.run.kind': 'chat_model',
      'chaintap.tags': ['a', 'b'],
      'chaintap.metadata.user': 7,
      'chaintap.metadata.plan': '{"name":"pro"}',
      'chaintap.metadata.rate': 0.5,
      'chaintap.metadata.is new': true,
    })
    expect(rootSpan?.attributes).toEqual({
      'gen_ai.operation.name': 'invoke_workflow',
      'gen_ai.workflow.name': 'joke',
      'chaintap.run.id': ids[0],
      'chaintap.run.name': 'joke',
      'chaintap.run.kind': 'chain',
    })
  })

  test('doubles are written as doubles even if they are integers', async () => {
    const text = await exported(await storeOf(chat), { format: 'otlp' })
    expect(text).toContain('{"key":"chaintap.usage.cost","value":{"doubleValue":1}}')
    expect(text).toContain('{"key":"gen_ai.usage.input_tokens","value":{"intValue":"20"}}')
  })

  test('have a resource with service.name and a scope with chaintap.semconv', async () => {
    const first = async (options?: Options) =>
      JSON.parse(await exported(await storeOf(chat), { format: 'otlp', ...options })).resourceSpans[0]
    const { resource, scopeSpans } = await first({ service: 'my page' })
    expect(resource).toEqual({ attributes: [{ key: 'service.name', value: { stringValue: 'my page' } }] })
    expect(scopeSpans[0].scope).toEqual({ name: 'chaintap', attributes: [{ key: 'chaintap.semconv', value: { stringValue: '2026-11' } }] })
    expect((await first()).resource.attributes[0].value.stringValue).toBe('unknown_service')
  })

  test('contain inputs and outputs with content: true, in the schemas of the conventions', async () => {
    const [chatSpan, rootSpan] = await spansOf(chat, { content: true })
    expect(JSON.parse(String(chatSpan?.attributes['gen_ai.input.messages']))).toEqual([
      { role: 'system', parts: [{ type: 'text', content: 'Be funny.' }] },
      {
        role: 'user',
        parts: [
          { type: 'text', content: 'Bears?' },
          { type: 'blob', modality: 'image', mime_type: 'image/png', content: 'AAAA' },
          { type: 'blob', modality: 'image', mime_type: 'image/gif', content: 'BBBB' },
          { type: 'uri', modality: 'image', uri: 'https://example.com/bear.png' },
          { type: 'block', provider: 'anthropic', block: { type: 'document' } },
        ],
      },
    ])
    expect(JSON.parse(String(chatSpan?.attributes['gen_ai.output.messages']))).toEqual([
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', content: 'Hm.' },
          { type: 'text', content: 'Look:' },
          { type: 'tool_call', id: 'call_1', name: 'find', arguments: { what: 'bears' } },
        ],
        finish_reason: 'tool_use',
      },
    ])
    expect(rootSpan?.attributes).toMatchObject({ 'chaintap.input': '{"animal":"bears"}', 'chaintap.output': 'Look:' })
  })
})

describe('exportLog() as otlp: runs and their outcome', () => {
  const prompt = ChatPromptTemplate.fromTemplate('About {animal}')

  test('steps of a chain are spans below the chain', async () => {
    const chain = prompt.pipe(scriptedModel(['Hello'])).pipe(new StringOutputParser())
    const store = await logged((log) => chain.invoke({ animal: 'bears' }, { callbacks: [log], runName: 'greet' }))
    const [lines] = [await traces(store)]
    expect(lines).toHaveLength(1)
    const spans = lines.flat()
    const top = named(spans, 'invoke_workflow greet')
    expect(spans.map(({ attributes }) => attributes['chaintap.run.kind'])).toEqual(['prompt', 'chat_model', 'parser', 'chain'])
    expect(spans.filter(({ parentSpanId }) => parentSpanId === top.spanId)).toHaveLength(3)
    expect(named(spans, 'ChatPromptTemplate').attributes).not.toHaveProperty('gen_ai.operation.name')
  })

  test('an agent and its tool have the operations invoke_agent and execute_tool', async () => {
    const agent = run('a', { name: 'helper', kind: 'agent' })
    const tool = run('t', { name: 'weather', kind: 'tool', parentId: 'a', rootId: 'a' })
    const retriever = run('r', { name: 'docs', kind: 'retriever', parentId: 't', rootId: 'a' })
    const records: readonly RunEvent[] = [
      { run: agent, at: NOW, seq: 0, type: 'start', input: 'Warm?' },
      { run: tool, at: NOW + 1, seq: 1, type: 'start', input: { id: 'call_7', name: 'weather', args: { city: 'Rome' } } },
      { run: retriever, at: NOW + 2, seq: 2, type: 'start', input: 'Rome' },
      { run: retriever, at: NOW + 3, seq: 3, type: 'end', output: [] },
      { run: tool, at: NOW + 4, seq: 4, type: 'end', output: { role: 'tool', content: '30 °C', toolCallId: 'call_7' } },
      { run: agent, at: NOW + 5, seq: 5, type: 'end', output: 'Yes.' },
    ]
    const spans = await spansOf(records, { content: true })
    const parent = named(spans, 'invoke_agent helper')
    expect(parent.attributes).toMatchObject({
      'gen_ai.agent.name': 'helper',
      'gen_ai.input.messages': '[{"role":"user","parts":[{"type":"text","content":"Warm?"}]}]',
      'gen_ai.output.messages': '[{"role":"assistant","parts":[{"type":"text","content":"Yes."}],"finish_reason":"stop"}]',
    })
    const used = named(spans, 'execute_tool weather')
    expect(used).toMatchObject({ kind: 1, parentSpanId: parent.spanId })
    expect(used.attributes).toMatchObject({
      'gen_ai.tool.name': 'weather',
      'gen_ai.tool.type': 'function',
      'gen_ai.tool.call.id': 'call_7',
      'gen_ai.tool.call.arguments': '{"city":"Rome"}',
      'gen_ai.tool.call.result': '30 °C',
    })
    expect(named(spans, 'retrieval docs')).toMatchObject({
      parentSpanId: used.spanId,
      attributes: { 'gen_ai.retrieval.query.text': 'Rome' },
    })
    expect(named(await spansOf(records), 'execute_tool weather').attributes).not.toHaveProperty('gen_ai.tool.call.arguments')
  })

  test('a tool-calling agent has gen_ai.conversation.id and the ids of its tool calls', async () => {
    const weather = tool((city: string) => `18 °C in ${city}`, { name: 'weather', description: 'The weather.' })
    const asks: readonly Delta[] = [
      { type: 'tool-call', index: 0, id: 'call_0', name: 'weather' },
      { type: 'tool-call', index: 0, args: '{"input":"Paris"}' },
      { type: 'stop', reason: 'tool_use' },
    ]
    const agent = initializeAgent([weather], scriptedModel([asks, ['18 °C']]), { agentType: 'tool-calling' })
    const store = await logged((log) => agent.invoke('Paris?', { callbacks: [log], metadata: { thread_id: 't1' } }))
    const spans = await spansIn(store, { content: true })
    const top = named(spans, 'invoke_agent AgentExecutor')
    expect(spans.map(({ name }) => name)).toEqual(['chat', 'execute_tool weather', 'chat', 'invoke_agent AgentExecutor'])
    expect(spans.map(({ attributes }) => attributes['gen_ai.conversation.id'])).toEqual(['t1', 't1', 't1', 't1'])
    expect(spans.map(({ parentSpanId }) => parentSpanId)).toEqual([top.spanId, top.spanId, top.spanId, undefined])
    expect(named(spans, 'execute_tool weather').attributes).toMatchObject({
      'gen_ai.tool.call.id': 'call_0',
      'gen_ai.tool.call.result': '18 °C in Paris',
    })
    expect(spans[0]?.attributes['gen_ai.response.finish_reasons']).toEqual(['tool_use'])
  })

  test('a model run has time_to_first_chunk only if it was streamed', async () => {
    const anthropic = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true })
    const store = await logged(async (log) => {
      await anthropic.stream('1 + 2', { callbacks: [log] }).drain()
      await anthropic.invoke('1 + 2', { callbacks: [log] })
    })
    const [streamed, whole] = await spansIn(store)
    for (const span of [streamed, whole]) {
      expect(span).toMatchObject({
        name: 'chat offline',
        attributes: {
          'gen_ai.provider.name': 'anthropic',
          'gen_ai.response.model': 'offline',
          'gen_ai.response.finish_reasons': ['end_turn'],
          'server.address': 'api.anthropic.com',
          'chaintap.usage.source': 'provider',
        },
      })
      expect(span?.attributes['gen_ai.usage.output_tokens']).toBeGreaterThan(0)
    }
    expect(streamed?.attributes['gen_ai.response.time_to_first_chunk']).toBeGreaterThanOrEqual(0)
    expect(whole?.attributes).not.toHaveProperty('gen_ai.request.stream')
  })

  const failing = (error: unknown): readonly RunEvent[] => [
    ...chat.slice(0, 3),
    {
      run: model,
      at: NOW + 9,
      seq: 3,
      type: 'error',
      error,
      partial: { role: 'assistant', content: 'Look' },
      usage: { outputTokens: 1, source: 'partial' },
    },
    { run: root, at: NOW + 10, seq: 4, type: 'error', error, partial: undefined },
  ]

  test('failed runs have an error.type; the exception is written once, in the run where it occurred', async () => {
    const error = new ModelError('http', 'Too much of "bears".', {
      status: 529,
      providerType: 'overloaded_error',
      cause: new TypeError('socket'),
    })
    const [chatSpan, rootSpan] = await spansOf(failing(error))
    expect(chatSpan).toMatchObject({
      name: 'chat',
      status: { code: 2 },
      attributes: { 'error.type': 'overloaded_error', 'chaintap.usage.source': 'partial', 'gen_ai.usage.output_tokens': 1 },
      events: [{ name: 'exception', timeUnixNano: '1795277000009000000', attributes: { 'exception.type': 'ModelError' } }],
    })
    expect(rootSpan).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': 'overloaded_error' }, events: [] })
    expect(JSON.stringify([chatSpan, rootSpan])).not.toContain('bears')
    const [whole] = await spansOf(failing(error), { content: true })
    expect(whole?.status?.message).toContain('Too much of "bears".')
    expect(whole?.events[0]?.attributes['exception.message']).toBe('Too much of "bears".\n  caused by TypeError: socket')
    expect(whole?.attributes['gen_ai.output.messages']).toBe(
      '[{"role":"assistant","parts":[{"type":"text","content":"Look"}],"finish_reason":"error"}]',
    )
  })

  test.each([
    ['an HTTP status', new ModelError('http', 'no', { status: 500 }), '500'],
    ['the code of a ChaintapError', new ModelError('network', 'no'), 'network'],
    ['the name of a class', new RangeError('no'), 'RangeError'],
    ['_OTHER for a thrown string', 'no', '_OTHER'],
    ['the code of a timeout', new TimeoutError(), 'timeout'],
  ])('error.type is %s', async (_, error, type) => {
    const [chatSpan] = await spansOf(failing(error))
    expect(chatSpan).toMatchObject({ status: { code: 2 }, attributes: { 'error.type': type } })
  })

  test.each([
    [new UserStop(), 'user_stop'],
    [new DOMException('left', 'AbortError'), 'aborted'],
  ])('a stopped run has chaintap.stopped and no error status: %s', async (error, how) => {
    const spans = await spansOf(failing(error))
    expect(spans).toHaveLength(2)
    for (const span of spans) {
      expect(span).toMatchObject({ attributes: { 'chaintap.stopped': how }, events: [] })
      expect(span).not.toHaveProperty('status')
      expect(span.attributes).not.toHaveProperty('error.type')
    }
  })

  test('a run that was stopped by UserStop has chaintap.stopped', async () => {
    const store = await logged(async (log) => {
      const stream = scriptedModel([['Hel', 'lo', ' you']]).stream('hi', { callbacks: [log] })
      for await (const _ of stream) stream.stop()
    })
    const [span] = await spansIn(store)
    expect(span?.attributes).toMatchObject({ 'chaintap.stopped': 'user_stop', 'gen_ai.request.stream': true })
  })

  test('retries and custom events are written as span events', async () => {
    let calls = 0
    const flaky = retry(
      lambda((text: string, context) => {
        void context.emit({ type: 'custom', name: 'step', data: { of: text } })
        if (calls++ === 0) throw new RangeError(`no ${text}`)
        return text
      }),
      { attempts: 2 },
    )
    const store = await logged((log) => flaky.invoke('bears', { callbacks: [log] }))
    const text = await exported(store, { format: 'otlp' })
    expect(text).not.toContain('bears')
    const events = linesOf(text)
      .flat()
      .flatMap(({ events }) => events)
    expect(events.filter(({ name }) => name === 'step')).toHaveLength(2)
    expect(events.find(({ name }) => name === 'chaintap.retry')?.attributes).toMatchObject({
      'chaintap.attempt': 1,
      'error.type': 'RangeError',
    })
    const steps = (await spansIn(store, { content: true })).flatMap(({ events }) => events).filter(({ name }) => name === 'step')
    expect(steps[0]?.attributes).toEqual({ 'chaintap.data': '{"of":"bears"}' })
  })

  test('the same error after a recovered failure is written again', async () => {
    const child = (id: string): Run => run(id, { parentId: 'r', rootId: 'r', kind: 'tool' })
    const spans = await spansOf([
      { run: run('r'), at: 1, seq: 0, type: 'start', input: 1 },
      ...['x', 'y'].flatMap((id): readonly RunEvent[] => [
        { run: child(id), at: 2, seq: 1, type: 'start', input: 1 },
        { run: child(id), at: 3, seq: 2, type: 'error', error: new RangeError('no'), partial: undefined },
      ]),
      { run: run('r'), at: 4, seq: 5, type: 'error', error: new RangeError('no'), partial: undefined },
    ])
    expect(spans.map(({ events }) => events.length)).toEqual([1, 1, 0])
  })

  test('span events over the limit are dropped and counted', async () => {
    const steps = Array.from(
      { length: 200 },
      (_, i) => ({ run: root, at: NOW, seq: i + 1, type: 'custom', name: 'step', data: i }) as const,
    )
    const [span] = await spansOf([...chat.slice(0, 1), ...steps])
    expect(span?.events).toHaveLength(128)
    expect(span?.droppedEventsCount).toBe(72)
  })
})

describe('exportLog() as otlp: parts of a log', () => {
  test('an unfinished run ends at the last event of its tree and has chaintap.unfinished', async () => {
    const spans = await spansOf(chat.slice(0, 3))
    expect(spans).toHaveLength(2)
    for (const span of spans) {
      expect(span.attributes['chaintap.unfinished']).toBe(true)
      expect(span.endTimeUnixNano).toBe('1795277000251000000')
      expect(span).not.toHaveProperty('status')
    }
  })

  test('runs without a start event, and free records, have no span', async () => {
    expect(await exported(await storeOf([...chat.slice(2), logMessage('hello')]), { format: 'otlp' })).toBe('')
  })

  test('a run whose parent is not exported is below the root, or is a root itself', async () => {
    const middle = run('m', { parentId: ids[0], rootId: ids[0], kind: 'parser' })
    const below: Run = { ...model, parentId: 'm' }
    const store = await storeOf([
      ...chat.slice(0, 1),
      { run: middle, at: NOW, seq: 1, type: 'start', input: 1 },
      { run: below, at: NOW, seq: 2, type: 'start', input: 1 },
      { run: below, at: NOW, seq: 3, type: 'end', output: 1 },
    ])
    const [first] = await spansIn(store, { kind: ['chain', 'chat_model'] })
    expect(first).toMatchObject({ name: 'chat', parentSpanId: '8def00000000000a' })
    const [alone] = await spansIn(store, { runId: below.id })
    expect(alone).toMatchObject({ name: 'chat', traceId: '019aa4a04d007abc8def00000000000a' })
    expect(alone).not.toHaveProperty('parentSpanId')
  })

  test('interleaved trees are written as a line each, in the order of their ends', async () => {
    const at = (id: string, seq: number, what: object): RunEvent => ({ run: run(id), at: NOW, seq, ...what }) as unknown as RunEvent
    const lines = await traces(
      await storeOf([
        at('one', 0, { type: 'start', input: 1 }),
        at('two', 0, { type: 'start', input: 1 }),
        at('two', 1, { type: 'end', output: 1 }),
        at('three', 0, { type: 'start', input: 1 }),
        at('one', 1, { type: 'end', output: 1 }),
      ]),
    )
    expect(lines.map((spans) => spans.map(({ name }) => name))).toEqual(['two', 'one', 'three'].map((id) => [`invoke_workflow ${id}`]))
    expect(new Set(lines.flat().map(({ traceId }) => traceId)).size).toBe(3)
  })

  test('if unfinished runs exceed the buffer, ended spans are written and content is dropped and counted', async () => {
    const store = new MemoryLogStore({ limit: 4_000_000 })
    const big = (id: string, parentId: string): Run => run(id, { parentId, rootId: 'r', kind: 'tool' })
    await store.append([
      { run: run('r'), at: 1, seq: 0, type: 'start', input: 'x'.repeat(1_500_000) },
      { run: big('a', 'r'), at: 1, seq: 1, type: 'start', input: 'y'.repeat(1_500_000) },
      { run: big('a', 'r'), at: 1, seq: 2, type: 'end', output: 1 },
      { run: big('b', 'r'), at: 1, seq: 3, type: 'start', input: 'z'.repeat(1_500_000) },
      { run: big('b', 'r'), at: 1, seq: 4, type: 'end', output: 1 },
      { run: run('r'), at: 2, seq: 5, type: 'end', output: 'done' },
    ])
    const lines = await traces(store, { content: true })
    expect(lines.map((spans) => spans.map(({ name }) => name))).toEqual([['execute_tool a'], ['execute_tool b', 'invoke_workflow r']])
    const top = lines[1]?.[1]
    expect(top?.droppedAttributesCount).toBe(1)
    expect(top?.attributes).toMatchObject({ 'chaintap.output': 'done' })
    expect(top?.attributes).not.toHaveProperty('chaintap.input')
    for (const span of lines.flat().slice(0, 2)) expect(span.parentSpanId).toBe(top?.spanId)
  })

  test('the log is read no further than the stream is read (P6)', async () => {
    let made = 0
    const events = (i: number): RunEvent => {
      const common = { run: run(`r${i >> 1}`), at: i, seq: i & 1 }
      return i % 2 === 0 ? { ...common, type: 'start', input: 1 } : { ...common, type: 'end', output: 1 }
    }
    const read: LogStore['read'] = () =>
      new ReadableStream(
        { pull: (controller) => controller.enqueue({ id: `${made}`, cursor: `${made}`, at: made, level: 'debug', event: events(made++) }) },
        { highWaterMark: 0 },
      )
    const reader = exportLog({ read }, { format: 'otlp' }).getReader()
    expect(made).toBe(0)
    await reader.read()
    expect(made).toBeGreaterThan(0)
    expect(made).toBeLessThan(1_000)
    await reader.cancel()
  })

  test('if there are more unfinished trees than the limit, the oldest are written', async () => {
    const starts = Array.from({ length: 10_002 }, (_, i): RunEvent => ({ run: run(`r${i}`), at: i + 1, seq: 0, type: 'start', input: 1 }))
    const late: RunEvent = { run: run('r0'), at: 20_000, seq: 1, type: 'end', output: 1 }
    const store = new MemoryLogStore({ retain: { maxRecords: 20_000 } })
    await store.append([...starts, late])
    const spans = await spansIn(store)
    expect(spans).toHaveLength(10_002)
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(10_002)
    expect(spans[0]?.attributes).toMatchObject({ 'chaintap.run.id': 'r0', 'chaintap.unfinished': true })
  })
})

describe('exportLog() as otlp: arbitrary logs', () => {
  const startsIn = (records: readonly LogRecord[]): readonly RunEvent[] =>
    records.flatMap((record) => ('run' in record && record.type === 'start' ? [record] : []))

  test('every run with a start event is one span of its trace, with ordered times', async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.boolean(), async (records, content) => {
        const store = await storeOf(records)
        const spans = await spansIn(store, { content })
        const stored = startsIn(await recordsIn(store))
        expect(spans).toHaveLength(stored.length)
        expect(new Set(spans.map(({ attributes }) => attributes['chaintap.run.id']))).toEqual(new Set(stored.map(({ run }) => run.id)))
        const keys = new Set(spans.map(({ traceId, spanId }) => `${traceId} ${spanId}`))
        expect(keys.size).toBe(spans.length)
        for (const { traceId, parentSpanId, startTimeUnixNano, endTimeUnixNano, events, attributes } of spans) {
          const of = stored.find(({ run }) => run.id === attributes['chaintap.run.id'])?.run
          expect(parentSpanId === undefined).toBe(of?.parentId === undefined)
          if (parentSpanId !== undefined) expect(keys.has(`${traceId} ${parentSpanId}`)).toBe(true)
          expect(BigInt(endTimeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true)
          for (const { timeUnixNano } of events) expect(BigInt(timeUnixNano) >= BigInt(startTimeUnixNano)).toBe(true)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('no content is written without content: true', async () => {
    const mark = 'CONTENT'
    const error = new Error(mark, { cause: new Error(mark) })
    const markedContent: Readonly<Record<string, object>> = {
      start: { input: [mark] },
      token: { token: mark },
      delta: { delta: { type: 'reasoning', text: mark } },
      custom: { data: { [mark]: mark } },
      text: { text: mark },
      error: { error, partial: mark },
    }
    const marked = (record: LogRecord): LogRecord =>
      'run' in record ? { ...record, ...markedContent[record.type] } : { ...record, message: mark }
    await fc.assert(
      fc.asyncProperty(logs, async (records) => {
        const failed: RunEvent = { run: model, at: NOW, seq: 2, type: 'error', error, partial: mark }
        const store = await storeOf([...records.map(marked), ...chat.slice(0, 2), failed])
        expect(await exported(store, { format: 'otlp' })).not.toContain(mark)
        expect(await exported(store, { format: 'otlp', content: true })).toContain(mark)
      }),
      { numRuns: 50 },
    )
  })

  test('a log without content has spans too', async () => {
    const store = new MemoryLogStore({ keep: withoutContent() })
    await store.append(chat)
    const [chatSpan] = await spansIn(store, { content: true })
    expect(chatSpan).toMatchObject({ name: 'chat claude-opus-5', attributes: { 'gen_ai.usage.input_tokens': 20 } })
  })

  test('times out of range, empty names and malformed imported values give valid spans', async () => {
    const odd = { ...root, name: '', metadata: { '': Number.NaN, big: 2n ** 70n, none: undefined, list: ['\ud83d'] } }
    const spans = await spansOf(
      [
        { run: odd, at: -5, seq: 0, type: 'start', input: 1 },
        { run: { ...model, name: '\ud83d' }, at: 1e300, seq: 1, type: 'start', input: [{ role: 'user', content: [null] }] as never },
        {
          run: { ...model, name: '\ud83d' },
          at: 5,
          seq: 2,
          type: 'end',
          output: { role: 'assistant', content: '', toolCalls: [null] },
          usage: { inputTokens: 'x' } as never,
          answered: { model: {}, url: 'none' } as never,
        },
        { run: odd, at: 6, seq: 3, type: 'end', output: 1 },
      ],
      { content: true },
    )
    expect(spans).toHaveLength(2)
    const top = named(spans, 'invoke_workflow')
    expect(top).toMatchObject({ startTimeUnixNano: '0', endTimeUnixNano: '6000000' })
    expect(top.attributes).toMatchObject({ 'chaintap.metadata.': 'NaN', 'chaintap.metadata.list': '["\\ud83d"]' })
  })

  test.each([
    ['https://my.openai.azure.com/openai', 'azure.ai.openai', 443],
    ['http://localhost:11434/v1', 'ollama', 11_434],
    ['http://[::1]/v1', '_OTHER', 80],
    ['https://eu-aiplatform.googleapis.com', 'gcp.vertex_ai', 443],
    ['https://api.x.ai/v1', 'x_ai', 443],
    ['https://evilopenai.com', '_OTHER', 443],
  ])('the provider at %s is %s', async (url, provider, port) => {
    const custom = { ...model, name: 'mine' }
    const [span] = await spansOf([
      { run: custom, at: 1, seq: 0, type: 'start', input: 'x' },
      { run: custom, at: 2, seq: 1, type: 'end', output: 'y', answered: { url } },
    ])
    expect(span?.attributes).toMatchObject({ 'gen_ai.provider.name': provider, 'server.port': port })
  })
})
