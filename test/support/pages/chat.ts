// A page with two chats of useChat, written as in its documentation: one with the Worker, one with a local chain.
import { useChat } from '@ai-sdk/react'
import {
  type ChatTransport as AnyTransport,
  DefaultChatTransport,
  lastAssistantMessageIsCompleteWithToolCalls,
  TextStreamChatTransport,
  type UIMessage,
} from 'ai'
import { StringOutputParser } from 'chaintap'
import { ChatTransport } from 'chaintap/ai-sdk'
import { ChatAnthropic } from 'chaintap/anthropic'
import { offlineFetch, scriptedModel } from 'chaintap/testing'
import OpenAI from 'openai'
import { createElement, type ReactElement } from 'react'
import { createRoot } from 'react-dom/client'

const query = new URLSearchParams(location.search)
const worker = query.get('worker') ?? ''
const where = query.get('where') ?? 'chat'

const model = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true })
const slow = scriptedModel([Array.from({ length: 10_000 }, (_, index) => `${index} `)], { delayMs: 10 })

function transport(): AnyTransport<UIMessage> {
  if (where === 'page') return new ChatTransport(model.pipe(new StringOutputParser()))
  if (where === 'page-slow') return new ChatTransport(slow)
  if (where === 'text') return new TextStreamChatTransport({ api: `${worker}/text` })
  return new DefaultChatTransport({ api: `${worker}/${where}` })
}
const made = transport()

function Chat(): ReactElement {
  const { messages, status, error, sendMessage, stop, addToolOutput } = useChat({
    transport: made,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithToolCalls,
    // A client tool, which the Worker's chain does not run.
    onToolCall: ({ toolCall: { toolCallId, toolName } }) => {
      if (where === 'tools') void addToolOutput({ tool: toolName, toolCallId, output: { degrees: 18 } })
    },
  })
  Object.assign(globalThis, { sendMessage, stop, open: slow.record })
  return createElement(
    'main',
    null,
    createElement('output', { id: 'status' }, status),
    createElement('output', { id: 'error' }, error?.message),
    createElement('pre', { id: 'messages' }, JSON.stringify(messages)),
  )
}
createRoot(document.body.appendChild(document.createElement('div'))).render(createElement(Chat))

/** The openai SDK in a page, with the Worker. */
async function askOpenAI(): Promise<string> {
  const client = new OpenAI({ apiKey: 'right', baseURL: `${worker}/v1`, dangerouslyAllowBrowser: true })
  const stream = await client.chat.completions.create({
    model: 'm',
    stream: true,
    messages: [{ role: 'tool', tool_call_id: 'call_1', content: '18 °C' }],
  })
  let text = ''
  for await (const { choices } of stream) text += choices[0]?.delta.content ?? ''
  return text
}
Object.assign(globalThis, { askOpenAI })
