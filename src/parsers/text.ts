import type { Delta } from '../core/delta.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { textFold } from '../core/flow/fold.ts'
import { type AssistantMessage, textOf } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { describeForError } from '../core/util/describe.ts'

/**
 * The text of what a model says (LangChain's StringOutputParser): its Deltas as strings while it streams, an answer as one string.
 * Strings pass; reasoning, tool calls and usage are left out.
 *
 * @example
 * const chain = prompt.pipe(model).pipe(new StringOutputParser())
 * for await (const text of chain.stream({ animal: 'bears' })) answer.append(text)
 */
export class StringOutputParser extends Runnable<AssistantMessage | string, string, string> {
  readonly name = 'StringOutputParser'
  readonly kind: RunKind = 'parser'

  override open(input: AssistantMessage | string): Flow<string> {
    return this.through(Flow.of(input))
  }

  override through(flow: Flow): Flow<string> {
    return flow.through<string>(
      {
        transform(chunk, controller) {
          const said = chunkToText(chunk, 'StringOutputParser')
          if (said !== '') controller.enqueue(said)
        },
      },
      textFold,
    )
  }
}

/** The text in a string, a Delta, or the message of a step that gave its answer whole. `taker` is who takes it, for the error. */
export function chunkToText(chunk: unknown, taker: string): string {
  if (typeof chunk === 'string') return chunk
  const said = Object(chunk) as Partial<Delta | AssistantMessage>
  if ('type' in said) return said.type === 'text' ? (said.text ?? '') : ''
  if ('content' in said && said.content !== undefined) return textOf({ content: said.content })
  throw new ChaintapError(
    'invalid_input',
    `${taker} takes a message, a model's Deltas or strings, but got ${describeForError(chunk)}. Put a function before it that makes one of these.`,
  )
}
