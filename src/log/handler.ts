import type { RunEvent } from '../core/event.ts'
import type { CallbackMethods } from '../core/handler/methods.ts'
import type { LogStore } from './store.ts'

/** Options of {@link logHandler}. */
export interface LogHandlerOptions {
  /**
   * Also writes `token`, `delta` and `chunk` events. The outputs of models are in their `end` events either way.
   *
   * @defaultValue true
   */
  readonly tokens?: boolean
}

/**
 * Returns a handler that writes every event to a log. Runs do not wait for it; `stream.flushed` resolves after the events are stored. Errors
 * of the log do not reach the run.
 *
 * @example
 * const store = new MemoryLogStore()
 * await chain.invoke('hello', { callbacks: [logHandler(store)] })
 */
export function logHandler(store: LogStore, { tokens = true }: LogHandlerOptions = {}): CallbackMethods {
  return {
    name: 'logHandler',
    onEvent: (event) => (tokens || !isModelOutput(event) ? store.write(event) : undefined),
    flush: () => flushIgnoringErrors(store),
  }
}

const isModelOutput = ({ type }: RunEvent): boolean => type === 'token' || type === 'delta' || type === 'chunk'

/** The log has already warned of its errors on the console; they must not reach a run. */
export const flushIgnoringErrors = (store: LogStore): Promise<void> => store.flush().catch(() => {})
