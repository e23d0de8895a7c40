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

/** Writes the events of AG-UI: each an event without a name, the last one `RUN_FINISHED` or `RUN_ERROR`. */
export function agUiWriter({ expose, agUi = {} }: ResponseWriterOptions): ResponseWriter {
  const parts: PartWriter = createPartWriter({ errorText: (error) => errorMessage(expose(error)), messageId: undefined })
  const answer = new AgUiEncoder(agUi)
  const encodeFrames = (events: readonly AgUiEvent[]): string => events.map((event) => `data: ${plainJson(event)}\n\n`).join('')
  return {
    write: (batch) => encodeFrames(answer.encode(parts.write(batch))),
    end: (outcome) => encodeFrames([...answer.encode(parts.end(outcome)), ...answer.end(outcome, expose)]),
  }
}

/** One answer on its way, of the parts of a UI message: what belongs to the run, and where its steps end, is known there. */
class AgUiEncoder {
  #ids: { readonly threadId: string; readonly runId: string } = { threadId: '', runId: '' }
  readonly #options: NonNullable<ResponseWriterOptions['agUi']>
  /** Begins the ids of messages, which are those of the conversation. */
  #idPrefix = ''
  #messageCount = 0
  #stepCount = 0
  #isInStep = false
  #isComplete = false
  /** The assistant's message that goes on: calls of tools hang at it. */
  #openMessageId: string | undefined
  /** Calls that are being written, and whether anything of their arguments was. */
  readonly #openCalls = new Map<string, boolean>()
  /** Calls that nobody has answered. */
  readonly #pendingCallIds = new Set<string>()

  constructor(given: NonNullable<ResponseWriterOptions['agUi']>) {
    this.#options = given
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
    if (part.type === 'tool-input-available') {
      const start = this.#openCalls.has(toolCallId) ? [] : [this.#encodeCallStart(toolCallId, part.toolName)]
      const args: AgUiEvent[] = this.#openCalls.get(toolCallId)
        ? []
        : [{ type: 'TOOL_CALL_ARGS', toolCallId, delta: plainJson(part.input) }]
      this.#openCalls.delete(toolCallId)
      this.#pendingCallIds.add(toolCallId)
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

/** Whether it was stopped, and has not failed; what took too long, or too much, has. */
const isCancelled = (outcome: Outcome<unknown>): boolean =>
  outcome.status === 'aborted' && !(outcome.error instanceof TimeoutError || outcome.error instanceof BudgetExceeded)

/** What a chain makes is the state that the client sees; what it emits and what it cites is its own. The end is told by the outcome. */
function toCustomEvents(part: UIMessagePart): AgUiEvent[] {
  if (part.type === 'source-url') {
    const { url, title } = part
    return [{ type: 'CUSTOM', name: 'source', value: { url, ...(title && { title }) } }]
  }
  if (!('data' in part)) return []
  const data = part.data ?? null
  return [
    part.id === undefined
      ? { type: 'CUSTOM', name: part.type.slice('data-'.length), value: data }
      : { type: 'STATE_SNAPSHOT', snapshot: data },
  ]
}

/** Figures as AG-UI has them; what is not known is left out, as JSON does with `undefined`. */
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
