import { idFactory } from '../core/util/id.ts'
import type { JsonObject } from '../core/util/parse-json.ts'
import type { FaultyAnswer } from './faulty-answer.ts'
import { offlineAnswer, splitTokens } from './offline-answers.ts'
import { type OfflineReply, type OfflineWire, offlineWires, type Question } from './offline-wires.ts'
import { type FakeRequest, type FetchLike, readRequest } from './request.ts'
import { respondFromScript } from './respond.ts'

/** Options of {@link offlineFetch}. */
export interface OfflineOptions {
  /**
   * The delay before each token, in ms.
   *
   * @defaultValue 0
   */
  readonly delayMs?: number
  /** Streams stall after their first token until this settles. A response that is not streamed waits as a whole. */
  readonly hold?: PromiseLike<unknown>
}

/**
 * The offline model: a `fetch` that implements Anthropic's Messages API and OpenAI's Chat Completions and Completions APIs, streamed and
 * whole, and answers simple questions. It calculates a sum in the last user message, greets, and tells a joke about an animal. Other
 * questions get an explanation of how to set an API key. Thus a page, a demo or a test runs the same chain that calls the provider, without
 * an API key and without a network.
 *
 * - It ignores system prompts, tools and stop sequences. It respects the token limit.
 * - Usage counts its own tokens: words and signs of the conversation and the answer. As at OpenAI, a stream reports usage only if
 *   `stream_options` request it.
 * - Invalid requests get the errors of the APIs, with status 404 or 400.
 * - It never reads ahead. Cancelling the body or aborting the call stops it.
 *
 * @example
 * const offline = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch({ delayMs: 40 }) })
 * const { content } = await offline.invoke('What is 17 + 4 * 2?') // '17 + 4 * 2 = 25.'
 */
export function offlineFetch(options: OfflineOptions = {}): FetchLike {
  return async (input, init) => {
    const request = await readRequest(input, init)
    return respondFromScript(offlineResponse(request, options), request.signal)
  }
}

function offlineResponse({ url, method, body }: FakeRequest, { delayMs = 0, hold }: OfflineOptions): FaultyAnswer {
  const id = idFactory()()
  const path = url.replace(/[?#].*$/s, '')
  const known = offlineWires.find((candidate) => path.endsWith(candidate.path))
  const wire = known ?? offlineWires[0]
  const headers = { [wire.idHeader]: `req_${id}` }
  const errorResponse = (status: number, message: string): FaultyAnswer => ({
    status,
    headers,
    body: JSON.stringify(wire.errorBody(status, message, id)),
  })
  if (!known || method !== 'POST') {
    const paths = offlineWires.map((supported) => `POST …${supported.path}`).join(', ')
    return errorResponse(404, `Not found: ${method} ${path}. The offline model supports ${paths}.`)
  }
  if (typeof body !== 'object' || body === null) return errorResponse(400, 'The request body is not valid JSON.')
  const question = wire.parseQuestion(body as JsonObject)
  if (typeof question === 'string') return errorResponse(400, question)
  const reply = createReply(question, id)
  const served = { headers, delayMs, until: hold }
  if (!question.isStream) return { ...served, body: JSON.stringify(wire.json(reply)), stallBeforeHeaders: hold !== undefined }
  const chunks = chunkPerToken(wire, reply)
  return { ...served, body: chunks, stallAfter: hold && new TextEncoder().encode(chunks[0]).length }
}

function createReply({ question, texts, maxTokens, reportsUsage }: Question, id: string): OfflineReply {
  const whole = splitTokens(offlineAnswer(question))
  const text = whole.slice(0, maxTokens)
  const inputTokens = texts.flatMap((message) => splitTokens(message)).length
  const isCut = text.length < whole.length
  return { id, model: 'offline', text, isTruncated: isCut, ...(reportsUsage && { usage: { inputTokens, outputTokens: text.length } }) }
}

/** Returns one chunk per token. The events before the first token and after the last one are added to those chunks. */
function chunkPerToken(wire: OfflineWire, reply: OfflineReply): [string, ...string[]] {
  const events = wire.sse(reply)
  const first = wire.eventsBeforeText + 1
  const end = wire.eventsBeforeText + reply.text.length
  return [events.slice(0, first).join(''), ...events.slice(first, end), events.slice(end).join('')]
}
