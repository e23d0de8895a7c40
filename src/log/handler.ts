import type { RunEvent } from '../core/event.ts'
import type { CallbackMethods } from '../core/handler/methods.ts'
import type { LogStore } from './store.ts'

/** Options of {@link logHandler}. */
export interface LogHandlerOptions {
  /** Also what models say, token by token; their answers are in the log either way. Default true. */
  readonly tokens?: boolean
}

/**
 * A handler that writes every event to a log. No run waits for it; `stream.flushed` waits until what it wrote is kept. A log that fails
 * harms nothing.
 *
 * @example
 * await chain.invoke(input, { callbacks: [logHandler(store)] })
 */
export function logHandler(store: LogStore, { tokens = true }: LogHandlerOptions = {}): CallbackMethods {
  return {
    name: 'logHandler',
    onEvent: (event) => (tokens || !isModelOutput(event) ? store.write(event) : undefined),
    flush: () => flushIgnoringErrors(store),
  }
}

const isModelOutput = ({ type }: RunEvent): boolean => type === 'token' || type === 'delta' || type === 'chunk'

/** A log's failures are its own: it has warned of them, and a run is not to hear of them. */
export const flushIgnoringErrors = (store: LogStore): Promise<void> => store.flush().catch(() => {})
