import type { RunEvent } from '../../core/event.ts'
import { encoder, stringify } from '../../core/json/index.ts'
import type { Outcome } from '../../core/outcome.ts'
import { type PublicErrorMapper, publicEvent } from './public-error.ts'

/** The field before a frame's sequence number, which `Last-Event-ID` names. */
const ID_FIELD = 'id: '
const DATA_FIELD = '\ndata: '

/**
 * Encodes the events of one run as server-sent events: `id: seq`, `event: type` and `data:` with the codec's JSON, which has no line
 * breaks.
 */
export function eventFrameEncoder(expose: PublicErrorMapper): (event: RunEvent) => string {
  const encode = encoder()
  return (event) => `${ID_FIELD}${event.seq}\nevent: ${event.type}${DATA_FIELD}${encode(publicEvent(event, expose))}\n\n`
}

/** Encodes the last frame of a run. It has no `id`, because the outcome is no event. Errors are sent as they are: see `publicOutcome`. */
export const encodeOutcomeFrame = (outcome: Outcome<unknown>): string => `event: outcome${DATA_FIELD}${outcomeJson(outcome)}\n\n`

/** Encodes an outcome as JSON. Omits its output, which the events contain, and fields that are undefined. */
export function outcomeJson({ status, usage, firstTokenMs, durationMs, ...rest }: Outcome<unknown>): string {
  const known = { ...(usage && { usage }), ...(firstTokenMs !== undefined && { firstTokenMs }) }
  return stringify({ status, ...known, durationMs, ...('error' in rest && { error: rest.error }) })
}

/** Returns the JSON of an event frame, given without the blank line that ends it. */
export const eventFrameJson = (frame: string): string => frame.slice(frame.indexOf(DATA_FIELD) + DATA_FIELD.length)

/** Skips the frames up to and including `seq`. `bytes` must begin with a frame. */
export function framesAfter(seq: number, bytes: Uint8Array): Uint8Array {
  const utf8 = new TextDecoder()
  let at = 0
  while (at < bytes.byteLength) {
    const line = utf8.decode(bytes.subarray(at, bytes.indexOf(10, at)))
    // NaN for the outcome, which has no id.
    if (!(Number(line.slice(ID_FIELD.length)) <= seq)) break
    // A frame has four lines: id, event, data and an empty one.
    for (let lines = 0; lines < 4; lines++) at = bytes.indexOf(10, at) + 1
  }
  return bytes.subarray(at)
}
