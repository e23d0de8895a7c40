import { follow } from '../core/signal.ts'
import { Answer } from './meter-answer.ts'
import { framingOf } from './meter-framing.ts'
import { EventReader } from './meter-reader.ts'
import { type Asked, isCall, providerAt, toldBy, withoutQuery } from './meter-request.ts'
import { dressed, type Ending, through } from './meter-response.ts'
import type { UsageRecord } from './record.ts'

/** Told of an answer that is over. `lacksUsage`: it is a whole stream without usage, of a kind that has it only where it was asked for. */
export type Tell = (record: UsageRecord, lacksUsage: boolean) => void

/**
 * The same response, with a tap on its body where that may be a model's answer.
 *
 * A refusal is told at once and its body left alone: no tokens are in it, and who tries again does not always read it.
 */
export function tapped(response: Response, asked: Asked, began: number, tell: Tell): Response {
  const type = response.headers.get('content-type')
  const framing = framingOf(type)
  const { body } = response
  const isModel = isCall(asked.url)
  if (response.status >= 400) {
    if (isModel) tell(recordOf(asked, response, began, undefined), false)
    return response
  }
  // A fetch may be somebody's own, and so may its response.
  if (!framing || typeof body?.getReader !== 'function' || body.locked || response.status === 204 || response.status === 205)
    return response
  const answer = new Answer(isModel)
  const events = new EventReader(framing, answer)
  let [isTold, unfollow] = [false, () => {}]
  const over = (ending: Ending): void => {
    if (isTold) return
    isTold = true
    unfollow()
    events.end()
    // Nothing at all, from where a model was asked, is an answer that broke off; something else is none.
    if (!answer.format && !(isModel && (answer.hasFailed || answer.events === 0))) return
    const record = recordOf(asked, response, began, answer, ending, events.said)
    const isStream = /^text\/event-stream/i.test(type ?? '')
    // One that was left may have had it still to come.
    const isWhole = record.complete && record.reason === 'end'
    tell(record, isWhole && !record.usage && isStream && answer.format?.isUsageOptional === true)
  }
  const tap = {
    feed(chunk: Uint8Array): void {
      if (isTold) return
      events.feed(chunk)
      if (answer.isOver) over('end')
    },
    over,
  }
  // An abort is heard here too: a fetch may be deaf to it.
  if (asked.signal) unfollow = follow(asked.signal, () => over('abort'))
  return dressed(new Response(through(body, tap), response), response)
}

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
  const ended = answer?.hasFailed ? 'error' : answer?.isComplete ? 'end' : 'truncated'
  return {
    url,
    status,
    provider: providerAt(url) ?? answer?.format?.provider,
    model: answer?.model ?? told.model,
    responseId: answer?.id ?? told.responseId,
    ...(usage && { usage: { ...usage, requests: 1, source: complete ? 'provider' : 'partial' } }),
    complete,
    reason: ending === 'end' ? ended : ending,
    durationMs: performance.now() - began,
    ...(answer?.format && { said }),
    ...(asked.tag !== undefined && { tag: asked.tag }),
  }
}
