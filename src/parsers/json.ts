import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { lastChunkFold } from '../core/flow/fold.ts'
import type { AssistantMessage } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { JsonInText } from './json-in-text.ts'
import { chunkToText } from './text.ts'

/** A value of type `T` that is still being received: keys may be missing, strings and arrays may be incomplete. */
export type DeepPartial<T> = T extends string
  ? string
  : T extends readonly (infer Item)[]
    ? readonly DeepPartial<Item>[]
    : T extends object
      ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
      : T

/**
 * Parses the JSON in a model's answer (LangChain's JsonOutputParser). The stream yields the partial value each time more of it is known;
 * the output is the complete value. It is typed as `T` but not validated.
 *
 * - Input: Deltas, messages or strings. Reasoning, tool calls and usage are dropped, as are prose and code around the JSON, and thinking
 *   that a server left in the text (`<think>…</think>`, or `</think>` alone if the prompt had the opening tag).
 * - If there are several arrays and objects, the answer is the first one that stands on its own: at the start of a line, after a colon or
 *   in a code fence. One inside a sentence, or in code of another language, is the answer if no other one follows.
 * - Strings may contain line breaks and other control characters that are not escaped.
 * - Chunks are snapshots: later chunks do not change earlier ones. A later chunk is another value if the earlier one was not the answer.
 *   Unchanged parts are the same object in both, so a component that receives a part is rendered again only if the part has changed. Do
 *   not modify chunks.
 * - Strings are partial. Numbers, `true`, `false` and `null` appear when complete (LangChain shows `12` on the way to `123`). Keys appear
 *   with their values.
 * - If open arrays or objects are wide (over 128 items or 32 keys), chunks are spaced out, so that the total time stays linear in the
 *   length of the text.
 *
 * @throws ChaintapError `output_parser` at the end of a run, if there is no JSON or it is invalid or incomplete.
 *
 * @example
 * const parsed = prompt.pipe(model).pipe(new JsonOutputParser<{ setup: string; punchline: string }>())
 * for await (const { setup = '', punchline = '' } of parsed.stream({ animal: 'bears' })) show(`${setup} ${punchline}`)
 */
// NoInfer: without it, `pipe` infers T from a type that `batch` shares with all runnables: Error.
export class JsonOutputParser<T = unknown> extends Runnable<AssistantMessage | string, NoInfer<T>, DeepPartial<T>> {
  /** The name of its runs in events. */
  readonly name = 'JsonOutputParser'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'parser'

  /** Returns instructions for the prompt. They contain no braces. */
  getFormatInstructions(): string {
    return 'Answer with JSON alone: no other text, and no code fence.'
  }

  override open(input: AssistantMessage | string): Flow<DeepPartial<T>> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<DeepPartial<T>> {
    const json = new JsonInText()
    let last: unknown
    const enqueueIfNew = (value: unknown, controller: TransformStreamDefaultController<DeepPartial<T>>): void => {
      if (value !== last) controller.enqueue(value as DeepPartial<T>)
      last = value
    }
    return flow.through<DeepPartial<T>>(
      {
        transform(chunk, controller) {
          json.add(chunkToText(chunk, 'JsonOutputParser'))
          enqueueIfNew(json.result(), controller)
        },
        flush: (controller) => enqueueIfNew(json.end(), controller),
      },
      lastChunkFold,
    )
  }
}
