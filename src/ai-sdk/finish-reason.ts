import type { FinishReason } from './part.ts'

const finishReasonsByStopReason: ReadonlyMap<string | undefined, FinishReason> = new Map([
  ['max_tokens', 'length'],
  ['length', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['refusal', 'content-filter'],
  ['content_filter', 'content-filter'],
  ['tool_use', 'tool-calls'],
  ['tool_calls', 'tool-calls'],
])

/** Converts a provider's stop reason. */
export const toFinishReason = (stopReason: string | undefined): FinishReason => finishReasonsByStopReason.get(stopReason) ?? 'stop'
