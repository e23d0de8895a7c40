import type { Delta } from '../core/delta.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { textFold } from '../core/flow/fold.ts'
import { type AssistantMessage, isContent, textOf } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { describeForError } from '../core/util/describe.ts'

/**
 * Extracts the text of a model's answer (LangChain's StringOutputParser). Streams one string per text Delta; the output is the whole
 * text. Strings pass through. Reasoning, tool calls, usage and images are dropped.
 *
 * @throws ChaintapError `invalid_input` in a run whose input is neither a message, a Delta nor a string.
 *
 * @example
 * const chain = prompt.pipe(model).pipe(new StringOutputParser())
 * for await (const text of chain.stream({ animal: 'bears' })) show(text)
 */
export class StringOutputParser extends Runnable<AssistantMessage | string, string, string> {
  /** The name of its runs in events. */
  readonly name = 'StringOutputParser'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'parser'

  override open(input: AssistantMessage | string): Flow<string> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<string> {
    return flow.through<string>(
      {
        transform(chunk, controller) {
          const text = chunkToText(chunk, 'StringOutputParser')
          if (text !== '') controller.enqueue(text)
        },
      },
      textFold,
    )
  }
}

/**
 * The text of a chunk: a string, a Delta, or the message of a step that does not stream.
 *
 * @param parser The name of the parser, for the error.
 * @throws ChaintapError `invalid_input` for any other value.
 */
export function chunkToText(chunk: unknown, parser: string): string {
  if (typeof chunk === 'string') return chunk
  const value = Object(chunk) as Partial<Delta | AssistantMessage>
  if ('type' in value) return value.type === 'text' ? (value.text ?? '') : ''
  if ('content' in value && isContent(value.content)) return textOf({ content: value.content })
  throw new ChaintapError(
    'invalid_input',
    `${parser}: expected a message, a Delta or a string, but received ${describeForError(chunk)}. Convert it in a function before the parser.`,
  )
}
