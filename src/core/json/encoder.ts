import type { Run, RunEvent } from '../event.ts'
import { eventFields } from './event-fields.ts'
import { type JsonOptions, resolveStringLimit, stringify } from './stringify.ts'

/**
 * Creates the encoder of one stream of events: a function that converts an event to one line of JSON. The function never throws.
 *
 * - `run` is the whole run in its `start` event and in the run's first event of this stream; in later events it is the run's id.
 * - Undefined fields are omitted. Other values are written as {@link stringify} writes them.
 * - An error is `{ "$": "error", name, message, cause?, … }` with its own properties (`code`, `status`, …), without its stack.
 *
 * @throws ChaintapError `invalid_options` if `limit` is below 128
 * @example
 * const encode = encoder()
 * const lines: string[] = []
 * await chain.invoke('Hello', { callbacks: [(event) => void lines.push(encode(event))] })
 */
export function encoder(options: JsonOptions = {}): (event: RunEvent) => string {
  const limit = resolveStringLimit(options)
  // Weak: an entry lives as long as its run.
  const ids = new WeakMap<Run, string>()
  const value = (given: unknown): string =>
    // Fast path: nearly all events are tokens, and most others carry a text, too.
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
