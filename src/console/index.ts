import type { RunEvent } from '../core/event.ts'
import type { CallbackMethods } from '../core/handler/methods.ts'
import type { PriceBook } from '../tokens/prices/prices.ts'
import { createPrinter } from './paint.ts'
import { TranscriptFormatter } from './transcript.ts'
import { TreeFormatter } from './tree.ts'

/** Options of {@link ConsoleCallbackHandler}. */
export interface ConsoleOptions {
  /**
   * The format. `tree`: a line for each start, end and error of every run, with durations and tokens. `transcript`: an agent's thoughts
   * and actions, as LangChain's StdOutCallbackHandler prints them, plus errors.
   *
   * @defaultValue 'tree'
   */
  readonly style?: 'tree' | 'transcript'
  /** Whether to print colours. Default: true in terminals and browsers without `write`, otherwise false. */
  readonly color?: boolean
  /**
   * Whether to print the text of models: streamed text line by line, other responses when they are complete.
   *
   * @defaultValue false
   */
  readonly tokens?: boolean
  /** Prices, to show the cost of model calls in the tree. A cost that the provider reports is shown without them. */
  readonly prices?: PriceBook
  /** Replaces `console.log` and gets its arguments: one text, or with a browser's colours a format string and its values. */
  readonly write?: (...line: readonly string[]) => void
}

/**
 * Prints runs to the console, like LangChain's ConsoleCallbackHandler or, with `style: 'transcript'`, its StdOutCallbackHandler. Removes
 * control characters from texts, so that a model's output cannot control the terminal.
 *
 * In a browser's console, lines of the tree can be expanded to show the whole value.
 *
 * @example
 * await prompt.pipe(model).invoke({ animal: 'bears' }, { callbacks: [new ConsoleCallbackHandler()] })
 * // ▶ 1 chain RunnableSequence ← {"animal":"bears"}
 * // │ ▶ 1.1 prompt ChatPromptTemplate ← {"animal":"bears"}
 * // …
 */
export class ConsoleCallbackHandler implements CallbackMethods {
  /** The name in reports of the handler's failures. */
  readonly name: string = 'ConsoleCallbackHandler'
  readonly #print: (event: RunEvent) => void

  constructor({ style = 'tree', tokens = false, prices, ...printing }: ConsoleOptions = {}) {
    this.#print = createPrinter(style === 'tree' ? new TreeFormatter({ tokens, prices }) : new TranscriptFormatter({ tokens }), printing)
  }

  /** Prints an event. */
  onEvent(event: RunEvent): void {
    this.#print(event)
  }
}
