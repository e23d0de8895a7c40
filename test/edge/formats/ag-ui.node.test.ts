// Reads the stream with AG-UI's own packages: the events with its schemas, the messages with its client.
import { type Message as AgUiMessage, HttpAgent } from '@ag-ui/client'
import { EventSchema, RunAgentInputSchema } from '@ag-ui/core/schemas'
import { type Delta, lambda, ModelError, type RunContext, type Runnable, StringOutputParser, textOf } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { type ServeOptions, serve, toResponse } from 'chaintap/edge'
import { scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'

type Event = { readonly type: string } & Record<string, unknown>
type Served = Runnable<never, unknown, unknown>

const asked = (...messages: readonly object[]): object => ({
  threadId: 'thread',
  runId: 'run',
  messages: messages.length > 0 ? messages : [{ id: 'm', role: 'user', content: 'hi' }],
  tools: [],
  context: [],
  state: {},
  forwardedProps: {},
})

const ask = (chain: Served, body: object = asked(), options: ServeOptions = {}): Promise<Response> =>
  serve(chain, options)(
    new Request('https://app.example/api', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify(body),
    }),
    {},
  )

/** Parses the events with the protocol's schema. */
async function eventsOf(response: Response): Promise<readonly Event[]> {
  expect(response.headers.get('content-type')).toMatch('text/event-stream')
  const frames = (await response.text()).trimEnd().split('\n\n')
  return frames.map((frame) => {
    const event = JSON.parse(frame.replace(/^data: /, '')) as Event
    const checked = EventSchema.safeParse(event)
    expect(checked.error, frame).toBeUndefined()
    return event
  })
}

const typesOf = async (chain: Served): Promise<readonly string[]> => (await eventsOf(await ask(chain))).map(({ type }) => type)

/** Creates an agent of AG-UI's client for a chain. It checks the order of events and rejects if it is invalid. */
function agentOf(chain: Served, options: ServeOptions = {}): HttpAgent {
  const handler = serve(chain, options)
  return new HttpAgent({
    url: 'https://app.example/api',
    threadId: 'thread',
    initialMessages: [{ id: 'm', role: 'user', content: 'hi' }],
    fetch: (url, init) => handler(new Request(String(url), init), {}),
  })
}

async function messagesOf(chain: Served, options: ServeOptions = {}): Promise<readonly AgUiMessage[]> {
  const warn = vi.spyOn(console, 'warn')
  const { newMessages } = await agentOf(chain, options).runAgent()
  // The client logs a warning for unknown events.
  expect(warn).not.toHaveBeenCalled()
  return newMessages
}

afterEach(() => vi.restoreAllMocks())

const weather = tool(({ city }) => ({ city, degrees: 18 }), {
  name: 'weather',
  description: 'The weather in a city.',
  schema: z.object({ city: z.string() }),
})
const calling = (id: string, args: string): Delta => ({ type: 'tool-call', index: 0, id, name: 'weather', args })

describe('the ag-ui format, checked with AG-UI’s schemas and client', () => {
  it('contains text with the ids of the request, and the usage', async () => {
    const model = scriptedModel([
      { tokens: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2, cacheReadTokens: 1, reasoningTokens: 1 } },
    ])
    const chain = model.pipe(new StringOutputParser())
    const events = await eventsOf(await ask(chain))
    const [, , { messageId } = {} as Event] = events
    const ids = { threadId: 'thread', runId: 'run' }
    expect(events).toEqual([
      { type: 'RUN_STARTED', ...ids, protocolVersion: '1.0' },
      { type: 'STEP_STARTED', stepName: 'step 1' },
      { type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId, delta: 'Hel' },
      { type: 'TEXT_MESSAGE_CONTENT', messageId, delta: 'lo' },
      { type: 'TEXT_MESSAGE_END', messageId },
      { type: 'STEP_FINISHED', stepName: 'step 1' },
      {
        type: 'RUN_FINISHED',
        ...ids,
        outcome: { type: 'success' },
        usage: [{ inputTokens: 3, outputTokens: 2, totalTokens: 5, cachedInputTokens: 1, reasoningTokens: 1 }],
      },
    ])
    expect(await messagesOf(chain)).toMatchObject([{ role: 'assistant', content: 'Hello' }])
  })

  it('contains reasoning as separate messages', async () => {
    const model = scriptedModel([
      [
        { type: 'reasoning', text: 'Hm. ' },
        { type: 'reasoning', text: 'Yes.' },
        { type: 'text', text: 'a' },
      ],
    ])
    expect(await typesOf(model)).toEqual([
      'RUN_STARTED',
      'STEP_STARTED',
      'REASONING_START',
      'REASONING_MESSAGE_START',
      'REASONING_MESSAGE_CONTENT',
      'REASONING_MESSAGE_CONTENT',
      'REASONING_MESSAGE_END',
      'REASONING_END',
      'TEXT_MESSAGE_START',
      'TEXT_MESSAGE_CONTENT',
      'TEXT_MESSAGE_END',
      'STEP_FINISHED',
      'RUN_FINISHED',
    ])
    expect(await messagesOf(model)).toMatchObject([
      { role: 'reasoning', content: 'Hm. Yes.' },
      { role: 'assistant', content: 'a' },
    ])
  })

  it('contains an agent’s tool calls, tool results and steps', async () => {
    const agent = (): Served =>
      initializeAgent(
        [weather],
        scriptedModel((_, index) =>
          index === 0 ? ['Let me see.', calling('c', '{"city"'), calling('c', ':"Paris"}')] : ['It is ', '18 °C.'],
        ),
        { agentType: 'tool-calling' },
      )
    const options: ServeOptions = { fromMessages: (messages) => messages.map(textOf).join('') }
    const events = await eventsOf(await ask(agent(), asked(), options))
    const [text] = events.filter(({ type }) => type === 'TEXT_MESSAGE_START')
    expect(events).toContainEqual({
      type: 'TOOL_CALL_START',
      toolCallId: 'c',
      toolCallName: 'weather',
      parentMessageId: text?.messageId,
    })
    expect(events.filter(({ type }) => type.startsWith('STEP')).map(({ type, stepName }) => [type, stepName])).toEqual([
      ['STEP_STARTED', 'step 1'],
      ['STEP_FINISHED', 'step 1'],
      ['STEP_STARTED', 'step 2'],
      ['STEP_FINISHED', 'step 2'],
    ])
    expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'success' } })
    expect(events.at(-1)?.outcome).not.toHaveProperty('pendingToolCallIds')
    expect(await messagesOf(agent(), options)).toMatchObject([
      {
        role: 'assistant',
        content: 'Let me see.',
        toolCalls: [{ id: 'c', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }],
      },
      { role: 'tool', toolCallId: 'c', content: '{"city":"Paris","degrees":18}' },
      { role: 'assistant', content: 'It is 18 °C.' },
    ])
  })

  it('leaves a call of a client tool pending, and passes its result to the model in the next run', async () => {
    const model = scriptedModel((messages) => {
      const last = messages.at(-1)
      return last?.role === 'tool' ? [`The tool says ${textOf(last)}.`] : [calling('c', '{"city":"Paris"}')]
    })
    const agent = agentOf(model)
    const last = (await eventsOf(await ask(model))).at(-1)
    expect(last?.outcome).toEqual({ type: 'success', pendingToolCallIds: ['c'] })
    await agent.runAgent()
    agent.addMessage({ id: 't', role: 'tool', toolCallId: 'c', content: '18 °C' })
    await agent.runAgent()
    expect(agent.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
    expect(agent.messages.at(-1)?.content).toBe('The tool says 18 °C.')
  })

  it('contains tools that the chain runs itself, and failing tools', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const chain = lambda((_: unknown, context: RunContext) => weather.invoke({ city: 'Paris' }, context))
    const events = await eventsOf(await ask(chain))
    expect(events.filter(({ type }) => type.startsWith('TOOL')).map(({ type, delta, content }) => [type, delta ?? content])).toEqual([
      ['TOOL_CALL_START', undefined],
      ['TOOL_CALL_ARGS', '{"city":"Paris"}'],
      ['TOOL_CALL_END', undefined],
      ['TOOL_CALL_RESULT', '{"city":"Paris","degrees":18}'],
    ])
    expect(await messagesOf(chain)).toMatchObject([{ role: 'assistant' }, { role: 'tool' }])
    const failing = tool((): string => Promise.reject(new Error('secret')) as never, {
      name: 'f',
      description: 'Fails.',
      schema: z.object({}),
    })
    const failed = await eventsOf(await ask(lambda((_: unknown, context: RunContext) => failing.invoke({}, context).catch(() => 'done'))))
    const result = failed.find(({ type }) => type === 'TOOL_CALL_RESULT')
    expect(String(result?.content)).not.toContain('secret')
    expect(failed.at(-1)?.type).toBe('RUN_FINISHED')
  })

  it('sends object chunks as state, and custom events and citations as CUSTOM', async () => {
    const chain = lambda(async function* (_: unknown, context: RunContext) {
      void context.emit({ type: 'custom', name: 'progress', data: { done: 1 } })
      void context.emit({ type: 'custom', name: 'nothing', data: undefined })
      yield { bears: 1 }
      yield { bears: 2 }
    })
    const events = await eventsOf(await ask(chain))
    expect(events.filter(({ type }) => type === 'CUSTOM')).toEqual([
      { type: 'CUSTOM', name: 'progress', value: { done: 1 } },
      { type: 'CUSTOM', name: 'nothing', value: null },
    ])
    const agent = agentOf(chain)
    await agent.runAgent()
    expect(agent.state).toEqual({ bears: 2 })
    const citing: Delta = { type: 'citation', citation: { url: 'https://bears.example', title: 'Bears' } }
    expect(await eventsOf(await ask(scriptedModel([['a', citing]])))).toContainEqual({
      type: 'CUSTOM',
      name: 'source',
      value: { url: 'https://bears.example', title: 'Bears' },
    })
  })

  it('sends a failure as RUN_ERROR with a public message, after the output before it', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const failing = scriptedModel([{ tokens: ['a', calling('c', '{"ci')], error: new ModelError('http', 'xyzzy') }])
    const events = await eventsOf(await ask(failing))
    expect(events.find(({ type }) => type === 'TEXT_MESSAGE_CONTENT')?.delta).toBe('a')
    expect(events.at(-1)).toMatchObject({ type: 'RUN_ERROR', message: 'The model could not answer.', code: 'http' })
    const agent = agentOf(failing)
    const errors: unknown[] = []
    await agent.runAgent({}, { onRunErrorEvent: ({ event }) => void errors.push(event.message) }).catch(() => {})
    expect(errors).toEqual(['The model could not answer.'])
    const late = scriptedModel(['late'], { delayMs: 10_000 }).withConfig({ timeout: 5 })
    expect((await eventsOf(await ask(late))).at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'timeout' })
  })

  it('sends a stop as a cancelled run, after closing open messages', async () => {
    const slow = scriptedModel([['a', calling('c', '{"ci'), 'late']], { delayMs: 5 })
    const run = slow.events('hi')
    const frames = toResponse(run, { format: 'ag-ui' })
    const reader = frames.body?.getReader()
    let text = ''
    for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
      text += new TextDecoder().decode(read.value)
      if (text.includes('TOOL_CALL_ARGS')) run.stop()
    }
    const types = (await eventsOf(new Response(text, { headers: frames.headers }))).map(({ type }) => type)
    expect(types.slice(-3)).toEqual(['TOOL_CALL_END', 'STEP_FINISHED', 'RUN_FINISHED'])
    expect(text).toContain('"outcome":{"type":"cancelled"}')
    expect(text).toMatch(/"threadId":"(.+?)","runId":"\1"/)
  })

  it('is readable by AG-UI’s client for random model output', async () => {
    const delta: fc.Arbitrary<Delta> = fc.oneof(
      fc.record({ type: fc.constant('text' as const), text: fc.string() }),
      fc.record({ type: fc.constant('reasoning' as const), text: fc.string() }),
      fc.record({ type: fc.constant('tool-call' as const), index: fc.nat(2), args: fc.constantFrom('', '{', '}', '"a":1') }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(delta), async (output) => {
        const messages = await messagesOf(scriptedModel([output]))
        const textIn = (role: string): string =>
          messages.map((message) => (message.role === role && typeof message.content === 'string' ? message.content : '')).join('')
        const expected = (type: string): string => output.map((each) => (each.type === type && 'text' in each ? each.text : '')).join('')
        expect(textIn('assistant')).toBe(expected('text'))
        expect(textIn('reasoning')).toBe(expected('reasoning'))
      }),
      { numRuns: 50 },
    )
  })
})

describe('RunAgentInput', () => {
  const inputOf = async (...messages: readonly object[]): Promise<unknown> => {
    expect(RunAgentInputSchema.safeParse(asked(...messages)).error).toBeUndefined()
    let received: unknown
    const response = await ask(scriptedModel(['a']), asked(...messages), {
      fromMessages: (given) => {
        received = given
        return given
      },
    })
    await response.text()
    return received
  }
  const call = (id: string): object => ({ id, type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } })

  it('is converted to chat messages', async () => {
    const input = await inputOf(
      { id: '1', role: 'developer', content: 'Be brief.' },
      { id: '2', role: 'system', content: 'Be kind.' },
      {
        id: '3',
        role: 'user',
        content: [
          { type: 'text', text: 'Look:' },
          { type: 'image', source: { type: 'url', value: 'https://bears.example/a.png' } },
          { type: 'image', source: { type: 'data', value: 'AAAA', mimeType: 'image/png' } },
        ],
      },
      { id: '4', role: 'reasoning', content: 'Hm.' },
      { id: '5', role: 'activity', activityType: 'plan', content: {} },
      { id: '6', role: 'assistant', content: 'One moment.', toolCalls: [call('a'), call('b'), call('never answered')] },
      { id: '7', role: 'tool', toolCallId: 'a', content: '18 °C' },
      { id: '8', role: 'tool', toolCallId: 'b', content: '', error: 'no such city' },
      { id: '9', role: 'assistant', toolCalls: [call('neither')] },
    )
    expect(input).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'system', content: 'Be kind.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look:' },
          { type: 'image', url: 'https://bears.example/a.png' },
          { type: 'image', data: 'AAAA', mediaType: 'image/png' },
        ],
      },
      {
        role: 'assistant',
        content: 'One moment.',
        toolCalls: [
          { id: 'a', name: 'weather', args: { city: 'Paris' } },
          { id: 'b', name: 'weather', args: { city: 'Paris' } },
        ],
      },
      { role: 'tool', content: '18 °C', toolCallId: 'a' },
      { role: 'tool', content: 'no such city', toolCallId: 'b', isError: true },
    ])
  })

  it('its tools, state and context are passed to the function that returns the chain', async () => {
    let body: Readonly<Record<string, unknown>> = {}
    const handler = serve((_env, _request, made) => {
      body = made.body
      return scriptedModel(['a'])
    })
    const agent = new HttpAgent({
      url: 'https://app.example/api',
      initialState: { bears: 1 },
      fetch: (url, init) => handler(new Request(String(url), init), {}),
    })
    await agent.runAgent({
      tools: [{ name: 'weather', description: 'The weather.', parameters: { type: 'object' } }],
      context: [{ description: 'page', value: 'home' }],
      forwardedProps: { temperature: 0 },
    })
    expect(body).toMatchObject({
      state: { bears: 1 },
      tools: [{ name: 'weather', parameters: { type: 'object' } }],
      context: [{ description: 'page', value: 'home' }],
      forwardedProps: { temperature: 0 },
    })
  })

  const wrong: [string, object][] = [
    ['an unknown role', { id: 'm', role: 'narrator', content: 'hi' }],
    [
      'media other than images',
      { id: 'm', role: 'user', content: [{ type: 'audio', source: { type: 'url', value: 'https://a.example' } }] },
    ],
    ['invalid content', { id: 'm', role: 'user', content: 5 }],
  ]
  it.each(wrong)('is refused with 400: %s', async (_, message) => {
    const response = await ask(scriptedModel(['a']), asked(message))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: expect.any(String) })
  })

  it('is refused with 406 if the format is not served', async () => {
    expect((await ask(scriptedModel(['a']), asked(), { formats: ['events', 'openai'] })).status).toBe(406)
  })
})
