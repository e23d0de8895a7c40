import { Flow } from '../core/flow/flow.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'

/** The type of {@link passthrough}. */
export interface Passthrough<T> extends Runnable<T, T, T> {
  /** Tells the compiler that in a map the output has the type of the map's input. Never set. */
  readonly isPassthrough?: true
}

/**
 * Creates a runnable that returns its input, chunk by chunk (LangChain's RunnablePassthrough): e.g. a step of `parallel` that keeps the
 * input.
 *
 * @example
 * const both = parallel({ question: passthrough(), answer: chain })
 */
export function passthrough<T>(): Passthrough<T> {
  return createRunnable<T, T, T>({
    name: 'RunnablePassthrough',
    open: (input) => Flow.of(input),
    through: (flow) => flow as Flow<T>,
  })
}
