import { whenAborted } from '../../core/util/signal.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import type { UsageRecord } from '../usage-record.ts'
import { BodyEventReader } from './event-reader.ts'
import { type Framing, framingForContentType } from './framing.ts'
import { type BodyEndReason, type BodyObserver, copyResponseMetadata, passThroughBody } from './pass-through.ts'
import { answerInfoFromUrl, isModelUrl, type MeteredRequest, providerFromUrl } from './request.ts'
import { ResponseState } from './response-state.ts'

/** Told of an answer that is over. `lacksUsage`: it is a whole stream without usage, of a kind that has it only where it was asked for. */
export type UsageRecordCallback = (record: UsageRecord, lacksUsage: boolean) => void

/** How a response of ours is heard by one more meter: of meters around one another the innermost reads, and all tell the same record. */
const addCallback: unique symbol = Symbol()
type TappedResponse = Response & { readonly [addCallback]?: (tell: UsageRecordCallback) => void }

/**
 * The same response, with a tap on its body where that may be a model's answer.
 *
 * A refusal is told at once and its body left alone: no tokens are in it, and who tries again does not always read it.
 */
export function tapResponse(response: Response, asked: MeteredRequest, began: number, tell: UsageRecordCallback): Response {
  const { status, body, [addCallback]: joined }: TappedResponse = response
  if (status >= 400) {
    if (isModelUrl(asked.url)) tell(createUsageRecord(asked, response, began, undefined), false)
    return response
  }
  if (joined) {
    joined(withRecordTag(asked, tell))
    return response
  }
  // A fetch may be somebody's own, and so may its response.
  if (typeof body?.getReader !== 'function' || body.locked || status < 200 || [204, 205].includes(status)) return response
  const framing = framingForContentType(response.headers.get('content-type'))
  if (!framing) return response
  const { tap, ...ours } = observeResponse(response, framing, asked, began, tell)
  return copyResponseMetadata(new Response(passThroughBody(body, tap), response), response, ours)
}

/** Reads along in an answer, and tells of it when it is over. */
function observeResponse(
  response: Response,
  framing: Framing,
  asked: MeteredRequest,
  began: number,
  tell: UsageRecordCallback,
): { readonly tap: BodyObserver; readonly [addCallback]: (tell: UsageRecordCallback) => void } {
  const isModel = isModelUrl(asked.url)
  const answer = new ResponseState(isModel)
  const events = new BodyEventReader(framing, answer)
  const tells = [tell]
  let [isOver, unfollow] = [false, () => {}]
  let told: Parameters<UsageRecordCallback> | undefined
  const over = (ending: BodyEndReason): void => {
    if (isOver) return
    isOver = true
    unfollow()
    events.end()
    // Nothing at all, from where a model was asked, is an answer that broke off; something else is none.
    if (!answer.format && !(isModel && (answer.hasFailed || answer.events === 0))) return
    const record = createUsageRecord(asked, response, began, answer, ending, events.outputWeight)
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
  return { tap: { onChunk: feed, onEnd: over }, [addCallback]: (another) => void (told ? another(...told) : tells.push(another)) }
}

/** Tells with the mark of this asking: what is in between may have dropped it. */
const withRecordTag =
  ({ tag }: MeteredRequest, tell: UsageRecordCallback): UsageRecordCallback =>
  (record, lacksUsage) =>
    tell(tag === undefined || tag === record.tag ? record : { ...record, tag }, lacksUsage)

/** Whether a stream ended without usage. One that was left may have had it still to come. */
const lacksUsage = ({ complete, reason, usage }: UsageRecord, { headers }: Response, { format }: ResponseState): boolean =>
  complete &&
  reason === 'end' &&
  !usage &&
  format?.isUsageOptional === true &&
  /^text\/event-stream/i.test(headers.get('content-type') ?? '')

function createUsageRecord(
  asked: MeteredRequest,
  { status }: Response,
  began: number,
  answer: ResponseState | undefined,
  ending: BodyEndReason = 'error',
  outputWeight = 0,
): UsageRecord {
  const url = stripUrlSecrets(asked.url)
  const told = answerInfoFromUrl(url)
  const complete = answer?.isComplete === true && !answer.hasFailed && !answer.isDamaged
  const usage = answer?.usage
  const hours = answer?.cacheWrite1hTokens
  const ended = answer?.hasFailed ? 'error' : answer?.isComplete ? 'end' : 'truncated'
  return {
    url,
    status,
    provider: providerFromUrl(url) ?? answer?.format?.provider,
    model: answer?.model ?? told.model,
    responseId: answer?.id ?? told.responseId,
    ...(usage && { usage: { ...usage, requests: 1, source: complete ? 'provider' : 'partial' } }),
    ...(hours && { cacheWrite1hTokens: hours }),
    complete,
    reason: ending === 'end' ? ended : ending,
    durationMs: performance.now() - began,
    ...(answer?.format && { outputWeight }),
    ...(asked.tag !== undefined && { tag: asked.tag }),
  }
}
