import { idFactory } from '../core/id.ts'
import { type AnthropicAnswer, anthropicJson, anthropicSse } from './anthropic-sse.ts'
import { answerTo, tokensOf } from './offline-answers.ts'
import { type Asked, type FetchLike, readRequest } from './request.ts'
import { respond } from './respond.ts'
import type { FaultyAnswer } from './script.ts'

/** How fast the offline model answers. */
export interface OfflineOptions {
  /** Before each token, in ms. Default 0. */
  readonly delayMs?: number
  /** Answers stop after their first token until it settles; an answer that is not streamed waits whole. */
  readonly hold?: PromiseLike<unknown>
}

/**
 * The offline model: a `fetch` that speaks the wire format of Anthropic's Messages API, streamed and whole, and truly answers what it
 * can. It works out a sum in the last message of the user, greets, tells a joke about an animal, and otherwise says what it is and how to
 * set a key. So a page, a demo or a test runs the very chain that talks to the provider, without a key and without a network.
 *
 * - System prompts, tools and stop sequences are not read; `max_tokens` is kept to.
 * - Usage counts its own tokens (words and signs of the conversation and of the answer), which no provider would charge.
 * - What the API would refuse gets the API's errors: 404 `not_found_error`, 400 `invalid_request_error`.
 * - Nothing is read ahead; cancelling the body or aborting the call stops it.
 *
 * @example
 * const model = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch({ delayMs: 40 }) })
 * await model.invoke('What is 17 + 4 * 2?') // … content: '17 + 4 * 2 = 25.'
 */
export function offlineFetch(options: OfflineOptions = {}): FetchLike {
  return async (input, init) => {
    const asked = await readRequest(input, init)
    return respond(answer(asked, options), asked.signal)
  }
}

function answer({ url, method, body }: Asked, { delayMs = 0, hold }: OfflineOptions): FaultyAnswer {
  const id = idFactory()()
  const path = url.replace(/[?#].*$/s, '')
  const isThere = method === 'POST' && path.endsWith('/v1/messages')
  if (!isThere) return refusal(id, 404, `There is no ${method} ${path}. The offline model answers POST /v1/messages.`)
  const problem = problemOf(body)
  if (problem) return refusal(id, 400, problem)
  const request = body as Body
  const said = say(request, id)
  const served = { headers: { 'request-id': `req_${id}` }, delayMs, until: hold }
  if (!request.stream) return { ...served, body: JSON.stringify(anthropicJson(said)), stallBeforeHeaders: hold !== undefined }
  const chunks = perToken(anthropicSse(said))
  return { ...served, body: chunks, stallAfter: hold && new TextEncoder().encode(chunks[0]).length }
}

function say({ messages, max_tokens }: Body, id: string): AnthropicAnswer {
  const whole = tokensOf(answerTo(textOf(messages.findLast(({ role }) => role === 'user'))))
  const text = whole.slice(0, max_tokens)
  const inputTokens = messages.flatMap((message) => tokensOf(textOf(message))).length
  return {
    id: `msg_${id}`,
    model: 'offline',
    text,
    usage: { inputTokens, outputTokens: text.length },
    stopReason: text.length < whole.length ? 'max_tokens' : 'end_turn',
  }
}

/** A chunk per token: what the events before the first and after the last one say needs no chunk of its own. */
function perToken(events: readonly string[]): [string, ...string[]] {
  const first = events.findIndex((event) => event.startsWith('event: content_block_delta')) + 1
  return [events.slice(0, first).join(''), ...events.slice(first, -3), events.slice(-3).join('')]
}

function refusal(id: string, status: 400 | 404, message: string): FaultyAnswer {
  const type = status === 404 ? 'not_found_error' : 'invalid_request_error'
  return {
    status,
    headers: { 'request-id': `req_${id}` },
    body: JSON.stringify({ ...anthropicJson({ error: { type, message } }), request_id: `req_${id}` }),
  }
}

interface Said {
  readonly role: 'user' | 'assistant'
  readonly content: string | readonly { readonly text?: unknown }[]
}

interface Body {
  readonly model: string
  readonly max_tokens: number
  readonly messages: readonly Said[]
  readonly stream?: boolean
}

/** What the API would find wrong with a request, in its words. */
function problemOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null) return 'The request body is not valid JSON.'
  const { model, max_tokens, messages } = body as Readonly<Record<string, unknown>>
  if (typeof model !== 'string') return 'model: Field required'
  if (!Number.isInteger(max_tokens) || (max_tokens as number) < 1) return 'max_tokens: Input should be greater than or equal to 1'
  if (!Array.isArray(messages) || messages.length === 0) return 'messages: at least one message is required'
  const wrong = messages.findIndex((message) => !isSaid(message))
  if (wrong >= 0) return `messages.${wrong}: Input should have a role, "user" or "assistant", and content`
}

function isSaid(message: unknown): message is Said {
  const { role, content } = (message ?? {}) as Readonly<Record<string, unknown>>
  return (
    (role === 'user' || role === 'assistant') &&
    (typeof content === 'string' || (Array.isArray(content) && content.every((part) => typeof part === 'object' && part !== null)))
  )
}

function textOf(message: Said | undefined): string {
  const content = message?.content ?? ''
  return typeof content === 'string' ? content : content.map(({ text }) => (typeof text === 'string' ? text : '')).join(' ')
}
