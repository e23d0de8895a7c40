import { Disconnect } from '../core/errors.ts'
import { follow } from '../core/signal.ts'
import { exposing, isReason, logFailure, messageOf, statusOf } from './public-error.ts'
import { refuse } from './request.ts'
import { type Answer, type ResponseOptions, toResponse } from './response.ts'

/**
 * A run as bare text, which has no words for a failure: so as long as nothing has been said, the status says it. That is when most
 * providers refuse.
 */
export async function textResponse(run: Answer, options: ResponseOptions): Promise<Response> {
  const { request, ctx, exposeErrors } = options
  const unfollow = request ? follow(request.signal, () => run.stop(new Disconnect())) : () => {}
  try {
    let first = await run.nextBatch()
    const nextBatch = async (): ReturnType<Answer['nextBatch']> => {
      const batch = first
      first = undefined
      return batch ?? run.nextBatch()
    }
    const rest: Answer = {
      nextBatch,
      stop: (reason) => run.stop(reason),
      get flushed() {
        return run.flushed
      },
      // Asked for before the end, it would keep the whole text.
      get outcome() {
        return run.outcome
      },
    }
    return toResponse(rest, { ...options, format: 'text' })
  } catch (error) {
    ctx?.waitUntil(run.flushed)
    if (!exposeErrors && !isReason(error)) logFailure(error)
    return refuse(statusOf(error), messageOf(exposing(exposeErrors)(error))).refusal
  } finally {
    unfollow()
  }
}
