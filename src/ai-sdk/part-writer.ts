import type { Delta } from '../core/delta.ts'
import type { EventOf, Run, RunEvent } from '../core/event.ts'
import { isEvent } from '../core/is-run-event.ts'
import type { Outcome } from '../core/outcome.ts'
import { idFactory } from '../core/util/id.ts'
import { finishReasonOf } from './finish-reason.ts'
import type { UIMessagePart } from './part.ts'
import { Calls } from './tool-call-parts.ts'

/** What a writer of parts is told. */
export interface PartOptions {
  /** What the reader is told of an error. */
  readonly errorText: (error: unknown) => string
  /** Of the message that is gone on with; undefined makes a new one, with the id of the root run. */
  readonly messageId?: string | undefined
}

/** Writes one answer as parts. */
export interface PartWriter {
  /** Events of a run tree, or chunks of a `stream()`. */
  write(batch: readonly unknown[]): UIMessagePart[]
  end(outcome: Outcome<unknown>): UIMessagePart[]
}

/** Makes the writer of one answer. */
export const partWriter = (options: PartOptions): PartWriter => new Parts(options)

type Kind = 'text' | 'reasoning'

/** Of what no event tells the run. */
const NO_RUN = ''

/**
 * One answer on its way.
 *
 * - Text is what the chain yields. A tool-calling agent yields its answer only when it has come whole: there the tokens of its model are
 *   the text, and what the agent yields is left out where it says the same.
 * - Reasoning, sources and tool calls come from the models, with their results from the tools; what a tool does within itself is its own.
 * - A step ends where a model is asked again after a tool.
 */
class Parts implements PartWriter {
  #out: UIMessagePart[] = []
  /** The text or reasoning that goes on. */
  #open: { readonly kind: Kind; readonly id: string } | undefined
  #count = 0
  #isStarted = false
  #isStepOver = false
  #hasEnded = false
  #stopReason: string | undefined
  /** What an agent's model says at the moment, where it speaks to the user. */
  #spoken = ''
  readonly #calls: Calls
  /** Kinds of the open runs that are no tool's own. */
  readonly #kinds = new Map<string, Run['kind']>()
  readonly #errorText: (error: unknown) => string
  readonly #messageId: string | undefined

  constructor({ errorText, messageId }: PartOptions) {
    this.#errorText = errorText
    this.#messageId = messageId
    this.#calls = new Calls((part) => this.#add(part), errorText)
  }

  write(batch: readonly unknown[]): UIMessagePart[] {
    for (const item of batch) {
      if (isEvent(item)) this.#event(item)
      else {
        this.#start()
        this.#chunk(item, true)
      }
    }
    return this.#take()
  }

  end(outcome: Outcome<unknown>): UIMessagePart[] {
    this.#start()
    this.#close()
    if (outcome.status === 'complete') this.#calls.ended(NO_RUN)
    if (outcome.status === 'aborted') {
      this.#out.push({ type: 'abort', reason: this.#errorText(outcome.error) })
      return this.#take()
    }
    const { status, usage } = outcome
    // One that was cut, and ended all the same, was accepted so.
    const cut = status === 'truncated' && this.#hasEnded ? 'other' : 'error'
    if (status !== 'complete' && cut === 'error') this.#out.push({ type: 'error', errorText: this.#errorText(outcome.error) })
    const finishReason = status === 'complete' ? finishReasonOf(this.#stopReason) : cut
    this.#out.push({ type: 'finish-step' }, { type: 'finish', finishReason, ...(usage && { messageMetadata: { usage } }) })
    return this.#take()
  }

  #take(): UIMessagePart[] {
    const out = this.#out
    this.#out = []
    return out
  }

  #start(run?: Run): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#out.push({ type: 'start', messageId: this.#messageId ?? run?.rootId ?? idFactory()() }, { type: 'start-step' })
  }

  #event(event: RunEvent): void {
    const { run } = event
    this.#start(run)
    if (event.type === 'start' && run.kind !== 'tool' && this.#isOurs(run)) this.#kinds.set(run.id, run.kind)
    if (event.type === 'start' && (run.kind === 'chat_model' || run.kind === 'llm') && this.#isOurs(run)) this.#turn()
    if (run.kind === 'tool' && this.#isOurs(run)) this.#isStepOver = this.#calls.tool(event) || this.#isStepOver
    if (event.type === 'custom') this.#add({ type: `data-${event.name}`, data: event.data })
    if (event.type === 'chunk') this.#chunk(event.chunk, false)
    if (event.type === 'end' && run.id === run.rootId) this.#hasEnded = true
    if (!this.#kinds.has(run.id)) return
    if (event.type === 'token') this.#token(event)
    else if (event.type === 'delta') this.#delta(event.delta, run.id)
    else if (event.type === 'end' || event.type === 'error') {
      // Of a call that was cut off nobody knows the input.
      if (event.type === 'end') this.#calls.ended(run.id)
      this.#kinds.delete(run.id)
    }
  }

  /** Whether a run is no part of a tool's own work. */
  readonly #isOurs = ({ parentId }: Run): boolean => parentId === undefined || this.#kinds.has(parentId)

  /** A model is asked: after tools, that is the next step. */
  #turn(): void {
    this.#spoken = ''
    if (!this.#isStepOver) return
    this.#isStepOver = false
    this.#add({ type: 'finish-step' })
    this.#add({ type: 'start-step' })
  }

  #token({ run, token }: EventOf<'token'>): void {
    if (run.kind !== 'chat_model' || this.#kinds.get(run.parentId ?? '') !== 'agent') return
    this.#spoken += token
    this.#say('text', token)
  }

  /** `isAll`: no events tell what else is said. */
  #chunk(chunk: unknown, isAll: boolean): void {
    const delta = (typeof chunk === 'string' ? { type: 'text', text: chunk } : chunk) as Delta | null | undefined
    if (delta?.type === 'text' && typeof delta.text === 'string') {
      if (this.#spoken !== '' && delta.text === this.#spoken) this.#spoken = ''
      else this.#say('text', delta.text)
    } else if (!isDelta(delta)) this.#add({ type: 'data-output', id: 'output', data: chunk })
    else if (isAll) this.#delta(delta, NO_RUN)
  }

  #delta(delta: Delta, run: string): void {
    if (delta.type === 'reasoning') this.#say('reasoning', delta.text)
    else if (delta.type === 'tool-call') this.#calls.piece(run, delta)
    else if (delta.type === 'stop') this.#stopReason = delta.reason
    else if (delta.type === 'citation' && typeof delta.citation.url === 'string') {
      const { url, title } = delta.citation
      this.#out.push({ type: 'source-url', sourceId: `${this.#count++}`, url, ...(title && { title }) })
    }
  }

  #say(kind: Kind, delta: string): void {
    if (delta === '') return
    if (this.#open?.kind !== kind) {
      this.#close()
      this.#open = { kind, id: `${this.#count++}` }
      this.#out.push({ type: `${kind}-start`, id: this.#open.id })
    }
    const { id } = this.#open
    const last = this.#out.at(-1)
    // A part for each wire chunk is enough.
    if (last && 'delta' in last && last.type === `${kind}-delta`) last.delta += delta
    else this.#out.push({ type: `${kind}-delta`, id, delta })
  }

  #close(): void {
    if (this.#open) this.#out.push({ type: `${this.#open.kind}-end`, id: this.#open.id })
    this.#open = undefined
  }

  #add(part: UIMessagePart): void {
    this.#close()
    this.#out.push(part)
  }
}

const deltas: readonly unknown[] = ['text', 'reasoning', 'citation', 'break', 'block', 'tool-call', 'usage', 'stop', 'meta']
const isDelta = (chunk: unknown): chunk is Delta => deltas.includes((chunk as { type?: unknown } | undefined)?.type)
