import type { RunEvent } from '../event.ts'
import { isRecord } from '../util/is-record.ts'

/** Whether a value is valid for a field. */
export type FieldCheck = (value: unknown) => boolean

const anyField: FieldCheck = () => true
/** Accepts strings. */
export const stringField: FieldCheck = (value) => typeof value === 'string'
const numberField: FieldCheck = Number.isFinite
/** Accepts arrays of strings. */
export const stringArrayField: FieldCheck = (value) => Array.isArray(value) && value.every(stringField)
const optionalRecordField: FieldCheck = (value) => value === undefined || isRecord(value)

/** Names and checks of fields. */
export type FieldList = readonly (readonly [field: string, check: FieldCheck])[]

/** The fields of each event type, except `run`, `at`, `seq` and `type`. */
export const eventFields: Readonly<Record<RunEvent['type'], FieldList>> = {
  start: [
    ['input', anyField],
    ['request', optionalRecordField],
  ],
  token: [['token', stringField]],
  delta: [['delta', isRecord]],
  chunk: [['chunk', anyField]],
  end: [
    ['output', anyField],
    ['usage', optionalRecordField],
    ['answered', optionalRecordField],
  ],
  error: [
    ['error', anyField],
    ['partial', anyField],
    ['usage', optionalRecordField],
    ['answered', optionalRecordField],
  ],
  text: [['text', stringField]],
  action: [['action', isRecord]],
  finish: [['finish', isRecord]],
  retry: [
    ['attempt', numberField],
    ['error', anyField],
  ],
  custom: [
    ['name', stringField],
    ['data', anyField],
  ],
}
