import { ChaintapError } from '../core/errors.ts'
import type { Listener, RunEvent } from '../core/event.ts'
import { type Handler, handlerName, type ResolvedHandler, reportHandlerError, toListener } from '../core/handler/handler.ts'
import type { RunOptions } from '../core/options.ts'

/** Options of {@link background}. */
export interface BackgroundOptions {
  /** How many events may wait, at least 1. Default 1,000. */
  readonly limit?: number
  /** What happens when that many do: the run waits, or an event is dropped. Default `wait`. */
  readonly overflow?: 'wait' | 'drop-oldest' | 'drop-newest'
  /** Told when the handler fails: the runs, and what they report to, have gone on by then. Default: `reportError`, else `console.error`. */
  readonly onHandlerError?: RunOptions['onHandlerError']
}

/** A handler in the background. */
export interface Background extends Listener {
  /** How many events were dropped so far. */
  readonly dropped: number
  /** Settles when the handler has heard what was waiting at the call, and has flushed. */
  flush(): Promise<void>
}

/**
 * A handler that no run waits for: it hears events one at a time and in order, but in its own time, over a bounded queue. It cannot
 * fail a run, `raiseError` or not. `stream.flushed` waits for what it was told until then.
 *
 * @throws ChaintapError `invalid_options` for a limit below 1
 * @example
 * const ship = background(async (event) => void (await fetch('/log', { method: 'POST', body: encode(event) })), { overflow: 'drop-oldest' })
 */
export function background(handler: Handler, { limit = 1_000, overflow = 'wait', onHandlerError }: BackgroundOptions = {}): Background {
  if (!(limit >= 1)) throw new ChaintapError('invalid_options', `limit is ${limit}: give the number of events that may wait, 1 or more.`)
  let lifted: ResolvedHandler | undefined
  const queue = new BackgroundQueue(limit, async (event) => {
    try {
      lifted ??= toListener(handler)
      await lifted.listener(event)
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

/** What waits, and the one who works it off. */
class BackgroundQueue {
  dropped = 0
  readonly #limit: number
  readonly #handle: (event: RunEvent) => Promise<void>
  readonly #events: RunEvent[] = []
  #pushed = 0
  #isProcessing = false
  #space: PromiseWithResolvers<void> | undefined
  #flushes: { readonly upTo: number; readonly resolve: () => void }[] = []

  /** `hear` must not reject. */
  constructor(limit: number, hear: (event: RunEvent) => Promise<void>) {
    this.#limit = limit
    this.#handle = hear
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

  /** A promise where the queue is full. */
  waitForSpace(): Promise<void> | undefined {
    if (!this.isFull) return
    this.#space ??= Promise.withResolvers()
    return this.#space.promise
  }

  /** Settles when what was pushed until now has been heard or dropped; what is pushed later, by other runs, is not waited for. */
  drain(): Promise<void> {
    if (!this.#isProcessing) return Promise.resolve()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#flushes.push({ upTo: this.#pushed, resolve })
    return promise
  }

  async #process(): Promise<void> {
    this.#isProcessing = true
    // Whoever pushed is not to wait for the handler's synchronous part either.
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
