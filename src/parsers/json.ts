import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { lastChunkFold } from '../core/flow/fold.ts'
import type { AssistantMessage } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { JsonInText } from './json-in-text.ts'
import { chunkToText } from './text.ts'

/** What may be known of a value while it is written: keys may be missing, strings and arrays may go on. */
export type DeepPartial<T> = T extends string
  ? string
  : T extends readonly (infer Item)[]
    ? readonly DeepPartial<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
      : T

/**
 * The JSON that a model writes (LangChain's JsonOutputParser). Its stream yields the value as it grows, whenever more of it is known;
 * its output is the whole. What it may be is for you to say, and is not checked.
 *
 * - Takes Deltas, messages and strings. Reasoning, tool calls and usage are left out, and so is what models write around JSON: prose, a
 *   fence. The first array or object is taken.
 * - Each chunk is a value of its own that later ones do not change, but they share what they have in common: do not change them. What is
 *   equal in two of them is the same object in both, so a component that holds a part is drawn again only when the part has changed.
 * - A string is given as far as it is known; a number, `true`, `false` or `null` when it is whole; a key with its value.
 * - Where arrays or objects are wide (over 128 items or 32 keys that are still open), a chunk comes when enough text has come to pay for
 *   it, so that the time stays in proportion to the text.
 *
 * @throws ChaintapError `output_parser` at the end of a run, where there is no JSON, or where it is wrong or cut.
 *
 * @example
 * const chain = prompt.pipe(model).pipe(new JsonOutputParser<{ setup: string; punchline: string }>())
 * for await (const { setup = '', punchline = '' } of chain.stream({ animal: 'bears' })) show(setup, punchline)
 */
// NoInfer: where `pipe` takes it, T would be inferred from a type that `batch` has in common with all runnables: Error.
export class JsonOutputParser<T = unknown> extends Runnable<AssistantMessage | string, NoInfer<T>, DeepPartial<T>> {
  readonly name = 'JsonOutputParser'
  readonly kind: RunKind = 'parser'

  /** What to tell the model. */
  getFormatInstructions(): string {
    return 'Answer with JSON alone: no other text, and no code fence.'
  }

  override open(input: AssistantMessage | string): Flow<DeepPartial<T>> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<DeepPartial<T>> {
    const json = new JsonInText()
    let shown: unknown
    const show = (value: unknown, controller: TransformStreamDefaultController<DeepPartial<T>>): void => {
      if (value !== shown) controller.enqueue(value as DeepPartial<T>)
      shown = value
    }
    return flow.through<DeepPartial<T>>(
      {
        transform(chunk, controller) {
          json.add(chunkToText(chunk, 'JsonOutputParser'))
          show(json.result(), controller)
        },
        flush: (controller) => show(json.end(), controller),
      },
      lastChunkFold,
    )
  }
}
