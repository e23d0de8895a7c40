import { ChatPromptTemplate, lambda, MessagesPlaceholder, StringOutputParser, UserStop } from 'chaintap'
import { type ChatRequest, ChatTransport, fromUIMessages, type UIMessagePart } from 'chaintap/ai-sdk'
import { ChatAnthropic } from 'chaintap/anthropic'
import { anthropicSse, faultyFetch, recorder, scriptedModel } from 'chaintap/testing'
import { expect, test } from 'vitest'

const asking = (text: string, abortSignal?: AbortSignal): ChatRequest => ({
  chatId: 'c',
  messages: [{ role: 'user', parts: [{ type: 'text', text }] }],
  abortSignal,
})

async function partsOf(stream: ReadableStream<UIMessagePart>): Promise<UIMessagePart[]> {
  const parts: UIMessagePart[] = []
  const reader = stream.getReader()
  for (let read = await reader.read(); !read.done; read = await reader.read()) parts.push(read.value)
  return parts
}

const textIn = (parts: readonly UIMessagePart[]): string => parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('')

test('ChatTransport runs a chain locally: emits its text and calls its handlers', async () => {
  const recording = recorder()
  const chain = scriptedModel([['Hel', 'lo']]).pipe(new StringOutputParser())
  const parts = await partsOf(await new ChatTransport(chain, { callbacks: [recording], tags: ['page'] }).sendMessages(asking('hi')))
  expect(textIn(parts)).toBe('Hello')
  expect(parts.at(-1)).toMatchObject({ type: 'finish', finishReason: 'stop' })
  expect(recording.events[0]?.run.tags).toEqual(['page'])
  recording.check()
})

test('ChatTransport converts the messages with `input`', async () => {
  const model = scriptedModel(['ok'])
  const chain = ChatPromptTemplate.fromMessages([['system', 'Be brief.'], new MessagesPlaceholder('history')]).pipe(model)
  await partsOf(await new ChatTransport(chain, { input: (history) => ({ history }) }).sendMessages(asking('hi')))
  expect(model.record.inputs).toEqual([
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'hi' },
    ],
  ])
  const asked = lambda(({ question }: { question: string }) => question)
  // @ts-expect-error: this chain takes no messages, so its input has to be made of them
  expect(() => new ChatTransport(asked)).not.toThrow()
})

test('ChatTransport emits a failure as a part after the output before it', async () => {
  const failing = scriptedModel([{ tokens: ['Hel'], error: new Error('cut') }])
  const parts = await partsOf(await new ChatTransport(failing).sendMessages(asking('hi')))
  expect(textIn(parts)).toBe('Hel')
  expect(parts).toContainEqual({ type: 'error', errorText: 'cut' })
  const other = new ChatTransport(failing, { errorText: () => 'Sorry.' })
  expect(await partsOf(await other.sendMessages(asking('hi')))).toContainEqual({ type: 'error', errorText: 'Sorry.' })
})

test('an abort stops the run and closes the stream with an `abort` part (P2)', async () => {
  const recording = recorder()
  const slow = scriptedModel([Array.from({ length: 1_000 }, () => 'a')], { delayMs: 1 })
  const abort = new AbortController()
  const stream = await new ChatTransport(slow, { callbacks: [recording] }).sendMessages(asking('hi', abort.signal))
  const reader = stream.getReader()
  for (let read = await reader.read(); read.value?.type !== 'text-delta'; ) read = await reader.read()
  abort.abort()
  let last: UIMessagePart | undefined
  for (let read = await reader.read(); !read.done; read = await reader.read()) last = read.value
  expect(last).toMatchObject({ type: 'abort' })
  expect(slow.record.open).toBe(0)
  recording.check()
  expect(recording.open).toEqual([])
})

test('cancelling the stream stops the run (P2)', async () => {
  const slow = scriptedModel([Array.from({ length: 1_000 }, () => 'a')], { delayMs: 1 })
  const stream = await new ChatTransport(slow).sendMessages(asking('hi'))
  const reader = stream.getReader()
  for (let read = await reader.read(); read.value?.type !== 'text-delta'; ) read = await reader.read()
  await reader.cancel()
  expect(slow.record.open).toBe(0)
  expect(slow.record.cancels).toEqual([expect.any(UserStop)])
})

test('reconnectToStream() resolves to null', async () => {
  expect(await new ChatTransport(scriptedModel(['a'])).reconnectToStream({})).toBeNull()
})

test('an unknown stop reason becomes `stop`', async () => {
  const network = faultyFetch({ body: anthropicSse({ text: ['Hi'], stopReason: 'constructor' }) })
  const model = new ChatAnthropic({ apiKey: 'k', fetch: network, dangerouslyAllowBrowser: true })
  const parts = await partsOf(await new ChatTransport(model).sendMessages(asking('hi')))
  expect(parts.at(-1)).toMatchObject({ type: 'finish', finishReason: 'stop' })
})

test('fromUIMessages() throws invalid_message for invalid messages', () => {
  const wrong = [null, 'hi', {}, { role: 'user', parts: 'hi' }, { role: 'judge', parts: [] }]
  const parts = [null, 'text', {}, { type: 1 }]
  for (const message of [...wrong, ...parts.flatMap((part) => ['user', 'assistant'].map((role) => ({ role, parts: [part] })))])
    expect(() => fromUIMessages([message as never])).toThrow(expect.objectContaining({ code: 'invalid_message' }))
})

test('fromUIMessages() converts a conversation step by step', () => {
  const messages = fromUIMessages([
    {
      role: 'system',
      parts: [
        { type: 'text', text: 'Be ' },
        { type: 'text', text: 'brief.' },
      ],
    },
    {
      role: 'user',
      parts: [
        { type: 'text', text: 'What is this?' },
        { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,AA==' },
      ],
    },
    {
      role: 'assistant',
      parts: [
        { type: 'step-start' },
        { type: 'reasoning', text: 'Hm.' },
        { type: 'text', text: 'Let me see.' },
        { type: 'tool-look', toolCallId: 'a', state: 'output-available', input: { x: 1 }, output: { y: 2 } },
        { type: 'dynamic-tool', toolName: 'ask', toolCallId: 'b', state: 'output-error', input: {}, errorText: 'nobody there' },
        { type: 'tool-look', toolCallId: 'c', state: 'input-available', input: {} },
        { type: 'step-start' },
        { type: 'text', text: 'A dot.' },
        { type: 'source-url', url: 'https://x.example' },
        { type: 'data-progress' },
      ],
    },
    { role: 'user', parts: [{ type: 'text', text: 'Thanks' }] },
  ])
  expect(messages).toEqual([
    { role: 'system', content: 'Be brief.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is this?' },
        { type: 'image', url: 'data:image/png;base64,AA==' },
      ],
    },
    {
      role: 'assistant',
      content: 'Let me see.',
      toolCalls: [
        { id: 'a', name: 'look', args: { x: 1 } },
        { id: 'b', name: 'ask', args: {} },
      ],
    },
    { role: 'tool', content: '{"y":2}', toolCallId: 'a' },
    { role: 'tool', content: 'nobody there', toolCallId: 'b', isError: true },
    { role: 'assistant', content: 'A dot.' },
    { role: 'user', content: 'Thanks' },
  ])
})
