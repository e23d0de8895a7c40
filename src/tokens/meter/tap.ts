import { whenAborted } from '../../core/util/signal.ts'
import type { UsageRecord } from '../usage-record.ts'
import { EventReader } from './event-reader.ts'
import { type Framing, framingOf } from './framing.ts'
import { dressed, type Ending, type Tap, through } from './pass-through.ts'
import { type Asked, isCall, providerAt, toldBy, withoutQuery } from './request.ts'
import { Answer } from './response-state.ts'

/** Told of an answer that is over. `lacksUsage`: it is a whole stream without usage, of a kind that has it only where it was asked for. */
export type Tell = (record: UsageRecord, lacksUsage: boolean) => void

/** How a response of ours is heard by one more meter: of meters around one another the innermost reads, and all tell the same record. */
const join: unique symbol = Symbol()
type Joinable = Response & { readonly [join]?: (tell: Tell) => void }

/**
 * The same response, with a tap on its body where that may be a model's answer.
 *
 * A refusal is told at once and its body left alone: no tokens are in it, and who tries again does not always read it.
 */
export function tapped(response: Response, asked: Asked, began: number, tell: Tell): Response {
  const { status, body, [join]: joined }: Joinable = response
  if (status >= 400) {
    if (isCall(asked.url)) tell(recordOf(asked, response, began, undefined), false)
    return response
  }
  if (joined) {
    joined(marked(asked, tell))
    return response
  }
  // A fetch may be somebody's own, and so may its response.
  if (typeof body?.getReader !== 'function' || body.locked || status < 200 || [204, 205].includes(status)) return response
  const framing = framingOf(response.headers.get('content-type'))
  if (!framing) return response
  const { tap, ...ours } = listening(response, framing, asked, began, tell)
  return dressed(new Response(through(body, tap), response), response, ours)
}

/** Reads along in an answer, and tells of it when it is over. */
function listening(
  response: Response,
  framing: Framing,
  asked: Asked,
  began: number,
  tell: Tell,
): { readonly tap: Tap; readonly [join]: (tell: Tell) => void } {
  const isModel = isCall(asked.url)
  const answer = new Answer(isModel)
  const events = new EventReader(framing, answer)
  const tells = [tell]
  let [isOver, unfollow] = [false, () => {}]
  let told: Parameters<Tell> | undefined
  const over = (ending: Ending): void => {
    if (isOver) return
    isOver = true
    unfollow()
    events.end()
    // Nothing at all, from where a model was asked, is an answer that broke off; something else is none.
    if (!answer.format && !(isModel && (answer.hasFailed || answer.events === 0))) return
    const record = recordOf(asked, response, began, answer, ending, events.said)
    told = [record, lacksUsage(record, response, answer)]
    for (const each of tells) each(...told)
  }
  const feed = (chunk: Uint8Array): void => {
    if (isOver) return
    events.feed(chunk)
    if (answer.isOver) over('end')
  }
  // An abort is heard here too: a fetch may be deaf to it.
  if (asked.signal) unfollow = whenAborted(asked.signal, () => over('abort'))
  return { tap: { feed, over }, [join]: (another) => void (told ? another(...told) : tells.push(another)) }
}

/** Tells with the mark of this asking: what is in between may have dropped it. */
const marked =
  ({ tag }: Asked, tell: Tell): Tell =>
  (record, lacksUsage) =>
    tell(tag === undefined || tag === record.tag ? record : { ...record, tag }, lacksUsage)

/** Whether a stream ended without usage. One that was left may have had it still to come. */
const lacksUsage = ({ complete, reason, usage }: UsageRecord, { headers }: Response, { format }: Answer): boolean =>
  complete &&
  reason === 'end' &&
  !usage &&
  format?.isUsageOptional === true &&
  /^text\/event-stream/i.test(headers.get('content-type') ?? '')

function recordOf(
  asked: Asked,
  { status }: Response,
  began: number,
  answer: Answer | undefined,
  ending: Ending = 'error',
  said = 0,
): UsageRecord {
  const url = withoutQuery(asked.url)
  const told = toldBy(url)
  const complete = answer?.isComplete === true && !answer.hasFailed && !answer.isDamaged
  const usage = answer?.usage
  const hours = answer?.hourTokens
  const ended = answer?.hasFailed ? 'error' : answer?.isComplete ? 'end' : 'truncated'
  return {
    url,
    status,
    provider: providerAt(url) ?? answer?.format?.provider,
    model: answer?.model ?? told.model,
    responseId: answer?.id ?? told.responseId,
    ...(usage && { usage: { ...usage, requests: 1, source: complete ? 'provider' : 'partial' } }),
    ...(hours && { cacheWrite1hTokens: hours }),
    complete,
    reason: ending === 'end' ? ended : ending,
    durationMs: performance.now() - began,
    ...(answer?.format && { said }),
    ...(asked.tag !== undefined && { tag: asked.tag }),
  }
}
