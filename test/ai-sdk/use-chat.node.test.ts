// The AI SDK's own Chat with a local chain.
import { Chat } from '@ai-sdk/react'
import { lastAssistantMessageIsCompleteWithToolCalls, type UIMessage } from 'ai'
import { ChatTransport } from 'chaintap/ai-sdk'
import { recorder, scriptedModel } from 'chaintap/testing'
import { expect, test, vi } from 'vitest'
import { patience } from '../support/patience.ts'

const textOf = ({ role, parts }: UIMessage): string => `${role}: ${parts.map((part) => (part.type === 'text' ? part.text : '')).join('')}`

test('useChat with ChatTransport sends, regenerates, fails, retries, stops and continues', async () => {
  const endless = Array.from({ length: 100_000 }, () => 'a')
  const model = scriptedModel([['Hel', 'lo'], ['Again'], { tokens: ['Par'], error: new Error('cut') }, ['Fine'], endless, ['After']])
  const recording = recorder()
  const chat = new Chat({ transport: new ChatTransport(model, { callbacks: [recording] }) })
  const texts = () => chat.messages.map(textOf)
  await chat.sendMessage({ text: 'hi' })
  const first = chat.messages[1]?.id
  await chat.regenerate()
  expect(texts()).toEqual(['user: hi', 'assistant: Again'])
  expect(chat.messages[1]?.id).not.toBe(first)
  await chat.sendMessage({ text: 'more' })
  expect([chat.status, chat.error?.message, texts().at(-1)]).toEqual(['error', 'cut', 'assistant: Par'])
  await chat.regenerate()
  expect([chat.status, chat.error, texts().at(-1)]).toEqual(['ready', undefined, 'assistant: Fine'])
  const sending = chat.sendMessage({ text: 'long' })
  await vi.waitFor(() => expect(texts().at(-1)).toContain('assistant: aa'), patience)
  await chat.stop()
  await sending
  expect([chat.status, chat.error, model.record.open]).toEqual(['ready', undefined, 0])
  // There is no run to resume.
  await chat.resumeStream()
  await chat.sendMessage({ text: 'next' })
  expect([chat.status, texts().at(-1)]).toEqual(['ready', 'assistant: After'])
  recording.check()
  expect(recording.open).toEqual([])
})

test('useChat with ChatTransport sends client tool results to the model, in the same message', async () => {
  const model = scriptedModel([[{ type: 'tool-call', index: 0, id: 'c', name: 'look', args: '{"x":1}' }], ['It is 5.']])
  const chat = new Chat({
    transport: new ChatTransport(model),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    onToolCall: ({ toolCall: { toolName, toolCallId } }) => void chat.addToolOutput({ tool: toolName, toolCallId, output: { y: 5 } }),
  })
  await chat.sendMessage({ text: 'What is it?' })
  await vi.waitFor(() => expect(chat.messages.map(textOf)).toEqual(['user: What is it?', 'assistant: It is 5.']), patience)
  expect(model.record.inputs.at(-1)).toEqual([
    { role: 'user', content: 'What is it?' },
    { role: 'assistant', content: '', toolCalls: [{ id: 'c', name: 'look', args: { x: 1 } }] },
    { role: 'tool', content: '{"y":5}', toolCallId: 'c' },
  ])
})
