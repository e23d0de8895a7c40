import type { UIMessagePart } from '../../ai-sdk/part.ts'
import { createPartWriter, type PartWriter } from '../../ai-sdk/part-writer.ts'
import { AbortReason, BudgetExceeded, ChaintapError, TimeoutError } from '../../core/errors.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Usage } from '../../core/usage.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import type { ResponseWriter, ResponseWriterOptions } from '../response/format.ts'
import type { PublicErrorMapper } from '../response/public-error.ts'
import type { AgUiEvent, AgUiUsage, RunFinishedOutcome } from './ag-ui-event.ts'

/** Writes the events of AG-UI as unnamed server-sent events. The last one is `RUN_FINISHED` or `RUN_ERROR`. */
export function agUiWriter({ expose, agUi = {} }: ResponseWriterOptions): ResponseWriter {
  const parts: PartWriter = createPartWriter({ errorText: (error) => errorMessage(expose(error)), messageId: undefined })
  const encoder = new AgUiEncoder(agUi)
  const encodeFrames = (events: readonly AgUiEvent[]): string => events.map((event) => `data: ${plainJson(event)}\n\n`).join('')
  return {
    write: (batch) => encodeFrames(encoder.encode(parts.write(batch))),
    end: (outcome) => encodeFrames([...encoder.encode(parts.end(outcome)), ...encoder.end(outcome, expose)]),
  }
}

/** Encodes one response from the parts of a UI message, which contain what the client should see, split into steps. */
class AgUiEncoder {
  #ids: { readonly threadId: string; readonly runId: string } = { threadId: '', runId: '' }
  readonly #options: NonNullable<ResponseWriterOptions['agUi']>
  /** Prefix of message ids, which must be unique in the conversation. */
  #idPrefix = ''
  #messageCount = 0
  #stepCount = 0
  #isInStep = false
  #isComplete = false
  /** The id of the current assistant message, which is the parent of tool calls. */
  #openMessageId: string | undefined
  /** Tool calls whose arguments are incomplete, and whether any arguments were sent. */
  readonly #openCalls = new Map<string, boolean>()
  /** Tool calls without a result. */
  readonly #pendingCallIds = new Set<string>()

  constructor(options: NonNullable<ResponseWriterOptions['agUi']>) {
    this.#options = options
  }

  encode(parts: readonly UIMessagePart[]): AgUiEvent[] {
    return parts.flatMap((part) => this.#encodePart(part))
  }

  end(outcome: Outcome<unknown>, expose: PublicErrorMapper): AgUiEvent[] {
    const usage = outcome.usage && { usage: [toAgUiUsage(outcome.usage)] }
    if ('error' in outcome && !this.#isComplete && !isCancelled(outcome)) {
      const { error } = outcome
      const code = error instanceof ChaintapError || error instanceof AbortReason ? error.code : outcome.status
      return [{ type: 'RUN_ERROR', message: errorMessage(expose(error)), code, ...usage }]
    }
    const pending = [...this.#pendingCallIds]
    const success: RunFinishedOutcome = { type: 'success', ...(pending.length > 0 && { pendingToolCallIds: pending }) }
    const open = [...this.#openCalls.keys()].map((toolCallId): AgUiEvent => ({ type: 'TOOL_CALL_END', toolCallId }))
    const finished: AgUiEvent = {
      type: 'RUN_FINISHED',
      ...this.#ids,
      outcome: this.#isComplete ? success : { type: 'cancelled' },
      ...usage,
    }
    return [...open, ...this.#encodeStep(false), finished]
  }

  #encodePart(part: UIMessagePart): AgUiEvent[] {
    switch (part.type) {
      case 'start':
        return [this.#encodeStart(part.messageId)]
      case 'start-step':
      case 'finish-step':
        return this.#encodeStep(part.type === 'start-step')
      case 'text-start':
        this.#openMessageId = this.#nextId()
        return [{ type: 'TEXT_MESSAGE_START', messageId: this.#openMessageId, role: 'assistant' }]
      case 'text-delta':
        return [{ type: 'TEXT_MESSAGE_CONTENT', messageId: this.#messageId, delta: part.delta }]
      case 'text-end':
        return [{ type: 'TEXT_MESSAGE_END', messageId: this.#messageId }]
      case 'finish':
        this.#isComplete = part.finishReason !== 'error'
        return []
      default:
        return this.#encodeReasoning(part) ?? this.#encodeTool(part) ?? toCustomEvents(part)
    }
  }

  #encodeStart(root: string): AgUiEvent {
    this.#idPrefix = root
    this.#ids = { threadId: this.#options.threadId ?? root, runId: this.#options.runId ?? root }
    return { type: 'RUN_STARTED', ...this.#ids, protocolVersion: '1.0' }
  }

  #encodeStep(isStart: boolean): AgUiEvent[] {
    if (isStart === this.#isInStep) return []
    this.#isInStep = isStart
    this.#openMessageId = undefined
    if (isStart) this.#stepCount++
    return [{ type: isStart ? 'STEP_STARTED' : 'STEP_FINISHED', stepName: `step ${this.#stepCount}` }]
  }

  #nextId(): string {
    return `${this.#idPrefix}:${this.#messageCount++}`
  }

  get #messageId(): string {
    this.#openMessageId ??= this.#nextId()
    return this.#openMessageId
  }

  #encodeReasoning(part: UIMessagePart): AgUiEvent[] | undefined {
    if (!part.type.startsWith('reasoning-') || !('id' in part)) return undefined
    const messageId = `${this.#idPrefix}:reasoning-${part.id}`
    if ('delta' in part) return [{ type: 'REASONING_MESSAGE_CONTENT', messageId, delta: part.delta }]
    if (part.type === 'reasoning-end') {
      return [
        { type: 'REASONING_MESSAGE_END', messageId },
        { type: 'REASONING_END', messageId },
      ]
    }
    return [
      { type: 'REASONING_START', messageId },
      { type: 'REASONING_MESSAGE_START', messageId, role: 'reasoning' },
    ]
  }

  #encodeTool(part: UIMessagePart): AgUiEvent[] | undefined {
    if (!('toolCallId' in part)) return undefined
    const { toolCallId } = part
    if (part.type === 'tool-input-start') return [this.#encodeCallStart(toolCallId, part.toolName)]
    if (part.type === 'tool-input-delta') {
      this.#openCalls.set(toolCallId, true)
      return [{ type: 'TOOL_CALL_ARGS', toolCallId, delta: part.inputTextDelta }]
    }
    if (part.type === 'tool-input-available' || part.type === 'tool-input-error') {
      const start = this.#openCalls.has(toolCallId) ? [] : [this.#encodeCallStart(toolCallId, part.toolName)]
      const args: AgUiEvent[] = this.#openCalls.get(toolCallId)
        ? []
        : [{ type: 'TOOL_CALL_ARGS', toolCallId, delta: plainJson(part.input) }]
      this.#openCalls.delete(toolCallId)
      // A client must not run a call whose arguments are not valid JSON.
      if (part.type === 'tool-input-available') this.#pendingCallIds.add(toolCallId)
      return [...start, ...args, { type: 'TOOL_CALL_END', toolCallId }]
    }
    this.#pendingCallIds.delete(toolCallId)
    const output = part.type === 'tool-output-error' ? part.errorText : part.output
    const content = typeof output === 'string' ? output : plainJson(output)
    return [{ type: 'TOOL_CALL_RESULT', messageId: this.#nextId(), toolCallId, role: 'tool', content }]
  }

  #encodeCallStart(toolCallId: string, toolCallName: string): AgUiEvent {
    this.#openCalls.set(toolCallId, false)
    return { type: 'TOOL_CALL_START', toolCallId, toolCallName, parentMessageId: this.#messageId }
  }
}

/** Whether a run was stopped on request. A timeout or an exceeded budget is a failure. */
const isCancelled = (outcome: Outcome<unknown>): boolean =>
  outcome.status === 'aborted' && !(outcome.error instanceof TimeoutError || outcome.error instanceof BudgetExceeded)

/** Converts the chain's output to a state snapshot, and custom events and citations to custom events. Other parts have no counterpart. */
function toCustomEvents(part: UIMessagePart): AgUiEvent[] {
  if (part.type === 'source-url') {
    const { url, title } = part
    return [{ type: 'CUSTOM', name: 'source', value: { url, ...(title && { title }) } }]
  }
  if (!('data' in part)) return []
  const { data } = part
  return [
    part.id === undefined
      ? { type: 'CUSTOM', name: part.type.slice('data-'.length), value: data }
      : { type: 'STATE_SNAPSHOT', snapshot: data },
  ]
}

/** Converts usage to AG-UI's format, without unknown figures. */
function toAgUiUsage({ inputTokens, outputTokens, totalTokens, reasoningTokens, cacheReadTokens, cacheWriteTokens }: Usage): AgUiUsage {
  const known = {
    inputTokens,
    outputTokens,
    totalTokens,
    reasoningTokens,
    cachedInputTokens: cacheReadTokens,
    cacheWriteInputTokens: cacheWriteTokens,
  }
  return Object.fromEntries(Object.entries(known).filter(([, figure]) => figure !== undefined))
}
