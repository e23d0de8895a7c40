import type { RunEvent } from '../event.ts'

export type Check = (value: unknown) => boolean

const anything: Check = () => true
export const text: Check = (value) => typeof value === 'string'
const number: Check = Number.isFinite
export const record: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value)
export const texts: Check = (value) => Array.isArray(value) && value.every(text)
const usage: Check = (value) => value === undefined || record(value)

export type Shape = readonly (readonly [field: string, check: Check])[]

/** What each type of event has beside `run`, `at`, `seq` and `type`. */
export const shapes: Readonly<Record<RunEvent['type'], Shape>> = {
  start: [['input', anything]],
  token: [['token', text]],
  delta: [['delta', record]],
  chunk: [['chunk', anything]],
  end: [
    ['output', anything],
    ['usage', usage],
    ['answered', usage],
  ],
  error: [
    ['error', anything],
    ['partial', anything],
    ['usage', usage],
    ['answered', usage],
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
