// A page whose chats are useChat as its documents have it: one on our Worker, one on a chain that runs here.
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
    // A tool that runs in the page, where the Worker's chain leaves it to the page.
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

/** The openai SDK in a page, on our Worker. */
async function askOpenAI(): Promise<string> {
  const client = new OpenAI({ apiKey: 'right', baseURL: `${worker}/v1`, dangerouslyAllowBrowser: true })
  const stream = await client.chat.completions.create({
    model: 'm',
    stream: true,
    messages: [{ role: 'tool', tool_call_id: 'call_1', content: '18 °C' }],
  })
  let said = ''
  for await (const { choices } of stream) said += choices[0]?.delta.content ?? ''
  return said
}
Object.assign(globalThis, { askOpenAI })
