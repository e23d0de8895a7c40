import type { Run, RunEvent } from '../event.ts'
import { eventFields } from './event-fields.ts'
import { type JsonOptions, resolveStringLimit, stringify } from './stringify.ts'

/**
 * Makes the encoder of one stream of events: an event in, one JSON text without line breaks out. It never throws.
 *
 * - A run is whole in its `start`, or where the stream first tells of it, and its id from then on.
 * - A field that is undefined is left out. Other values are written as `stringify` writes them.
 * - An error is `{ "$": "error", name, message, cause?, … }` with what it has of its own (`code`, `status`, `requestId`, …), without its stack.
 *
 * @throws ChaintapError `invalid_options` for a limit below 128
 * @example
 * const encode = encoder()
 * const lines: string[] = []
 * await chain.invoke(input, { callbacks: [(event) => void lines.push(encode(event))] })
 */
export function encoder(options: JsonOptions = {}): (event: RunEvent) => string {
  const limit = resolveStringLimit(options)
  // Weak: what is remembered of a run goes with it.
  const ids = new WeakMap<Run, string>()
  const value = (given: unknown): string =>
    // Nearly all events are tokens, and most others carry a text too.
    typeof given === 'string' && given.length <= limit ? JSON.stringify(given) : stringify(given, options)
  const run = ({ run, type }: RunEvent): string => {
    const id = ids.get(run)
    if (id !== undefined && type !== 'start') return id
    ids.set(run, JSON.stringify(run.id))
    const { parentId, ...root } = run
    return stringify(parentId === undefined ? root : run, options)
  }
  return (event) => {
    const { at, seq, type } = event
    let json = `{"run":${run(event)},"at":${at},"seq":${seq},"type":"${type}"`
    for (const [field] of eventFields[type]) {
      const given = (event as unknown as Record<string, unknown>)[field]
      if (given !== undefined) json += `,"${field}":${value(given)}`
    }
    return `${json}}`
  }
}
