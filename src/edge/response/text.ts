import { Disconnect } from '../../core/errors.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { listenForAbort } from '../../core/util/signal.ts'
import { createRefusal } from '../request/body.ts'
import { chunkText } from './format.ts'
import { createPublicErrorMapper, httpStatusForError, isSafeToExpose, logFailure } from './public-error.ts'
import { type ResponseOptions, toStreamedResponse } from './to-response.ts'

/**
 * Responds with the text of a run. Text has no way to report an error, so the response waits for the first text: an error before it, where
 * most provider refusals occur, becomes the HTTP status.
 */
export async function textResponse(run: RunStream<unknown, unknown>, options: ResponseOptions): Promise<Response> {
  const { request, ctx, exposeErrors } = options
  const unfollow = request ? listenForAbort(request.signal, () => run.stop(new Disconnect())) : () => {}
  try {
    let first = await run.nextBatch()
    while (first?.every((chunk) => !chunkText(chunk))) first = await run.nextBatch()
    return toStreamedResponse(run, { ...options, format: 'text' }, first)
  } catch (error) {
    ctx?.waitUntil(run.flushed)
    if (!exposeErrors && !isSafeToExpose(error)) logFailure(error)
    return createRefusal(httpStatusForError(error), errorMessage(createPublicErrorMapper(exposeErrors)(error))).refusal
  } finally {
    unfollow()
  }
}
