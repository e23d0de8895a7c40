import type { UIMessagePart } from '../../ai-sdk/part.ts'
import { type PartWriter, partWriter } from '../../ai-sdk/part-writer.ts'
import { AbortReason, BudgetExceeded, ChaintapError, TimeoutError } from '../../core/errors.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Usage } from '../../core/usage.ts'
import { type Expose, messageOf } from '../response/public-error.ts'
import type { Writer, WriterOptions } from '../response/writer.ts'
import type { AgUiEvent, AgUiUsage, RunFinishedOutcome } from './ag-ui-event.ts'

/** Writes the events of AG-UI: each an event without a name, the last one `RUN_FINISHED` or `RUN_ERROR`. */
export function agUiWriter({ expose, agUi = {} }: WriterOptions): Writer {
  const parts: PartWriter = partWriter({ errorText: (error) => messageOf(expose(error)), messageId: undefined })
  const answer = new AgUiAnswer(agUi)
  const framed = (events: readonly AgUiEvent[]): string => events.map((event) => `data: ${plainJson(event)}\n\n`).join('')
  return {
    write: (batch) => framed(answer.read(parts.write(batch))),
    end: (outcome) => framed([...answer.read(parts.end(outcome)), ...answer.end(outcome, expose)]),
  }
}

/** One answer on its way, of the parts of a UI message: what belongs to the run, and where its steps end, is known there. */
class AgUiAnswer {
  #ids: { readonly threadId: string; readonly runId: string } = { threadId: '', runId: '' }
  readonly #given: NonNullable<WriterOptions['agUi']>
  /** Begins the ids of messages, which are those of the conversation. */
  #root = ''
  #count = 0
  #steps = 0
  #isInStep = false
  #isWhole = false
  /** The assistant's message that goes on: calls of tools hang at it. */
  #message: string | undefined
  /** Calls that are being written, and whether anything of their arguments was. */
  readonly #open = new Map<string, boolean>()
  /** Calls that nobody has answered. */
  readonly #pending = new Set<string>()

  constructor(given: NonNullable<WriterOptions['agUi']>) {
    this.#given = given
  }

  read(parts: readonly UIMessagePart[]): AgUiEvent[] {
    return parts.flatMap((part) => this.#events(part))
  }

  end(outcome: Outcome<unknown>, expose: Expose): AgUiEvent[] {
    const usage = outcome.usage && { usage: [usageOf(outcome.usage)] }
    if ('error' in outcome && !this.#isWhole && !isStopped(outcome)) {
      const { error } = outcome
      const code = error instanceof ChaintapError || error instanceof AbortReason ? error.code : outcome.status
      return [{ type: 'RUN_ERROR', message: messageOf(expose(error)), code, ...usage }]
    }
    const pending = [...this.#pending]
    const success: RunFinishedOutcome = { type: 'success', ...(pending.length > 0 && { pendingToolCallIds: pending }) }
    const open = [...this.#open.keys()].map((toolCallId): AgUiEvent => ({ type: 'TOOL_CALL_END', toolCallId }))
    const finished: AgUiEvent = {
      type: 'RUN_FINISHED',
      ...this.#ids,
      outcome: this.#isWhole ? success : { type: 'cancelled' },
      ...usage,
    }
    return [...open, ...this.#step(false), finished]
  }

  #events(part: UIMessagePart): AgUiEvent[] {
    switch (part.type) {
      case 'start':
        return [this.#start(part.messageId)]
      case 'start-step':
      case 'finish-step':
        return this.#step(part.type === 'start-step')
      case 'text-start':
        this.#message = this.#nextId()
        return [{ type: 'TEXT_MESSAGE_START', messageId: this.#message, role: 'assistant' }]
      case 'text-delta':
        return [{ type: 'TEXT_MESSAGE_CONTENT', messageId: this.#messageId, delta: part.delta }]
      case 'text-end':
        return [{ type: 'TEXT_MESSAGE_END', messageId: this.#messageId }]
      case 'finish':
        this.#isWhole = part.finishReason !== 'error'
        return []
      default:
        return this.#reasoning(part) ?? this.#tool(part) ?? other(part)
    }
  }

  #start(root: string): AgUiEvent {
    this.#root = root
    this.#ids = { threadId: this.#given.threadId ?? root, runId: this.#given.runId ?? root }
    return { type: 'RUN_STARTED', ...this.#ids, protocolVersion: '1.0' }
  }

  #step(isStart: boolean): AgUiEvent[] {
    if (isStart === this.#isInStep) return []
    this.#isInStep = isStart
    this.#message = undefined
    if (isStart) this.#steps++
    return [{ type: isStart ? 'STEP_STARTED' : 'STEP_FINISHED', stepName: `step ${this.#steps}` }]
  }

  #nextId(): string {
    return `${this.#root}:${this.#count++}`
  }

  get #messageId(): string {
    this.#message ??= this.#nextId()
    return this.#message
  }

  #reasoning(part: UIMessagePart): AgUiEvent[] | undefined {
    if (!part.type.startsWith('reasoning-') || !('id' in part)) return undefined
    const messageId = `${this.#root}:reasoning-${part.id}`
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

  #tool(part: UIMessagePart): AgUiEvent[] | undefined {
    if (!('toolCallId' in part)) return undefined
    const { toolCallId } = part
    if (part.type === 'tool-input-start') return [this.#call(toolCallId, part.toolName)]
    if (part.type === 'tool-input-delta') {
      this.#open.set(toolCallId, true)
      return [{ type: 'TOOL_CALL_ARGS', toolCallId, delta: part.inputTextDelta }]
    }
    if (part.type === 'tool-input-available') {
      const start = this.#open.has(toolCallId) ? [] : [this.#call(toolCallId, part.toolName)]
      const args: AgUiEvent[] = this.#open.get(toolCallId) ? [] : [{ type: 'TOOL_CALL_ARGS', toolCallId, delta: plainJson(part.input) }]
      this.#open.delete(toolCallId)
      this.#pending.add(toolCallId)
      return [...start, ...args, { type: 'TOOL_CALL_END', toolCallId }]
    }
    this.#pending.delete(toolCallId)
    const output = part.type === 'tool-output-error' ? part.errorText : part.output
    const content = typeof output === 'string' ? output : plainJson(output)
    return [{ type: 'TOOL_CALL_RESULT', messageId: this.#nextId(), toolCallId, role: 'tool', content }]
  }

  #call(toolCallId: string, toolCallName: string): AgUiEvent {
    this.#open.set(toolCallId, false)
    return { type: 'TOOL_CALL_START', toolCallId, toolCallName, parentMessageId: this.#messageId }
  }
}

/** Whether it was stopped, and has not failed; what took too long, or too much, has. */
const isStopped = (outcome: Outcome<unknown>): boolean =>
  outcome.status === 'aborted' && !(outcome.error instanceof TimeoutError || outcome.error instanceof BudgetExceeded)

/** What a chain makes is the state that the client sees; what it emits and what it cites is its own. The end is told by the outcome. */
function other(part: UIMessagePart): AgUiEvent[] {
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
function usageOf({ inputTokens, outputTokens, totalTokens, reasoningTokens, cacheReadTokens, cacheWriteTokens }: Usage): AgUiUsage {
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
