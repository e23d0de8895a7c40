import type { Delta } from '../../core/delta.ts'
import { ChaintapError, type ModelError } from '../../core/errors.ts'
import { Flow } from '../../core/flow/flow.ts'
import { lazySource } from '../../core/flow/lazy-source.ts'
import type { Source } from '../../core/flow/source.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { backoffMs, sleep } from '../../core/util/backoff.ts'
import { parseJson } from '../../core/util/parse-json.ts'
import { messageFold } from '../../messages/fold.ts'
import type { Decoder, Wire } from '../wire.ts'
import { bodyStage } from './body.ts'
import { decodeStage } from './decode.ts'
import { type EncodedRequest, encodeRequest } from './encode-request.ts'
import type { ErrorResponse } from './error-response.ts'
import { modelError, networkError } from './errors.ts'
import type { HttpModel, ModelConnection, RequestContext, Transport } from './transport.ts'

/**
 * Returns the response of a provider as a flow of Deltas. The request is sent when the flow is first read: its stages are ready by then,
 * so the first token does not wait for them.
 *
 * - Until the response begins, transient failures are retried: a lost connection and the statuses 408, 409, 429 and 5xx, after the time
 *   that the provider asks for, otherwise with growing pauses. If the provider says whether to retry, that decides. A request that `canDowngrade` reduces is retried at once. Each retry emits a
 *   `retry` event.
 * - The body is closed when the run ends for any reason, even if `fetch` ignores its signal and responds late (P2).
 */
export function streamCompletion<Options, Input, At extends ModelConnection>(
  { options, connection }: HttpModel<Options, At>,
  wire: Wire<Options, Input, At>,
  input: Input,
  run: RunHandle,
): Flow<Delta> {
  const streaming = run.streaming || connection.streaming
  const createDecoder = (isStream: boolean): Decoder => wire.decoder(isStream, input)
  const call: RequestContext = { ...connection, wire, streaming, isStream: streaming, createDecoder }
  run.report({ emitsTokens: streaming })
  let transport: Transport | undefined
  const body = lazySource(async () => {
    for (let attempt = 1, left = connection.maxRetries; ; attempt++) {
      const request = wire.request(input, options, streaming, connection)
      const encoded = encodeRequest(request)
      try {
        transport = await connection.transport()
        run.report({ answered: { url: transport.displayUrl } })
        return await attemptRequest(call, transport, encoded, run)
      } catch (error) {
        const pause = connection.canDowngrade?.(error, request) ? 0 : left-- > 0 ? retryDelayMs(error, attempt) : undefined
        if (pause === undefined) throw error
        await run.emit({ type: 'retry', attempt, error })
        if (pause > 0) await sleep(pause, run.signal)
      }
    }
  })
  return new Flow<Uint8Array>(body, messageFold)
    .through(bodyStage(call, () => transport as Transport))
    .through(decodeStage(call, () => transport as Transport, run))
}

/** Sends one attempt and returns the body of its response. */
async function attemptRequest(
  call: RequestContext,
  transport: Transport,
  request: EncodedRequest,
  run: RunHandle,
): Promise<Source<Uint8Array>> {
  const { signal } = run
  signal.throwIfAborted()
  let response: Response
  try {
    response = await transport.post(request, signal)
  } catch (error) {
    throw error instanceof ChaintapError ? error : networkError(transport, error)
  }
  const body = responseBodySource(response, transport)
  run.onEnd((failure) => failure && body.cancel(failure.reason))
  if (!response.ok) {
    const error = await httpStatusError(transport, response, body, call.wire)
    body.cancel(error)
    throw error
  }
  const type = response.headers.get('content-type') ?? ''
  call.unexpectedType = call.streaming && !/^text\/event-stream\b/i.test(type) ? type : ''
  return body
}

/**
 * Converts an error response to an error. The code that reads it is loaded on demand. If loading fails, e.g. in a page that was
 * redeployed, the error has the status alone.
 */
async function httpStatusError(
  transport: Transport,
  response: Response,
  body: Source<Uint8Array>,
  wire: RequestContext['wire'],
): Promise<ModelError> {
  const { status } = response
  const reading = import('./error-response.ts').then(({ readErrorResponse }) => readErrorResponse(response, body))
  const { text = '', hint = '', requestId, retryAfterMs, isRetryable }: Partial<ErrorResponse> = await reading.catch(() => ({}))
  const providerError = wire.parseError(parseJson(text)) ?? { message: text }
  const facts = { status, retryAfterMs: retryAfterMs ?? providerError.retryAfterMs, isRetryable }
  return modelError(transport, { ...providerError, requestId: requestId ?? providerError.requestId }, `answered ${status}`, hint, facts)
}

/** If a provider asks for a longer pause, the call fails, and its error holds the pause. */
const MAX_RETRY_AFTER_MS = 60_000

/** Returns the pause before the next attempt, in ms; `undefined` if a retry would fail too. */
function retryDelayMs(error: unknown, attempt: number): number | undefined {
  const { code, status = 0, retryAfterMs = backoffMs(attempt), isRetryable } = Object(error) as Partial<ModelError>
  const canHelp = isRetryable ?? (code === 'network' || [408, 409, 429].includes(status) || status >= 500)
  return canHelp && retryAfterMs <= MAX_RETRY_AFTER_MS ? retryAfterMs : undefined
}

/** A body as a source. Explains a lost connection, because engines describe it tersely and each differently. */
function responseBodySource({ body }: Response, transport: Transport): Source<Uint8Array> {
  const reader = body?.getReader()
  return {
    next: () => (reader ? reader.read() : { done: true }),
    cancel: (reason) => void reader?.cancel(reason).catch(() => {}),
    explain: (error) => networkError(transport, error, true),
  }
}
