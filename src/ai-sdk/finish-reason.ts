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

/** Converts a provider's stop reason. A response that ends well with calls to answer is `tool-calls`: some providers give no reason, or `stop`. */
export function toFinishReason(stopReason: string | undefined, hasPendingCalls = false): FinishReason {
  const finishReason = finishReasonsByStopReason.get(stopReason) ?? 'stop'
  return finishReason === 'stop' && hasPendingCalls ? 'tool-calls' : finishReason
}
