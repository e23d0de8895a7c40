import { ChaintapError } from '../core/errors.ts'
import type { Listener, RunEvent } from '../core/event.ts'
import { checkHandler } from '../core/handler/check-handlers.ts'
import { type Handler, handlerName, type ResolvedHandler, reportHandlerError, toListener } from '../core/handler/handler.ts'
import { withLangChain } from '../core/handler/langchain.ts'
import type { RunOptions } from '../core/options.ts'

/** Options of {@link background}. */
export interface BackgroundOptions {
  /**
   * The maximum number of queued events, at least 1.
   *
   * @defaultValue 1_000
   */
  readonly limit?: number
  /**
   * What happens when the queue is full: the run waits for space, or an event is dropped.
   *
   * @defaultValue 'wait'
   */
  readonly overflow?: 'wait' | 'drop-oldest' | 'drop-newest'
  /** Called when the handler fails. The run's own option is not used: the run may be over. Default: `reportError`, else `console.error`. */
  readonly onHandlerError?: RunOptions['onHandlerError']
}

/** A handler that no run waits for. See {@link background}. */
export interface Background extends Listener {
  /** The number of events dropped so far. */
  readonly dropped: number
  /** Resolves when the handler has processed the events that were queued at the call, and has flushed. */
  flush(): Promise<void>
}

/**
 * Wraps a handler so that runs do not wait for it: it receives events one at a time and in order, from a bounded queue. It cannot fail a
 * run, even with `raiseError`. `flushed` of a run's stream waits until the handler has processed the events queued by then.
 *
 * @throws ChaintapError `invalid_options` if `limit` is below 1, or it is no handler
 * @example
 * const encode = encoder()
 * const post = async (event: RunEvent) => void (await fetch('/log', { method: 'POST', body: encode(event) }))
 * await chain.invoke('Hello', { callbacks: [background(post, { overflow: 'drop-oldest' })] })
 */
export function background(given: Handler, { limit = 1_000, overflow = 'wait', onHandlerError }: BackgroundOptions = {}): Background {
  if (!(limit >= 1)) throw new ChaintapError('invalid_options', `background(): limit must be at least 1 event, but is ${limit}.`)
  checkHandler(given, 'background()')
  const handler = withLangChain(given, reportHandlerError)
  let resolved: ResolvedHandler | undefined
  const queue = new BackgroundQueue(limit, async (event) => {
    try {
      resolved ??= toListener(handler)
      await resolved.listener(event)
    } catch (error) {
      reportHandlerError(error, event, handler, onHandlerError)
    }
  })
  const listener: Listener = (event) => {
    if (queue.isFull && overflow === 'drop-newest') return void queue.dropped++
    if (queue.isFull && overflow === 'drop-oldest') queue.dropOldest()
    queue.push(event)
    if (overflow === 'wait') return queue.waitForSpace()
  }
  const flush = async (): Promise<void> => {
    await queue.drain()
    if ('flush' in handler) await handler.flush?.()
  }
  Object.defineProperties(listener, { name: { value: handlerName(handler) }, dropped: { get: () => queue.dropped } })
  return Object.assign(listener as Background, { flush })
}

/** A queue of events and the loop that passes them to the handler. */
class BackgroundQueue {
  dropped = 0
  readonly #limit: number
  readonly #handle: (event: RunEvent) => Promise<void>
  readonly #events: RunEvent[] = []
  #pushed = 0
  #isProcessing = false
  #space: PromiseWithResolvers<void> | undefined
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = []

  /** @param handle must not reject */
  constructor(limit: number, handle: (event: RunEvent) => Promise<void>) {
    this.#limit = limit
    this.#handle = handle
  }

  get isFull(): boolean {
    return this.#events.length >= this.#limit
  }

  push(event: RunEvent): void {
    this.#pushed++
    this.#events.push(event)
    if (!this.#isProcessing) void this.#process()
  }

  dropOldest(): void {
    this.#events.shift()
    this.dropped++
  }

  /** Returns a promise that resolves when there is space; undefined if there already is. */
  waitForSpace(): Promise<void> | undefined {
    if (!this.isFull) return
    this.#space ??= Promise.withResolvers()
    return this.#space.promise
  }

  /** Resolves when the events pushed so far were processed or dropped. Does not wait for events that other runs push later. */
  drain(): Promise<void> {
    if (!this.#isProcessing) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#flushes.push({ upTo: this.#pushed, resolve })
    return promise
  }

  async #process(): Promise<void> {
    this.#isProcessing = true
    // `push` must not wait for the synchronous part of the handler either.
    await Promise.resolve()
    for (let event = this.#take(); event; event = this.#take()) {
      await this.#handle(event)
      const done = this.#pushed - this.#events.length
      for (const { upTo, resolve } of this.#flushes) if (upTo <= done) resolve()
      this.#flushes = this.#flushes.filter(({ upTo }) => upTo > done)
    }
    this.#isProcessing = false
  }

  #take(): RunEvent | undefined {
    const event = this.#events.shift()
    if (!this.isFull) {
      this.#space?.resolve()
      this.#space = undefined
    }
    return event
  }
}
