import { Flow } from '../core/flow/flow.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'

/**
 * Gives what it is given, chunk by chunk (LangChain's RunnablePassthrough): a branch of `parallel` that keeps the input.
 *
 * @example
 * const chain = parallel({ question: passthrough<string>(), context: retrieve })
 */
export function passthrough<T>(): Runnable<T, T, T> {
  return createRunnable<T, T, T>({
    name: 'RunnablePassthrough',
    open: (input) => Flow.of(input),
    through: (flow) => flow as Flow<T>,
  })
}
