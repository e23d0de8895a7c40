import type { Delta } from '../core/delta.ts'
import type { EventOf, Run, RunEvent } from '../core/event.ts'
import { isRunEvent } from '../core/is-run-event.ts'
import type { Outcome } from '../core/outcome.ts'
import { idFactory } from '../core/util/id.ts'
import { toFinishReason } from './finish-reason.ts'
import { type UIMessagePart, valueOrNull } from './part.ts'
import { ToolCallParts } from './tool-call-parts.ts'

/** Options of a {@link PartWriter}. */
export interface PartWriterOptions {
  /** Returns the text that is sent for an error. */
  readonly errorText: (error: unknown) => string
  /** The id of the message to continue. Undefined begins a new message with the id of the root run. */
  readonly messageId?: string | undefined
}

/** Converts one run to parts. */
export interface PartWriter {
  /** Converts run events, or chunks of `stream()`. */
  write(batch: readonly unknown[]): UIMessagePart[]
  /** Converts the end of the run. */
  end(outcome: Outcome<unknown>): UIMessagePart[]
}

/** Creates the writer of one run. */
export const createPartWriter = (options: PartWriterOptions): PartWriter => new UIMessagePartWriter(options)

type TextPartKind = 'text' | 'reasoning'

/** Run id of chunks that are read without events. */
const NO_RUN = ''

/**
 * Converts one run to the parts of a message.
 *
 * - Text parts contain the text chunks of the chain. A tool-calling agent yields its answer only once it is complete, so its model's tokens
 *   are used instead, and its own chunk is omitted if it repeats them.
 * - Reasoning, sources and tool calls come from model runs, tool results from tool runs. Runs inside a tool are ignored.
 * - A step ends when a model run starts after a tool run.
 */
class UIMessagePartWriter implements PartWriter {
  #parts: UIMessagePart[] = []
  /** The open text or reasoning part. */
  #openPart: { readonly kind: TextPartKind; readonly id: string } | undefined
  #idCount = 0
  #isStarted = false
  #isStepOver = false
  #hasEnded = false
  #stopReason: string | undefined
  /** The text of the agent's current model run. */
  #agentText = ''
  readonly #toolCalls: ToolCallParts
  /** Kinds of the open runs outside tools. */
  readonly #runKinds = new Map<string, Run['kind']>()
  readonly #errorText: (error: unknown) => string
  readonly #messageId: string | undefined

  constructor({ errorText, messageId }: PartWriterOptions) {
    this.#errorText = errorText
    this.#messageId = messageId
    this.#toolCalls = new ToolCallParts((part) => this.#addPart(part), errorText)
  }

  write(batch: readonly unknown[]): UIMessagePart[] {
    for (const item of batch) {
      if (isRunEvent(item)) this.#onEvent(item)
      else {
        this.#startMessage()
        this.#onChunk(item, true)
      }
    }
    return this.#takeParts()
  }

  end(outcome: Outcome<unknown>): UIMessagePart[] {
    this.#startMessage()
    this.#closePart()
    if (outcome.status === 'complete') this.#toolCalls.completeInputs(NO_RUN)
    if (outcome.status === 'aborted') {
      this.#parts.push({ type: 'abort', reason: this.#errorText(outcome.error) })
      return this.#takeParts()
    }
    const { status, usage } = outcome
    // A truncated run whose root ended was accepted by `onTruncated`.
    const failure = status === 'truncated' && this.#hasEnded ? 'other' : 'error'
    if (status !== 'complete' && failure === 'error') this.#parts.push({ type: 'error', errorText: this.#errorText(outcome.error) })
    const finishReason = status === 'complete' ? toFinishReason(this.#stopReason, this.#toolCalls.hasPending) : failure
    this.#parts.push({ type: 'finish-step' }, { type: 'finish', finishReason, ...(usage && { messageMetadata: { usage } }) })
    return this.#takeParts()
  }

  #takeParts(): UIMessagePart[] {
    const parts = this.#parts
    this.#parts = []
    return parts
  }

  #startMessage(run?: Run): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#parts.push({ type: 'start', messageId: this.#messageId ?? run?.rootId ?? idFactory()() }, { type: 'start-step' })
  }

  #onEvent(event: RunEvent): void {
    const { run } = event
    this.#startMessage(run)
    if (event.type === 'start' && run.kind !== 'tool' && this.#isOutsideTools(run)) this.#runKinds.set(run.id, run.kind)
    if (event.type === 'start' && (run.kind === 'chat_model' || run.kind === 'llm') && this.#isOutsideTools(run)) this.#onModelStart()
    if (run.kind === 'tool' && this.#isOutsideTools(run)) this.#isStepOver = this.#toolCalls.handleToolEvent(event) || this.#isStepOver
    if (event.type === 'custom') this.#addPart({ type: `data-${event.name}`, data: valueOrNull(event.data) })
    if (event.type === 'chunk') this.#onChunk(event.chunk, false)
    if (event.type === 'end' && run.id === run.rootId) this.#hasEnded = true
    if (!this.#runKinds.has(run.id)) return
    if (event.type === 'token') this.#onToken(event)
    else if (event.type === 'delta') this.#onDelta(event.delta, run.id)
    else if (event.type === 'end' || event.type === 'error') {
      // After an error the arguments of a call may be incomplete.
      if (event.type === 'end') this.#toolCalls.completeInputs(run.id, event.output)
      this.#runKinds.delete(run.id)
    }
  }

  /** Whether a run is not inside a tool. */
  readonly #isOutsideTools = ({ parentId }: Run): boolean => parentId === undefined || this.#runKinds.has(parentId)

  /** Begins the next step if tools ran before this model. */
  #onModelStart(): void {
    this.#agentText = ''
    this.#stopReason = undefined
    if (!this.#isStepOver) return
    this.#isStepOver = false
    this.#addPart({ type: 'finish-step' })
    this.#addPart({ type: 'start-step' })
  }

  #onToken({ run, token }: EventOf<'token'>): void {
    if (run.kind !== 'chat_model' || this.#runKinds.get(run.parentId ?? '') !== 'agent') return
    this.#agentText += token
    this.#addText('text', token)
  }

  /** `isChunkStream`: there are no events, so Deltas other than text are read from the chunks. */
  #onChunk(chunk: unknown, isChunkStream: boolean): void {
    const delta = (typeof chunk === 'string' ? { type: 'text', text: chunk } : chunk) as Delta | null | undefined
    if (delta?.type === 'text' && typeof delta.text === 'string') {
      if (this.#agentText !== '' && delta.text === this.#agentText) this.#agentText = ''
      else this.#addText('text', delta.text)
    } else if (!isDelta(delta)) this.#addPart({ type: 'data-output', id: 'output', data: valueOrNull(chunk) })
    else if (isChunkStream) this.#onDelta(delta, NO_RUN)
  }

  #onDelta(delta: Delta, run: string): void {
    if (delta.type === 'reasoning') this.#addText('reasoning', delta.text)
    else if (delta.type === 'tool-call') this.#toolCalls.addDelta(run, delta)
    else if (delta.type === 'stop') this.#stopReason = delta.reason
    else if (delta.type === 'citation' && typeof delta.citation.url === 'string') {
      const { url, title } = delta.citation
      this.#parts.push({ type: 'source-url', sourceId: `${this.#idCount++}`, url, ...(title && { title }) })
    }
  }

  #addText(kind: TextPartKind, delta: string): void {
    if (delta === '') return
    if (this.#openPart?.kind !== kind) {
      this.#closePart()
      this.#openPart = { kind, id: `${this.#idCount++}` }
      this.#parts.push({ type: `${kind}-start`, id: this.#openPart.id })
    }
    const { id } = this.#openPart
    const last = this.#parts.at(-1)
    // Joins the deltas of one batch: one part for each chunk of the provider's response.
    if (last && 'delta' in last && last.type === `${kind}-delta`) last.delta += delta
    else this.#parts.push({ type: `${kind}-delta`, id, delta })
  }

  #closePart(): void {
    if (this.#openPart) this.#parts.push({ type: `${this.#openPart.kind}-end`, id: this.#openPart.id })
    this.#openPart = undefined
  }

  #addPart(part: UIMessagePart): void {
    this.#closePart()
    this.#parts.push(part)
  }
}

const DELTA_TYPES: readonly unknown[] = ['text', 'reasoning', 'citation', 'break', 'block', 'tool-call', 'usage', 'stop', 'meta']
const isDelta = (chunk: unknown): chunk is Delta => DELTA_TYPES.includes((chunk as { type?: unknown } | undefined)?.type)
