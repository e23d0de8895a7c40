import { idFactory } from '../core/util/id.ts'
import type { FaultyAnswer } from './faulty-answer.ts'
import { answerTo, tokensOf } from './offline-answers.ts'
import { type OfflineWire, offlineWires, type Question, type Reply } from './offline-wires.ts'
import { type Asked, type FetchLike, readRequest } from './request.ts'
import { respond } from './respond.ts'

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
    return respond(answer(asked, options), asked.signal)
  }
}

function answer({ url, method, body }: Asked, { delayMs = 0, hold }: OfflineOptions): FaultyAnswer {
  const id = idFactory()()
  const path = url.replace(/[?#].*$/s, '')
  const known = offlineWires.find((each) => path.endsWith(each.path))
  const wire = known ?? offlineWires[0]
  const headers = { [wire.idHeader]: `req_${id}` }
  const refused = (status: number, message: string): FaultyAnswer => ({
    status,
    headers,
    body: JSON.stringify(wire.refusal(status, message, id)),
  })
  if (!known || method !== 'POST') {
    const paths = offlineWires.map((each) => `POST …${each.path}`).join(', ')
    return refused(404, `There is no ${method} ${path}. The offline model answers ${paths}.`)
  }
  if (typeof body !== 'object' || body === null) return refused(400, 'The request body is not valid JSON.')
  const read = wire.read(body as Readonly<Record<string, unknown>>)
  if (typeof read === 'string') return refused(400, read)
  const said = say(read, id)
  const served = { headers, delayMs, until: hold }
  if (!read.isStream) return { ...served, body: JSON.stringify(wire.json(said)), stallBeforeHeaders: hold !== undefined }
  const chunks = perToken(wire, said)
  return { ...served, body: chunks, stallAfter: hold && new TextEncoder().encode(chunks[0]).length }
}

function say({ question, texts, limit, isCounted }: Question, id: string): Reply {
  const whole = tokensOf(answerTo(question))
  const text = whole.slice(0, limit)
  const inputTokens = texts.flatMap((each) => tokensOf(each)).length
  const isCut = text.length < whole.length
  return { id, model: 'offline', text, isCut, ...(isCounted && { usage: { inputTokens, outputTokens: text.length } }) }
}

/** A chunk per token: what the events before the first and after the last one say needs no chunk of its own. */
function perToken(wire: OfflineWire, said: Reply): [string, ...string[]] {
  const events = wire.sse(said)
  const first = wire.before + 1
  const end = wire.before + said.text.length
  return [events.slice(0, first).join(''), ...events.slice(first, end), events.slice(end).join('')]
}
