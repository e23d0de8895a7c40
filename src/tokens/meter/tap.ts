import type { Usage } from '../../core/usage.ts'
import { whenAborted } from '../../core/util/signal.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import { bedrockMetricsUsage } from '../usage/bedrock.ts'
import type { UsageRecord } from '../usage-record.ts'
import { BodyEventReader } from './event-reader.ts'
import { type Framing, framingForContentType } from './framing.ts'
import { type BodyEndReason, type BodyObserver, copyResponseMetadata, passThroughBody } from './pass-through.ts'
import { answerInfoFromUrl, isModelUrl, type MeteredRequest, providerFromUrl } from './request.ts'
import { ResponseState } from './response-state.ts'

/**
 * What a user should know about an answer's usage: `missing` from a complete stream, in a format that has it only on request, or
 * `impossible`, e.g. negative.
 */
export type UsageProblem = 'missing' | 'impossible'

/** Receives the record of an answer. */
export type UsageRecordCallback = (record: UsageRecord, problem: UsageProblem | undefined) => void

/** Adds a callback to a tapped response. In nested meters the innermost reads the body, and all pass on the same record. */
const addCallback: unique symbol = Symbol()
type TappedResponse = Response & { readonly [addCallback]?: (onRecord: UsageRecordCallback) => void }

/**
 * Returns the same response, with a tap on its body if it may be a model's answer.
 *
 * A refused request (4xx, 5xx) is recorded at once and its body not read: it contains no tokens, and a client that retries may never read
 * it.
 */
export function tapResponse(response: Response, request: MeteredRequest, startedAt: number, onRecord: UsageRecordCallback): Response {
  const { status, body, [addCallback]: addToInner }: TappedResponse = response
  if (status >= 400) {
    if (isModelUrl(request.url)) onRecord(createUsageRecord(request, response, startedAt, undefined), undefined)
    return response
  }
  if (addToInner) {
    addToInner(withRecordTag(request, onRecord))
    return response
  }
  // A user's own fetch may return any object.
  if (typeof body?.getReader !== 'function' || body.locked || status < 200 || [204, 205].includes(status)) return response
  const framing = framingForContentType(response.headers.get('content-type'), isModelUrl(request.url))
  if (!framing) return response
  const { observer, ...extra } = observeResponse(response, framing, request, startedAt, onRecord)
  return copyResponseMetadata(new Response(passThroughBody(body, observer), response), response, extra)
}

/** Returns an observer that reads an answer and passes its record on when it is over. */
function observeResponse(
  response: Response,
  framing: Framing,
  request: MeteredRequest,
  startedAt: number,
  onRecord: UsageRecordCallback,
): { readonly observer: BodyObserver; readonly [addCallback]: (onRecord: UsageRecordCallback) => void } {
  const isModel = isModelUrl(request.url)
  const state = new ResponseState(isModel, framing)
  const events = new BodyEventReader(framing, state)
  const callbacks = [onRecord]
  let [isOver, unfollow] = [false, () => {}]
  let reported: Parameters<UsageRecordCallback> | undefined
  const onEnd = (reason: BodyEndReason): void => {
    if (isOver) return
    isOver = true
    unfollow()
    events.end()
    if (reason === 'end') state.end()
    // A model's answer in an unknown format has a record, too: its usage is unknown, not 0.
    if (!state.format && !(isModel && (request.isPost || state.hasFailed || state.events === 0))) return
    const record = createUsageRecord(request, response, startedAt, state, reason, events.outputWeight)
    reported = [record, state.hasImpossibleUsage ? 'impossible' : lacksUsage(record, framing, state) ? 'missing' : undefined]
    for (const callback of callbacks) callback(...reported)
  }
  const onChunk = (chunk: Uint8Array): void => {
    if (isOver) return
    events.feed(chunk)
    if (state.isOver) onEnd('end')
  }
  // The signal is followed here too, because a fetch may ignore it.
  if (request.signal) unfollow = whenAborted(request.signal, () => onEnd('abort'))
  return {
    observer: { onChunk, onEnd },
    [addCallback]: (callback) => void (reported ? callback(...reported) : callbacks.push(callback)),
  }
}

/** Adds the tag of this meter's request to the record: code between the meters may have dropped it. */
const withRecordTag =
  ({ tag }: MeteredRequest, onRecord: UsageRecordCallback): UsageRecordCallback =>
  (record, problem) =>
    onRecord(tag === undefined || tag === record.tag ? record : { ...record, tag }, problem)

/** Whether a stream ended without usage. In a stream that was cancelled it may have been still to come. */
const lacksUsage = ({ complete, reason, usage }: UsageRecord, framing: Framing, { format }: ResponseState): boolean =>
  complete && reason === 'end' && !usage && format?.isUsageOptional === true && !framing.isWhole

function createUsageRecord(
  request: MeteredRequest,
  { status, headers }: Response,
  startedAt: number,
  state: ResponseState | undefined,
  endReason: BodyEndReason = 'error',
  outputWeight = 0,
): UsageRecord {
  const url = stripUrlSecrets(request.url)
  const fromUrl = answerInfoFromUrl(url)
  const complete = state?.isComplete === true && !state.hasFailed && !state.isDamaged
  const usage = state?.usage ?? usageFromHeaders(headers)
  const cacheWrite1hTokens = state?.cacheWrite1hTokens
  const stateReason = state?.hasFailed ? 'error' : state?.isComplete ? 'end' : 'truncated'
  return {
    url,
    status,
    provider: providerFromUrl(url) ?? state?.format?.provider,
    model: state?.model ?? fromUrl.model,
    responseId: state?.id ?? fromUrl.responseId,
    ...(usage && { usage: { ...usage, requests: 1, source: complete ? 'provider' : 'partial' } }),
    ...(cacheWrite1hTokens && { cacheWrite1hTokens }),
    complete,
    reason: endReason === 'end' ? stateReason : endReason,
    durationMs: performance.now() - startedAt,
    ...(state?.format && { outputWeight }),
    ...(state && !state.format && state.events > 0 && !state.hasFailed && { isUnreadable: true }),
    ...(request.tag !== undefined && { tag: request.tag }),
  }
}

/**
 * Returns the usage in the headers of Bedrock's InvokeModel; undefined if there is none. Not all models have it in the body.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
function usageFromHeaders(headers: Headers): Usage | undefined {
  const count = (name: string): number | undefined => {
    const value = headers.get(`x-amzn-bedrock-${name}-token-count`)
    return value !== null && /^\d+$/.test(value) ? Number(value) : undefined
  }
  const [inputTokenCount, outputTokenCount] = [count('input'), count('output')]
  if (inputTokenCount === undefined && outputTokenCount === undefined) return
  const [cacheReadInputTokenCount, cacheWriteInputTokenCount] = [count('cache-read-input'), count('cache-write-input')]
  return bedrockMetricsUsage({ inputTokenCount, outputTokenCount, cacheReadInputTokenCount, cacheWriteInputTokenCount })
}
