import { idFactory } from '../core/util/id.ts'
import type { FaultyAnswer } from './faulty-answer.ts'
import { offlineAnswer, splitTokens } from './offline-answers.ts'
import { type OfflineReply, type OfflineWire, offlineWires, type Question } from './offline-wires.ts'
import { type FakeRequest, type FetchLike, readRequest } from './request.ts'
import { respondFromScript } from './respond.ts'

/** How fast the offline model answers. */
export interface OfflineOptions {
  /** Before each token, in ms. Default 0. */
  readonly delayMs?: number
  /** Answers stop after their first token until it settles; an answer that is not streamed waits whole. */
  readonly hold?: PromiseLike<unknown>
}

/**
 * The offline model: a `fetch` that speaks the wire formats of Anthropic's Messages API and of OpenAI's Chat Completions and Completions
 * APIs, streamed and whole, and truly answers what it can. It works out a sum in the last message of the user, greets, tells a joke about
 * an animal, and otherwise says what it is and how to set a key. So a page, a demo or a test runs the very chain that talks to the
 * provider, without a key and without a network.
 *
 * - System prompts, tools and stop sequences are not read; the limit of tokens is kept to.
 * - Usage counts its own tokens (words and signs of the conversation and of the answer), which no provider would charge. As at OpenAI, its
 *   stream tells it where `stream_options` ask for it.
 * - What the APIs would refuse gets their errors: 404, 400.
 * - Nothing is read ahead; cancelling the body or aborting the call stops it.
 *
 * @example
 * const model = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch({ delayMs: 40 }) })
 * await model.invoke('What is 17 + 4 * 2?') // … content: '17 + 4 * 2 = 25.'
 */
export function offlineFetch(options: OfflineOptions = {}): FetchLike {
  return async (input, init) => {
    const asked = await readRequest(input, init)
    return respondFromScript(offlineResponse(asked, options), asked.signal)
  }
}

function offlineResponse({ url, method, body }: FakeRequest, { delayMs = 0, hold }: OfflineOptions): FaultyAnswer {
  const id = idFactory()()
  const path = url.replace(/[?#].*$/s, '')
  const known = offlineWires.find((each) => path.endsWith(each.path))
  const wire = known ?? offlineWires[0]
  const headers = { [wire.idHeader]: `req_${id}` }
  const errorResponse = (status: number, message: string): FaultyAnswer => ({
    status,
    headers,
    body: JSON.stringify(wire.errorBody(status, message, id)),
  })
  if (!known || method !== 'POST') {
    const paths = offlineWires.map((each) => `POST …${each.path}`).join(', ')
    return errorResponse(404, `There is no ${method} ${path}. The offline model answers ${paths}.`)
  }
  if (typeof body !== 'object' || body === null) return errorResponse(400, 'The request body is not valid JSON.')
  const question = wire.parseQuestion(body as Readonly<Record<string, unknown>>)
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
  const inputTokens = texts.flatMap((each) => splitTokens(each)).length
  const isCut = text.length < whole.length
  return { id, model: 'offline', text, isTruncated: isCut, ...(reportsUsage && { usage: { inputTokens, outputTokens: text.length } }) }
}

/** A chunk per token: what the events before the first and after the last one say needs no chunk of its own. */
function chunkPerToken(wire: OfflineWire, reply: OfflineReply): [string, ...string[]] {
  const events = wire.sse(reply)
  const first = wire.eventsBeforeText + 1
  const end = wire.eventsBeforeText + reply.text.length
  return [events.slice(0, first).join(''), ...events.slice(first, end), events.slice(end).join('')]
}
