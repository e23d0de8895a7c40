import type { RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/index.ts'
import type { Outcome } from '../../core/outcome.ts'

/** A comment: readers pass over it, and whatever stands between hears that the stream lives. */
export const HEARTBEAT_COMMENT = ': heartbeat\n\n'

/** An event of a run as a server-sent event; `json` is what `encoder()` writes of it. */
export const eventFrame = ({ seq, type }: Pick<RunEvent, 'seq' | 'type'>, json: string): string =>
  `id: ${seq}\nevent: ${type}\ndata: ${json}\n\n`

/** The last of the frames: how the run ended. It has no id, as it is no event of the run. */
export const outcomeFrame = (outcome: Outcome<unknown>): string => `event: outcome\ndata: ${outcomeJson(outcome)}\n\n`

/** How a run ended, as JSON. Its output is left out: it has been said. So is what is not known. */
export function outcomeJson({ status, usage, firstTokenMs, durationMs, ...rest }: Outcome<unknown>): string {
  const known = { ...(usage && { usage }), ...(firstTokenMs !== undefined && { firstTokenMs }) }
  return stringify({ status, ...known, durationMs, ...('error' in rest && { error: rest.error }) })
}

/** Headers of a streamed answer of one media type. */
export const streamHeaders = (type: string): Record<string, string> => ({
  'content-type': type,
  'cache-control': 'no-cache, no-transform',
  // Compressed, a stream may be held back until it ends: the local Worker does so, whatever cache-control says.
  'content-encoding': 'identity',
  // nginx and what is made of it hold answers back otherwise.
  'x-accel-buffering': 'no',
})

/** Headers of an answer of server-sent events. */
export const sseHeaders = (): Record<string, string> => streamHeaders('text/event-stream; charset=utf-8')
