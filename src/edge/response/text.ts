import { Disconnect } from '../../core/errors.ts'
import { follow } from '../../core/util/signal.ts'
import { refuse } from '../request/body.ts'
import { exposing, isReason, logFailure, messageOf, statusOf } from './public-error.ts'
import { type Answer, type ResponseOptions, responseOf } from './to-response.ts'
import { textOf } from './writer.ts'

/**
 * A run as bare text, which has no words for a failure: so as long as nothing has been said, the status says it. That is when most
 * providers refuse.
 */
export async function textResponse(run: Answer, options: ResponseOptions): Promise<Response> {
  const { request, ctx, exposeErrors } = options
  const unfollow = request ? follow(request.signal, () => run.stop(new Disconnect())) : () => {}
  try {
    let first = await run.nextBatch()
    while (first?.every((chunk) => !textOf(chunk))) first = await run.nextBatch()
    return responseOf(run, { ...options, format: 'text' }, first)
  } catch (error) {
    ctx?.waitUntil(run.flushed)
    if (!exposeErrors && !isReason(error)) logFailure(error)
    return refuse(statusOf(error), messageOf(exposing(exposeErrors)(error))).refusal
  } finally {
    unfollow()
  }
}
