import type { Usage } from '../core/usage.ts'
import type { JsonObject } from '../core/util/parse-json.ts'
import { anthropicJson, anthropicSse } from './anthropic-sse.ts'
import { openaiCompletionJson, openaiCompletionSse, openaiJson, openaiSse } from './openai-sse.ts'

/** The content of a request. */
export interface Question {
  /** The text of the last user message. */
  readonly question: string
  /** All texts of the conversation. */
  readonly texts: readonly string[]
  /** Maximum tokens of the output. */
  readonly maxTokens: number | undefined
  readonly isStream: boolean
  /** Whether the response must report usage. */
  readonly reportsUsage: boolean
}

/** The content of a response. */
export interface OfflineReply {
  readonly id: string
  readonly model: string
  readonly text: readonly string[]
  readonly isTruncated: boolean
  readonly usage?: Usage
}

/** The requests and responses of one API of a provider. */
export interface OfflineWire {
  /** How the URLs of its calls end. */
  readonly path: string
  readonly idHeader: string
  /** Returns the content of a request, or, as a string, the API's error message for it. */
  parseQuestion(body: JsonObject): Question | string
  /** A stream, one string per event. */
  sse(reply: OfflineReply): readonly string[]
  /** How many events precede the first token; each token is one event. */
  readonly eventsBeforeText: number
  json(reply: OfflineReply): unknown
  errorBody(status: number, message: string, id: string): unknown
}

interface RequestMessage {
  readonly role: string
  readonly content: string | readonly { readonly text?: unknown }[]
}

const offlineAnthropic: OfflineWire = {
  path: '/v1/messages',
  idHeader: 'request-id',
  parseQuestion({ model, max_tokens, messages, stream }) {
    if (typeof model !== 'string') return 'model: Field required'
    if (!isTokenLimit(max_tokens)) return 'max_tokens: Input should be greater than or equal to 1'
    if (!Array.isArray(messages) || messages.length === 0) return 'messages: at least one message is required'
    const wrong = messages.findIndex((message) => !isRequestMessage(message, /^(?:user|assistant)$/))
    if (wrong >= 0) return `messages.${wrong}: Input should have a role, "user" or "assistant", and content`
    return { ...parseConversation(messages), maxTokens: max_tokens, isStream: stream === true, reportsUsage: true }
  },
  sse: (reply) => anthropicSse(toAnthropicAnswer(reply)),
  // message_start, content_block_start, ping
  eventsBeforeText: 3,
  json: (reply) => anthropicJson(toAnthropicAnswer(reply)),
  errorBody(status, message, id) {
    const type = status === 404 ? 'not_found_error' : 'invalid_request_error'
    return { ...anthropicJson({ error: { type, message } }), request_id: `req_${id}` }
  },
}

const toAnthropicAnswer = ({ id, isTruncated, ...reply }: OfflineReply) => ({
  ...reply,
  id: `msg_${id}`,
  stopReason: isTruncated ? 'max_tokens' : 'end_turn',
})

const offlineOpenAIChat: OfflineWire = {
  path: '/chat/completions',
  idHeader: 'x-request-id',
  parseQuestion(body) {
    const { messages, max_completion_tokens, max_tokens: limit = max_completion_tokens } = body
    if (!Array.isArray(messages) || messages.length === 0) return "Missing required parameter: 'messages'."
    const wrong = messages.findIndex((message) => !isRequestMessage(message, /^(?:system|developer|user|assistant|tool)$/))
    return wrong < 0
      ? parseOpenAIQuestion(body, limit, parseConversation(messages))
      : `Invalid 'messages[${wrong}]': it should have a role and content.`
  },
  sse: (reply) => openaiSse(toOpenAIAnswer(reply, 'chatcmpl')),
  eventsBeforeText: 1,
  json: (reply) => openaiJson(toOpenAIAnswer(reply, 'chatcmpl')),
  errorBody: (_status, message) => openaiJson({ error: { type: 'invalid_request_error', message } }),
}

const offlineOpenAICompletions: OfflineWire = {
  ...offlineOpenAIChat,
  path: '/completions',
  parseQuestion(body) {
    const { prompt, max_tokens = 16 } = body
    return typeof prompt === 'string'
      ? parseOpenAIQuestion(body, max_tokens, { question: prompt, texts: [prompt] })
      : "Missing required parameter: 'prompt'."
  },
  sse: (reply) => openaiCompletionSse(toOpenAIAnswer(reply, 'cmpl')),
  eventsBeforeText: 0,
  json: (reply) => openaiCompletionJson(toOpenAIAnswer(reply, 'cmpl')),
}

const toOpenAIAnswer = ({ id, isTruncated, ...reply }: OfflineReply, prefix: string) => ({
  ...reply,
  id: `${prefix}-${id}`,
  stopReason: isTruncated ? 'length' : 'stop',
})

/** Parses the fields that both of OpenAI's APIs share. */
function parseOpenAIQuestion(
  { model, stream, stream_options }: JsonObject,
  limit: unknown,
  conversation: Pick<Question, 'question' | 'texts'>,
): Question | string {
  if (typeof model !== 'string') return 'you must provide a model parameter'
  if (limit !== undefined && !isTokenLimit(limit)) return "Invalid 'max_tokens': it should be 1 or more."
  const isStream = stream === true
  const { include_usage } = Object(stream_options) as JsonObject
  return { ...conversation, maxTokens: limit, isStream, reportsUsage: !isStream || include_usage === true }
}

/** The APIs that the offline model supports. */
export const offlineWires: readonly [OfflineWire, ...OfflineWire[]] = [offlineAnthropic, offlineOpenAIChat, offlineOpenAICompletions]

const isTokenLimit = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 1

function isRequestMessage(message: unknown, roles: RegExp): message is RequestMessage {
  const { role, content, tool_calls } = Object(message) as JsonObject
  const isContent = Array.isArray(content)
    ? content.every((part) => typeof part === 'object' && part !== null)
    : typeof content === 'string'
  return typeof role === 'string' && roles.test(role) && (isContent || Array.isArray(tool_calls))
}

const parseConversation = (messages: readonly RequestMessage[]): Pick<Question, 'question' | 'texts'> => ({
  question: requestMessageText(messages.findLast(({ role }) => role === 'user')),
  texts: messages.map(requestMessageText),
})

function requestMessageText(message: RequestMessage | undefined): string {
  const content = message?.content ?? ''
  return typeof content === 'string' ? content : content.map(({ text }) => (typeof text === 'string' ? text : '')).join(' ')
}
