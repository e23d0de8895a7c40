import type { RunEvent } from '../core/event.ts'
import type { CallbackMethods } from '../core/methods.ts'
import { type Paint, paintFor } from './console-paint.ts'
import { Transcript } from './console-transcript.ts'
import { TreeLines } from './console-tree.ts'

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
  /** Takes the place of `console.log`, with the same arguments: one text, or in the colours of browsers a format and its values. */
  readonly write?: (...line: readonly string[]) => void
}

/**
 * Prints runs to the console (LangChain's ConsoleCallbackHandler and, in the style `transcript`, its StdOutCallbackHandler). Control
 * characters in texts are left out, so that what a model says cannot forge what a terminal shows.
 *
 * Nothing is grouped by `console.group`: groups are one stack for the whole page, in which runs side by side would end up in each other.
 *
 * @example
 * await chain.invoke({ animal: 'bears' }, { callbacks: [new ConsoleCallbackHandler()] })
 * // ▶ 1 chain RunnableSequence ← {"animal":"bears"}
 * // │ ▶ 1.1 prompt ChatPromptTemplate ← {"animal":"bears"}
 * // …
 */
export class ConsoleCallbackHandler implements CallbackMethods {
  readonly name: string = 'ConsoleCallbackHandler'
  readonly #format: Transcript | TreeLines
  readonly #paint: Paint
  readonly #write: (...line: readonly string[]) => void

  constructor({ style = 'tree', color, tokens = false, write }: ConsoleOptions = {}) {
    this.#format = style === 'tree' ? new TreeLines({ tokens }) : new Transcript({ tokens })
    this.#paint = paintFor(color ?? (write ? false : undefined))
    // biome-ignore lint/suspicious/noConsole: what it is for
    this.#write = write ?? ((...line) => console.log(...line))
  }

  onEvent(event: RunEvent): void {
    const segments = this.#format.format(event)
    if (segments) this.#write(...this.#paint(segments))
  }
}
