import { ChaintapError } from '../errors.ts'
import type { Run, RunEvent } from '../event.ts'
import { isRecord } from '../util/is-record.ts'
import { rememberRun } from '../util/remember-run.ts'
import { eventFields, type FieldList, stringArrayField, stringField } from './event-fields.ts'
import { excerpt, excerptValue, parse } from './parse.ts'

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
 * Creates the decoder of one stream of events: a function that converts the JSON text of {@link encoder} to the event. All events of a
 * run share one Run object.
 *
 * - Errors are restored as their class: those of chaintap, the built-in ones, and the platform's `AbortError` and `TimeoutError`. Any
 *   other error is an Error of that name.
 * - If the stream does not contain the start of a run, the events' `run` has the right `id` and placeholders: named `unknown`, its own
 *   root, a chat model if it emits tokens or deltas, otherwise a chain.
 *
 * @throws ChaintapError `invalid_json` from the returned function if the text is not an event; the message names the field
 * @example
 * const decode = decoder()
 * const lines = await (await fetch('/log')).text()
 * for (const line of lines.trimEnd().split('\n')) console.log(decode(line).type)
 */
export function decoder(): (json: string) => RunEvent {
  const runs = new Map<string, Run>()
  return (json) => {
    const event = parse(json)
    if (!isRecord(event)) throw invalidEventError(json, 'the value', event)
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

function parseRun(json: string, value: unknown): Run {
  if (!isRecord(value)) throw invalidEventError(json, 'run', value)
  for (const [field, check] of runFields) if (!check(value[field])) throw invalidEventError(json, `run.${field}`, value[field])
  return { parentId: undefined, ...value } as unknown as Run
}

function placeholderRun(id: string, type: RunEvent['type']): Run {
  const kind = type === 'token' || type === 'delta' ? 'chat_model' : 'chain'
  return { id, parentId: undefined, rootId: id, name: 'unknown', kind, tags: [], metadata: {} }
}

const invalidEventError = (json: string, field: string, value: unknown): ChaintapError =>
  new ChaintapError(
    'invalid_json',
    `Not a run event: ${field} is ${excerptValue(value)} in ${excerpt(json)}. Pass text that encoder() wrote.`,
  )
