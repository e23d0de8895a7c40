import { UserStop } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { RunOptions } from '../core/options.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { errorMessage } from '../core/util/error-message.ts'
import { listenForAbort } from '../core/util/signal.ts'
import { continuedMessageId } from './continued-message.ts'
import { fromUIMessages, type UIMessageLike } from './messages.ts'
import type { UIMessagePart } from './part.ts'
import { createPartWriter } from './part-writer.ts'

/** What `useChat` hands over, as far as it is read. */
export interface ChatRequest {
  readonly chatId: string
  readonly messages: readonly UIMessageLike[]
  readonly abortSignal?: AbortSignal | undefined
  /** What `sendMessage` was given beside the message. */
  readonly body?: object | undefined
  readonly metadata?: unknown
}

/** Options of {@link ChatTransport}. */
export interface ChatTransportOptions<In> extends Omit<RunOptions, 'signal' | 'runId' | 'parent'> {
  /** Makes the chain's input of the conversation. Default: the messages, as a chat model takes them. */
  readonly input?: (messages: readonly Message[], request: ChatRequest) => In
  /** What the chat shows of an error. Default: its message. */
  readonly errorText?: (error: unknown) => string
}

/** A chain that takes no messages needs its input made of them. */
type ChatTransportArguments<In> = readonly Message[] extends In
  ? [options?: ChatTransportOptions<In>]
  : [options: ChatTransportOptions<In> & Required<Pick<ChatTransportOptions<In>, 'input'>>]

/**
 * Has `useChat` run a chain in the page, without a server: a transport as the AI SDK takes it. The chain's texts, reasoning, tools and
 * `custom` events (as `data-…` parts) are parts of the message; `stop()` of the chat stops the run.
 *
 * @example
 * const chat = useChat({ transport: new ChatTransport(model) })
 * @example
 * const chain = prompt.pipe(model) // with new MessagesPlaceholder('history') in the prompt
 * const chat = useChat({ transport: new ChatTransport(chain, { input: (history) => ({ history }), callbacks: [counter] }) })
 */
export class ChatTransport<In> {
  readonly #chain: Runnable<In, unknown, unknown>
  readonly #options: ChatTransportOptions<In>

  constructor(chain: Runnable<In, unknown, unknown>, ...[options = {}]: ChatTransportArguments<In>) {
    this.#chain = chain
    this.#options = options
  }

  /** Called by the AI SDK, with the conversation so far. */
  async sendMessages(request: ChatRequest): Promise<ReadableStream<UIMessagePart>> {
    const { input = (messages) => messages as In, errorText = errorMessage, ...options } = this.#options
    const run = this.#chain.events(input(fromUIMessages(request.messages), request), options)
    const parts = createPartWriter({ errorText, messageId: continuedMessageId(request.messages) })
    const unfollow = request.abortSignal ? listenForAbort(request.abortSignal, () => run.stop()) : () => {}
    return new ReadableStream<UIMessagePart>(
      {
        async pull(controller) {
          // What ended the run is in its outcome. A pull that gives nothing is not repeated.
          const read = () => run.nextBatch().catch(() => undefined)
          for (let batch = await read(); batch; batch = await read()) {
            const written = parts.write(batch)
            for (const part of written) controller.enqueue(part)
            if (written.length > 0) return
          }
          for (const part of parts.end(await run.outcome)) controller.enqueue(part)
          unfollow()
          controller.close()
        },
        cancel() {
          unfollow()
          run.stop(new UserStop('The chat left.'))
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** A run in the page ends with the page: there is nothing to come back to. */
  async reconnectToStream(_request: ChatRequest | object): Promise<null> {
    return null
  }
}
