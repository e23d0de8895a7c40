import type { Usage } from 'chaintap'
import { stringify } from 'chaintap/json'

/** The text of an unknown figure, which is never shown as 0. */
export const unknown = '–'

export const duration = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`)

export function usageText({ inputTokens, outputTokens, totalTokens }: Usage): string {
  if (inputTokens === undefined && outputTokens === undefined) return `${totalTokens ?? unknown} tokens`
  return `${inputTokens ?? unknown} in, ${outputTokens ?? unknown} out`
}

/** Formats a cost. Below one cent, two significant digits are shown. */
export function dollars(cost: number): string {
  return `$${cost > 0 && cost < 0.01 ? cost.toLocaleString('en', { maximumSignificantDigits: 2 }) : cost.toFixed(2)}`
}

/** Formats any value of an event as text. The codec of events writes what JSON cannot. */
export function valueText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value instanceof Error) return `${value.name}: ${value.message}`
  return JSON.stringify(JSON.parse(stringify(value)), undefined, 2)
}
