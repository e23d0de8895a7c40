/**
 * The events of the AG-UI protocol 1.0 that chaintap writes.
 *
 * @see https://docs.ag-ui.com/concepts/events
 */
export type AgUiEvent =
  | { type: 'RUN_STARTED'; threadId: string; runId: string; protocolVersion: '1.0' }
  | { type: 'STEP_STARTED' | 'STEP_FINISHED'; stepName: string }
  | { type: 'TEXT_MESSAGE_START'; messageId: string; role: 'assistant' }
  | { type: 'TEXT_MESSAGE_CONTENT' | 'REASONING_MESSAGE_CONTENT'; messageId: string; delta: string }
  | { type: 'TEXT_MESSAGE_END' | 'REASONING_MESSAGE_END' | 'REASONING_START' | 'REASONING_END'; messageId: string }
  | { type: 'REASONING_MESSAGE_START'; messageId: string; role: 'reasoning' }
  | { type: 'TOOL_CALL_START'; toolCallId: string; toolCallName: string; parentMessageId: string }
  | { type: 'TOOL_CALL_ARGS'; toolCallId: string; delta: string }
  | { type: 'TOOL_CALL_END'; toolCallId: string }
  | { type: 'TOOL_CALL_RESULT'; messageId: string; toolCallId: string; role: 'tool'; content: string }
  | { type: 'STATE_SNAPSHOT'; snapshot: unknown }
  | { type: 'CUSTOM'; name: string; value: unknown }
  | { type: 'RUN_FINISHED'; threadId: string; runId: string; outcome: RunFinishedOutcome; usage?: AgUiUsage[] }
  | { type: 'RUN_ERROR'; message: string; code?: string; usage?: AgUiUsage[] }

/** How a run ended that did not fail. The client must answer the pending tool calls. */
export type RunFinishedOutcome = { type: 'success'; pendingToolCallIds?: string[] } | { type: 'cancelled' }

/** The token usage of a run. Figures that no provider reported are omitted. */
export interface AgUiUsage {
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly totalTokens?: number
  readonly reasoningTokens?: number
  readonly cachedInputTokens?: number
  readonly cacheWriteInputTokens?: number
}
