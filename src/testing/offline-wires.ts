import type { Usage } from '../core/usage.ts'
import { anthropicJson, anthropicSse } from './anthropic-sse.ts'
import { openaiCompletionJson, openaiCompletionSse, openaiJson, openaiSse } from './openai-sse.ts'

/** What a request asks for. */
export interface Question {
  /** The last words of the user. */
  readonly question: string
  /** All texts of the conversation. */
  readonly texts: readonly string[]
  /** Most tokens of the answer. */
  readonly limit: number | undefined
  readonly isStream: boolean
  /** Whether it shall be told what the answer took. */
  readonly isCounted: boolean
}

/** What is answered. */
export interface Reply {
  readonly id: string
  readonly model: string
  readonly text: readonly string[]
  readonly isCut: boolean
  readonly usage?: Usage
}

/** How a provider's API is asked, and answers. */
export interface OfflineWire {
  /** How the addresses of its calls end. */
  readonly path: string
  readonly idHeader: string
  /** What a request asks for; as a text, in the API's words, what is wrong with it. */
  read(body: Json): Question | string
  /** A stream, an event each. */
  sse(reply: Reply): readonly string[]
  /** How many of them come before the first token; each token is one. */
  readonly before: number
  json(reply: Reply): unknown
  refusal(status: number, message: string, id: string): unknown
}

type Json = Readonly<Record<string, unknown>>

interface Said {
  readonly role: string
  readonly content: string | readonly { readonly text?: unknown }[]
}

const anthropic: OfflineWire = {
  path: '/v1/messages',
  idHeader: 'request-id',
  read({ model, max_tokens, messages, stream }) {
    if (typeof model !== 'string') return 'model: Field required'
    if (!isLimit(max_tokens)) return 'max_tokens: Input should be greater than or equal to 1'
    if (!Array.isArray(messages) || messages.length === 0) return 'messages: at least one message is required'
    const wrong = messages.findIndex((message) => !isSaid(message, /^(?:user|assistant)$/))
    if (wrong >= 0) return `messages.${wrong}: Input should have a role, "user" or "assistant", and content`
    return { ...conversation(messages), limit: max_tokens, isStream: stream === true, isCounted: true }
  },
  sse: (reply) => anthropicSse(inAnthropic(reply)),
  // message_start, content_block_start, ping
  before: 3,
  json: (reply) => anthropicJson(inAnthropic(reply)),
  refusal(status, message, id) {
    const type = status === 404 ? 'not_found_error' : 'invalid_request_error'
    return { ...anthropicJson({ error: { type, message } }), request_id: `req_${id}` }
  },
}

const inAnthropic = ({ id, isCut, ...reply }: Reply) => ({ ...reply, id: `msg_${id}`, stopReason: isCut ? 'max_tokens' : 'end_turn' })

const openaiChat: OfflineWire = {
  path: '/chat/completions',
  idHeader: 'x-request-id',
  read(body) {
    const { messages, max_completion_tokens, max_tokens: limit = max_completion_tokens } = body
    if (!Array.isArray(messages) || messages.length === 0) return "Missing required parameter: 'messages'."
    const wrong = messages.findIndex((message) => !isSaid(message, /^(?:system|developer|user|assistant|tool)$/))
    return wrong < 0 ? asked(body, limit, conversation(messages)) : `Invalid 'messages[${wrong}]': it should have a role and content.`
  },
  sse: (reply) => openaiSse(inOpenAI(reply, 'chatcmpl')),
  before: 1,
  json: (reply) => openaiJson(inOpenAI(reply, 'chatcmpl')),
  refusal: (_status, message) => openaiJson({ error: { type: 'invalid_request_error', message } }),
}

const openaiCompletions: OfflineWire = {
  ...openaiChat,
  path: '/completions',
  read(body) {
    const { prompt, max_tokens = 16 } = body
    return typeof prompt === 'string'
      ? asked(body, max_tokens, { question: prompt, texts: [prompt] })
      : "Missing required parameter: 'prompt'."
  },
  sse: (reply) => openaiCompletionSse(inOpenAI(reply, 'cmpl')),
  before: 0,
  json: (reply) => openaiCompletionJson(inOpenAI(reply, 'cmpl')),
}

const inOpenAI = ({ id, isCut, ...reply }: Reply, prefix: string) => ({
  ...reply,
  id: `${prefix}-${id}`,
  stopReason: isCut ? 'length' : 'stop',
})

/** What both of OpenAI's APIs are asked alike. */
function asked({ model, stream, stream_options }: Json, limit: unknown, words: Pick<Question, 'question' | 'texts'>): Question | string {
  if (typeof model !== 'string') return 'you must provide a model parameter'
  if (limit !== undefined && !isLimit(limit)) return "Invalid 'max_tokens': it should be 1 or more."
  const isStream = stream === true
  const { include_usage } = Object(stream_options) as Json
  return { ...words, limit, isStream, isCounted: !isStream || include_usage === true }
}

/** The APIs that the offline model speaks. */
export const offlineWires: readonly [OfflineWire, ...OfflineWire[]] = [anthropic, openaiChat, openaiCompletions]

const isLimit = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1

function isSaid(message: unknown, roles: RegExp): message is Said {
  const { role, content, tool_calls } = Object(message) as Json
  const isContent = Array.isArray(content)
    ? content.every((part) => typeof part === 'object' && part !== null)
    : typeof content === 'string'
  return typeof role === 'string' && roles.test(role) && (isContent || Array.isArray(tool_calls))
}

const conversation = (messages: readonly Said[]): Pick<Question, 'question' | 'texts'> => ({
  question: textOf(messages.findLast(({ role }) => role === 'user')),
  texts: messages.map(textOf),
})

function textOf(message: Said | undefined): string {
  const content = message?.content ?? ''
  return typeof content === 'string' ? content : content.map(({ text }) => (typeof text === 'string' ? text : '')).join(' ')
}
