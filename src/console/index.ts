import type { RunEvent } from '../core/event.ts'
import type { CallbackMethods } from '../core/handler/methods.ts'
import type { PriceBook } from '../tokens/prices/prices.ts'
import { createPrinter } from './paint.ts'
import { TranscriptFormatter } from './transcript.ts'
import { TreeFormatter } from './tree.ts'

/** Options of {@link ConsoleCallbackHandler}. */
export interface ConsoleOptions {
  /**
   * `tree` (default): a line for each start, end and error of every run, with times and tokens. `transcript`: what an agent thinks and
   * does, as LangChain's StdOutCallbackHandler prints it; errors beside it.
   */
  readonly style?: 'tree' | 'transcript'
  /** Default: in terminals and browsers; not where `write` is given. */
  readonly color?: boolean
  /** Print what models say: line by line while they say it, a whole answer at its end. Default false. */
  readonly tokens?: boolean
  /** Shows in the tree what calls of models cost, as far as it is known; what a provider says itself is shown without. */
  readonly prices?: PriceBook
  /** Takes the place of `console.log`, with the same arguments: one text, or in the colours of browsers a format and its values. */
  readonly write?: (...line: readonly string[]) => void
}

/**
 * Prints runs to the console (LangChain's ConsoleCallbackHandler and, in the style `transcript`, its StdOutCallbackHandler). Control
 * characters in texts are left out, so that what a model says cannot forge what a terminal shows.
 *
 * In the console of a browser a line of the tree opens to show its value whole.
 *
 * @example
 * await chain.invoke({ animal: 'bears' }, { callbacks: [new ConsoleCallbackHandler()] })
 * // ▶ 1 chain RunnableSequence ← {"animal":"bears"}
 * // │ ▶ 1.1 prompt ChatPromptTemplate ← {"animal":"bears"}
 * // …
 */
export class ConsoleCallbackHandler implements CallbackMethods {
  readonly name: string = 'ConsoleCallbackHandler'
  readonly #print: (event: RunEvent) => void

  constructor({ style = 'tree', tokens = false, prices, ...printing }: ConsoleOptions = {}) {
    this.#print = createPrinter(style === 'tree' ? new TreeFormatter({ tokens, prices }) : new TranscriptFormatter({ tokens }), printing)
  }

  onEvent(event: RunEvent): void {
    this.#print(event)
  }
}
