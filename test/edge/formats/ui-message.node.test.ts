// Reads the stream with the AI SDK: the parts with its schema, the message with its reader.

import { asSchema, DefaultChatTransport, readUIMessageStream, UI_MESSAGE_STREAM_HEADERS, type UIMessage, uiMessageChunkSchema } from 'ai'
import { type Delta, lambda, type RunContext, type Runnable, StringOutputParser, textOf } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { serve } from 'chaintap/edge'
import { scriptedModel } from 'chaintap/testing'
import { calculator, tool } from 'chaintap/tools'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'

type Part = { readonly type: string } & Record<string, unknown>

const ui = (text: string): object => ({ id: 'c', messages: [{ id: 'm', role: 'user', parts: [{ type: 'text', text }] }] })

async function answerOf(chain: Runnable<never, unknown, unknown>, body: object = ui('hi')): Promise<Response> {
  const request = new Request('https://app.example/api', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return serve(chain, { fromMessages: (messages) => (chain.kind === 'chat_model' ? messages : messages.map(textOf).join('')) })(request, {})
}

/** Parses the parts with the schema of `ai`. */
async function partsOf(response: Response): Promise<readonly Part[]> {
  const datas = (await response.text())
    .trimEnd()
    .split('\n\n')
    .map((frame) => frame.replace(/^data: /, ''))
  expect(datas.at(-1)).toBe('[DONE]')
  const parts = datas.slice(0, -1).map((data) => JSON.parse(data) as Part)
  for (const part of parts) {
    const checked = await asSchema(uiMessageChunkSchema).validate?.(part)
    expect(checked, JSON.stringify(part)).toMatchObject({ success: true })
  }
  return parts
}

/** Returns the message as useChat stores it. */
async function messageOf(response: Response): Promise<UIMessage | undefined> {
  const transport = new DefaultChatTransport({ fetch: async () => response })
  const stream = await transport.sendMessages({
    trigger: 'submit-message',
    chatId: 'c',
    messageId: undefined,
    messages: [],
    abortSignal: undefined,
  })
  let last: UIMessage | undefined
  for await (const message of readUIMessageStream({ stream, terminateOnError: true })) last = message
  return last
}

const both = async (make: () => Promise<Response>): Promise<[readonly Part[], UIMessage | undefined]> => [
  await partsOf(await make()),
  await messageOf(await make()),
]

const textIn = (message: UIMessage | undefined): string =>
  (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('')

afterEach(() => vi.restoreAllMocks())

describe('the ui-message format, read by the AI SDK', () => {
  it('has the headers that the AI SDK’s servers send', async () => {
    const { headers } = await answerOf(scriptedModel(['hi']))
    for (const [name, value] of Object.entries(UI_MESSAGE_STREAM_HEADERS)) expect(headers.get(name)).toBe(value)
  })

  it('contains text and usage', async () => {
    const model = scriptedModel([{ tokens: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }])
    const [parts, message] = await both(() => answerOf(model.pipe(new StringOutputParser())))
    expect(parts.map(({ type }) => type)).toEqual([
      'start',
      'start-step',
      'text-start',
      'text-delta',
      'text-delta',
      'text-end',
      'finish-step',
      'finish',
    ])
    expect(parts.at(-1)).toMatchObject({ finishReason: 'stop', messageMetadata: { usage: { inputTokens: 3, outputTokens: 2 } } })
    expect(message).toMatchObject({ role: 'assistant', parts: [{ type: 'step-start' }, { type: 'text', text: 'Hello', state: 'done' }] })
  })

  it('contains reasoning, sources and the finish reason', async () => {
    const output: Delta[] = [
      { type: 'reasoning', text: 'Let me ' },
      { type: 'reasoning', text: 'think.' },
      { type: 'text', text: 'Yes' },
      { type: 'citation', citation: { url: 'https://x.example', title: 'X' } },
      { type: 'text', text: '.' },
      { type: 'stop', reason: 'max_tokens' },
    ]
    for (const chain of [scriptedModel([output]), scriptedModel([output]).pipe(new StringOutputParser())]) {
      const [parts, message] = await both(() => answerOf(chain))
      expect(message?.parts).toMatchObject([
        { type: 'step-start' },
        { type: 'reasoning', text: 'Let me think.', state: 'done' },
        { type: 'text', text: 'Yes.' },
        { type: 'source-url', url: 'https://x.example', title: 'X' },
      ])
      expect(parts.at(-1)).toMatchObject({ finishReason: 'length' })
    }
  })

  it('contains an agent’s tool calls, their results, and its answer token by token, with a step for each turn', async () => {
    const weather = tool(
      ({ city }: { city: string }) => {
        if (city === 'Nowhere') throw new Error('no such city')
        return { city, degrees: 18 }
      },
      { name: 'weather', description: 'Weather.', schema: z.object({ city: z.string() }) },
    )
    const call = (index: number, city: string): Delta[] => [
      { type: 'tool-call', index, id: `call_${index}`, name: 'weather' },
      { type: 'tool-call', index, args: '{"city":' },
      { type: 'tool-call', index, args: JSON.stringify(city) },
      { type: 'tool-call', index, args: '}' },
    ]
    const model = (): ReturnType<typeof scriptedModel> =>
      scriptedModel((_, index) => (index === 0 ? ['Let me ', 'see.', ...call(0, 'Paris'), ...call(1, 'Nowhere')] : ['It is ', '18 °C.']))
    const agent = () => initializeAgent([weather], model(), { agentType: 'tool-calling' })
    const [parts, message] = await both(() => answerOf(agent()))
    expect(message?.parts).toMatchObject([
      { type: 'step-start' },
      { type: 'text', text: 'Let me see.' },
      {
        type: 'tool-weather',
        toolCallId: 'call_0',
        state: 'output-available',
        input: { city: 'Paris' },
        output: { city: 'Paris', degrees: 18 },
      },
      { type: 'tool-weather', toolCallId: 'call_1', state: 'output-error', input: { city: 'Nowhere' } },
      { type: 'step-start' },
      { type: 'text', text: 'It is 18 °C.' },
    ])
    expect(parts.filter(({ type }) => type === 'text-delta').map(({ delta }) => delta)).toEqual(['Let me ', 'see.', 'It is ', '18 °C.'])
  })

  it('contains a text-based agent’s tools, and only its answer as text', async () => {
    const llm = (): ReturnType<typeof scriptedModel> =>
      scriptedModel((_, index) =>
        index === 0 ? ['I need a calculator.\nAction: Calculator\nAction Input: 6 * 7'] : ['I now know.\nFinal Answer: It is ', '42.'],
      )
    const [, message] = await both(() => answerOf(initializeAgent([calculator], llm(), { agentType: 'zero-shot-react-description' })))
    expect(textIn(message)).toBe('It is 42.')
    expect(message?.parts.filter(({ type }) => type.startsWith('tool-'))).toMatchObject([{ state: 'output-available', output: '42' }])
  })

  it('omits runs inside a tool', async () => {
    const inner = scriptedModel([[{ type: 'reasoning', text: 'secret' }, 'inner']])
    const ask = tool((question: string, context: RunContext) => inner.invoke(question, context).then(() => 'asked'), {
      name: 'ask',
      description: 'Asks.',
    })
    const [parts] = await both(() => answerOf(lambda((question: string) => ask.pipe(lambda((output: string) => `${question}: ${output}`)))))
    expect(JSON.stringify(parts)).not.toContain('secret')
    expect(JSON.stringify(parts)).not.toContain('inner')
    expect(parts).toContainEqual(expect.objectContaining({ type: 'tool-output-available', output: 'asked' }))
  })

  it('contains partial objects and custom events as data', async () => {
    const chain = lambda(async function* (_: string, context: RunContext) {
      await context.emit({ type: 'custom', name: 'progress', data: { done: 1 } })
      yield { animal: 'b' }
      yield { animal: 'bear' }
    })
    const [, message] = await both(() => answerOf(chain))
    expect(message?.parts).toEqual([
      { type: 'step-start' },
      { type: 'data-progress', data: { done: 1 } },
      { type: 'data-output', id: 'output', data: { animal: 'bear' } },
    ])
  })

  it('contains null for an output or data that JSON does not have', async () => {
    for (const missing of [undefined, () => {}, Symbol('s')]) {
      const nothing = lambda(async () => missing as unknown)
      const [parts, message] = await both(() => answerOf(nothing))
      expect(parts).toContainEqual({ type: 'data-output', id: 'output', data: null })
      expect(message?.parts.at(-1)).toMatchObject({ type: 'data-output', data: null })
      const between = lambda(async function* (_: string, context: RunContext) {
        yield 'Hello'
        await context.emit({ type: 'custom', name: 'ping', data: missing })
        yield missing
        yield ' you'
      })
      const [, whole] = await both(() => answerOf(between))
      expect(textIn(whole)).toBe('Hello you')
      expect(whole?.parts).toContainEqual({ type: 'data-ping', data: null })
    }
  })

  it('finishes with tool-calls exactly if calls are pending and nothing else ended the response', async () => {
    const call: Delta = { type: 'tool-call', index: 0, id: 'call_a', name: 'where', args: '{}' }
    const finishReasonOf = async (chain: Runnable<never, unknown, unknown>): Promise<unknown> =>
      (await partsOf(await answerOf(chain))).at(-1)?.finishReason
    const stop = (reason: string): Delta => ({ type: 'stop', reason })
    for (const [output, expected] of [
      [[call], 'tool-calls'],
      [[call, stop('stop')], 'tool-calls'],
      [[call, stop('tool_calls')], 'tool-calls'],
      [[call, stop('max_tokens')], 'length'],
      [[call, stop('refusal')], 'content-filter'],
      [['Hi'], 'stop'],
    ] as const) {
      expect(await finishReasonOf(scriptedModel([output]))).toBe(expected)
      expect(await finishReasonOf(scriptedModel([output]).pipe(new StringOutputParser()))).toBe(expected)
    }
    const where = tool(() => 'Paris', { name: 'where', description: 'Where?', schema: z.object({}) })
    const model = scriptedModel((_, index) => (index === 0 ? [call, stop('tool_use')] : ['In Paris.']))
    expect(await finishReasonOf(initializeAgent([where], model, { agentType: 'tool-calling' }))).toBe('stop')
  })

  it('contains an error after the tokens before it', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const failing = scriptedModel([{ tokens: ['a', 'b'], error: new Error('xyzzy') }])
    const parts = await partsOf(await answerOf(failing))
    expect(parts.slice(-4)).toMatchObject([
      { type: 'text-end' },
      { type: 'error', errorText: 'Something went wrong on the server.' },
      { type: 'finish-step' },
      { type: 'finish', finishReason: 'error' },
    ])
    await expect(messageOf(await answerOf(failing))).rejects.toThrow('Something went wrong on the server.')
  })

  it('contains a stop from outside', async () => {
    const late = scriptedModel(['late'], { delayMs: 10_000 }).withConfig({ timeout: 5 })
    expect((await partsOf(await answerOf(late))).at(-1)).toEqual({ type: 'abort', reason: 'ScriptedModel took longer than 5 ms.' })
  })

  it('is read unchanged for random model output', async () => {
    const delta = fc.oneof(
      fc.string().map((text): Delta => ({ type: 'text', text })),
      fc.string().map((text): Delta => ({ type: 'reasoning', text })),
      fc.record({
        type: fc.constant('tool-call' as const),
        index: fc.nat(2),
        id: fc.constantFrom('a', 'b'),
        name: fc.constant('t'),
        args: fc.json(),
      }),
      fc.constant<Delta>({ type: 'break' }),
      fc.webUrl().map((url): Delta => ({ type: 'citation', citation: { url } })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(delta, { maxLength: 20 }), async (output) => {
        const [, message] = await both(() => answerOf(scriptedModel([output])))
        const joined = (type: 'text' | 'reasoning'): string => output.map((each) => (each.type === type ? each.text : '')).join('')
        expect(textIn(message)).toBe(joined('text'))
        expect((message?.parts ?? []).map((part) => (part.type === 'reasoning' ? part.text : '')).join('')).toBe(joined('reasoning'))
      }),
      { numRuns: 50 },
    )
  })
})
