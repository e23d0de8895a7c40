import type { RunEvent } from '../../core/event.ts'
import type { EventFilter } from '../../core/handler/filter.ts'
import type { Handler } from '../../core/handler/handler.ts'
import { isRunEvent } from '../../core/is-run-event.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { createPublicErrorMapper, type ExposeErrors, type PublicErrorMapper } from './public-error.ts'

/** Shorter messages are replaced only where they are a whole string: they occur in other texts by chance. */
const MIN_EMBEDDED_LENGTH = 8
/** Each text is searched for this many messages, so that a provider that makes 10,000 tool calls fail costs no quadratic time. */
const MAX_EMBEDDED_MESSAGES = 200
/** As deep as the codec encodes. Values below are omitted. */
const MAX_DEPTH = 200

/**
 * Removes the messages of errors from one run's other events. An agent gives a failed tool's message to its model, so without this the
 * caller would read it in the model's input, whatever `exposeErrors` says. The message is replaced wherever it occurs: in tool messages,
 * in the prompt of a ReAct agent, in outputs. A response without failures costs one comparison for each event.
 */
export class MessageMask {
  /** Maps errors to those that the caller receives. */
  readonly expose: PublicErrorMapper
  readonly #replacements = new Map<string, string>()
  /** The messages that may be part of a longer text, the longest first: one may contain another. */
  #embedded: [message: string, replacement: string][] = []

  constructor(exposeErrors: ExposeErrors | undefined) {
    this.expose = createPublicErrorMapper(exposeErrors)
  }

  /** Adds a handler that learns the messages of errors whose events `filter` may remove. */
  extend(callbacks: readonly Handler[], filter: EventFilter | undefined): readonly Handler[] {
    return filter ? [...callbacks, this.#learn] : callbacks
  }

  /** Replaces the messages in a batch of events or chunks. Errors of `error` and `retry` events stay: see `publicEvent`. */
  apply(batch: readonly unknown[]): readonly unknown[] {
    for (const item of batch) if (isFailure(item)) this.#learn(item)
    return this.#replacements.size === 0 ? batch : batch.map((item) => (isRunEvent(item) ? this.applyToEvent(item) : item))
  }

  /** Like {@link apply}, for one event. */
  applyToEvent(event: RunEvent): RunEvent {
    if (isFailure(event)) this.#learn(event)
    if (this.#replacements.size === 0) return event
    const copies = new Map<object, unknown>()
    const fields = Object.entries(event).map(([key, value]) => [
      key,
      key === 'run' || key === 'type' || key === 'error' ? value : this.#mask(value, copies, 0),
    ])
    return Object.fromEntries(fields) as RunEvent
  }

  readonly #learn = (event: RunEvent): void => {
    if (!isFailure(event)) return
    const message = errorMessage(event.error)
    const replacement = errorMessage(this.expose(event.error))
    if (message === '' || message === replacement || this.#replacements.has(message)) return
    // In a JSON text the message is escaped, and a prompt may contain it without the blanks around it.
    for (const text of new Set([message, message.trim(), JSON.stringify(message).slice(1, -1)])) {
      this.#replacements.set(text, replacement)
      if (text.length >= MIN_EMBEDDED_LENGTH) this.#embedded.push([text, replacement])
    }
    this.#embedded = this.#embedded.slice(-MAX_EMBEDDED_MESSAGES).sort(([a], [b]) => b.length - a.length)
  }

  #mask(value: unknown, copies: Map<object, unknown>, depth: number): unknown {
    if (typeof value === 'string') return this.#maskText(value)
    if (typeof value !== 'object' || value === null) return value
    if (value instanceof Error) return this.expose(value)
    if (copies.has(value)) return copies.get(value)
    if (depth === MAX_DEPTH) return undefined
    const prototype: unknown = Object.getPrototypeOf(value)
    if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) return value
    const copy: object = Array.isArray(value) ? [] : {}
    copies.set(value, copy)
    for (const [key, item] of Object.entries(value)) {
      const masked = this.#mask(item, copies, depth + 1)
      // Not by assignment, which would call the setter of `__proto__`.
      Object.defineProperty(copy, key, { value: masked, writable: true, enumerable: true, configurable: true })
    }
    return copy
  }

  #maskText(text: string): string {
    const whole = this.#replacements.get(text)
    if (whole !== undefined) return whole
    // A function: in a string, `$&` would have a meaning.
    return this.#embedded.reduce((rest, [message, replacement]) => rest.replaceAll(message, () => replacement), text)
  }
}

/** Whether an item is an event with an error. */
const isFailure = (item: unknown): item is RunEvent & { readonly error: unknown } => {
  const { type } = (item ?? {}) as Partial<RunEvent>
  return (type === 'error' || type === 'retry') && isRunEvent(item)
}
