import { Flow } from '../core/flow/flow.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'

/**
 * Creates a runnable that returns its input, chunk by chunk (LangChain's RunnablePassthrough): e.g. a step of `parallel` that keeps the
 * input.
 *
 * @example
 * const both = parallel({ question: passthrough<string>(), answer: chain })
 */
export function passthrough<T>(): Runnable<T, T, T> {
  return createRunnable<T, T, T>({
    name: 'RunnablePassthrough',
    open: (input) => Flow.of(input),
    through: (flow) => flow as Flow<T>,
  })
}
