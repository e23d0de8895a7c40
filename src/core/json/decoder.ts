import { ChaintapError } from '../errors.ts'
import type { Run, RunEvent } from '../event.ts'
import { isRecord } from '../util/is-record.ts'
import { rememberRun } from '../util/remember-run.ts'
import { eventFields, type FieldList, stringArrayField, stringField } from './event-fields.ts'
import { excerpt, parse } from './parse.ts'

const knownRunKinds: readonly unknown[] = ['chain', 'prompt', 'parser', 'llm', 'chat_model', 'tool', 'retriever', 'agent']

const runFields: FieldList = [
  ['id', stringField],
  ['parentId', (value) => value === undefined || stringField(value)],
  ['rootId', stringField],
  ['name', stringField],
  ['kind', (value) => knownRunKinds.includes(value)],
  ['tags', stringArrayField],
  ['metadata', isRecord],
]

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
    if (!isRecord(event)) throw invalidEventError(json, 'the whole', event)
    if (!Number.isFinite(event.at)) throw invalidEventError(json, 'at', event.at)
    if (!Number.isInteger(event.seq)) throw invalidEventError(json, 'seq', event.seq)
    if (typeof event.type !== 'string' || !Object.hasOwn(eventFields, event.type)) throw invalidEventError(json, 'type', event.type)
    const type = event.type as RunEvent['type']
    for (const [field, check] of eventFields[type]) if (!check(event[field])) throw invalidEventError(json, field, event[field])
    const run = typeof event.run === 'string' ? (runs.get(event.run) ?? placeholderRun(event.run, type)) : parseRun(json, event.run)
    if (type === 'end' || type === 'error') runs.delete(run.id)
    else rememberRun(runs, run.id, run)
    event.run = run
    return event as unknown as RunEvent
  }
}

function parseRun(json: string, given: unknown): Run {
  if (!isRecord(given)) throw invalidEventError(json, 'run', given)
  for (const [field, check] of runFields) if (!check(given[field])) throw invalidEventError(json, `run.${field}`, given[field])
  return { parentId: undefined, ...given } as unknown as Run
}

function placeholderRun(id: string, type: RunEvent['type']): Run {
  const kind = type === 'token' || type === 'delta' ? 'chat_model' : 'chain'
  return { id, parentId: undefined, rootId: id, name: 'unknown', kind, tags: [], metadata: {} }
}

const invalidEventError = (json: string, field: string, value: unknown): ChaintapError =>
  new ChaintapError(
    'invalid_json',
    `This is no event of a run: ${field} is ${excerpt(jsonForMessage(value))}, in ${excerpt(json)}. Decode what encoder() wrote.`,
  )

// Not stringify(): who reads events need not write any, and would load half as much again.
const jsonForMessage = (value: unknown): string =>
  String(JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item)))
