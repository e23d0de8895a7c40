import { ChaintapError } from './errors.ts'
import type { Run, RunEvent } from './event.ts'
import { excerpt, parse } from './json-read.ts'
import { type JsonOptions, limitOf, stringify } from './json-value.ts'

export { Marked } from './json-mark.ts'
export { parse } from './json-read.ts'
export { type JsonOptions, stringify } from './json-value.ts'

type Check = (value: unknown) => boolean

const anything: Check = () => true
const text: Check = (value) => typeof value === 'string'
const number: Check = Number.isFinite
const record: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
const texts: Check = (value) => Array.isArray(value) && value.every(text)
const usage: Check = (value) => value === undefined || record(value)
const kinds: readonly unknown[] = ['chain', 'prompt', 'parser', 'llm', 'chat_model', 'tool', 'retriever', 'agent']

type Shape = readonly (readonly [field: string, check: Check])[]

/** What each type of event has beside `run`, `at`, `seq` and `type`. */
const shapes: Readonly<Record<RunEvent['type'], Shape>> = {
  start: [['input', anything]],
  token: [['token', text]],
  delta: [['delta', record]],
  chunk: [['chunk', anything]],
  end: [
    ['output', anything],
    ['usage', usage],
  ],
  error: [
    ['error', anything],
    ['partial', anything],
    ['usage', usage],
  ],
  text: [['text', text]],
  action: [['action', record]],
  finish: [['finish', record]],
  retry: [
    ['attempt', number],
    ['error', anything],
  ],
  custom: [
    ['name', text],
    ['data', anything],
  ],
}

const runShape: Shape = [
  ['id', text],
  ['parentId', (value) => value === undefined || text(value)],
  ['rootId', text],
  ['name', text],
  ['kind', (value) => kinds.includes(value)],
  ['tags', texts],
  ['metadata', record],
]

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
  const limit = limitOf(options)
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
    for (const [field] of shapes[type]) {
      const given = (event as unknown as Fields)[field]
      if (given !== undefined) json += `,"${field}":${value(given)}`
    }
    return `${json}}`
  }
}

type Fields = Record<string, unknown>

/** Runs that a decoder remembers at once; each is forgotten when it has ended, and the oldest where ends are missing. */
const REMEMBERED = 10_000

/**
 * Makes the decoder of one stream of events: what {@link encoder} wrote in, the event out. All events of a run have the same Run object.
 *
 * An error is of its class again: those of chaintap, the language's own, `AbortError` and `TimeoutError` of the platform; one of
 * another name is an Error with that name. Of a run whose beginning the stream does not hold the id is true, and the rest is a stand-in: named
 * `unknown`, its own root, a chat model where it speaks and a chain otherwise.
 *
 * @throws ChaintapError `invalid_json` from each call given something else: what is wrong, and in which field
 * @example
 * const decode = decoder()
 * for (const line of lines) show(decode(line))
 */
export function decoder(): (json: string) => RunEvent {
  const runs = new Map<string, Run>()
  return (json) => {
    const event = parse(json)
    if (!isRecord(event)) throw invalid(json, 'the whole', event)
    if (!Number.isFinite(event.at)) throw invalid(json, 'at', event.at)
    if (!Number.isInteger(event.seq)) throw invalid(json, 'seq', event.seq)
    if (typeof event.type !== 'string' || !Object.hasOwn(shapes, event.type)) throw invalid(json, 'type', event.type)
    const type = event.type as RunEvent['type']
    for (const [field, check] of shapes[type]) if (!check(event[field])) throw invalid(json, field, event[field])
    const run = typeof event.run === 'string' ? (runs.get(event.run) ?? standIn(event.run, type)) : runOf(json, event.run)
    if (type === 'end' || type === 'error') runs.delete(run.id)
    else if (runs.set(run.id, run).size > REMEMBERED) forgetOldest(runs)
    event.run = run
    return event as unknown as RunEvent
  }
}

function forgetOldest(runs: Map<string, Run>): void {
  for (const id of runs.keys()) {
    runs.delete(id)
    return
  }
}

function runOf(json: string, given: unknown): Run {
  if (!isRecord(given)) throw invalid(json, 'run', given)
  for (const [field, check] of runShape) if (!check(given[field])) throw invalid(json, `run.${field}`, given[field])
  return { parentId: undefined, ...given } as unknown as Run
}

function standIn(id: string, type: RunEvent['type']): Run {
  const kind = type === 'token' || type === 'delta' ? 'chat_model' : 'chain'
  return { id, parentId: undefined, rootId: id, name: 'unknown', kind, tags: [], metadata: {} }
}

const isRecord = (value: unknown): value is Fields => record(value)

const invalid = (json: string, field: string, value: unknown): ChaintapError =>
  new ChaintapError(
    'invalid_json',
    `This is no event of a run: ${field} is ${excerpt(stringify(value, { limit: 128 }))}, in ${excerpt(json)}. Decode what encoder() wrote.`,
  )
