import type { Usage } from '../../../core/usage.ts'
import { type RunRow, runStateOf, tokenRate } from './row.ts'

/** Displayed for unknown values, which are never displayed as 0. */
export const UNKNOWN_TEXT = '–'

export const kindText = (kind: string): string => kind.replace('_', ' ')

export const plural = (count: number, noun: string): string => `${count.toLocaleString()} ${noun}${count === 1 ? '' : 's'}`

export function durationText(ms: number | undefined): string {
  if (ms === undefined) return UNKNOWN_TEXT
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(2)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

export const rateText = (row: RunRow): string => {
  const rate = tokenRate(row)
  return rate === undefined ? UNKNOWN_TEXT : `${rate < 10 ? rate.toFixed(1) : rate.toFixed(0)}/s`
}

function usageText({ inputTokens, outputTokens, totalTokens }: Usage): string {
  if (inputTokens === undefined && outputTokens === undefined) return `${totalTokens ?? UNKNOWN_TEXT} tokens`
  return `${inputTokens ?? UNKNOWN_TEXT} in, ${outputTokens ?? UNKNOWN_TEXT} out`
}

const padTwoDigits = (value: number): string => `${value}`.padStart(2, '0')

/** A time of today with milliseconds; of another day with the date, to the second. */
export function timeText(at: number, today: Date = new Date()): string {
  const date = new Date(at)
  const time = `${padTwoDigits(date.getHours())}:${padTwoDigits(date.getMinutes())}:${padTwoDigits(date.getSeconds())}`
  if (date.toDateString() === today.toDateString()) return `${time}.${`${date.getMilliseconds()}`.padStart(3, '0')}`
  return `${padTwoDigits(date.getMonth() + 1)}-${padTwoDigits(date.getDate())} ${time}`
}

/** The facts displayed at the end of a run's line. */
export function runLineFacts(row: RunRow): readonly string[] {
  const state = runStateOf(row)
  const facts: string[] = state === 'ended' ? [] : [state]
  if (tokenRate(row) !== undefined) facts.push(rateText(row))
  if (row.retries > 0) facts.push(row.retries === 1 ? '1 retry' : `${row.retries} retries`)
  if (row.totalUsage) facts.push(usageText(row.totalUsage))
  else if (row.tokens > 0 && facts.length < 2) facts.push(plural(row.tokens, 'token'))
  return facts
}
