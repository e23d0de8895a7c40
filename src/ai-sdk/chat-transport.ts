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

/** A request of `useChat`: the fields that are read. */
export interface ChatRequest {
  /** The id of the chat. */
  readonly chatId: string
  /** The conversation so far. */
  readonly messages: readonly UIMessageLike[]
  /** Aborts when the user calls `stop()`. */
  readonly abortSignal?: AbortSignal | undefined
  /** The `body` option of `sendMessage`. */
  readonly body?: object | undefined
  /** The `metadata` option of `sendMessage`. */
  readonly metadata?: unknown
}

/** Options of {@link ChatTransport}. */
export interface ChatTransportOptions<In> extends Omit<RunOptions, 'signal' | 'runId' | 'parent'> {
  /**
   * Converts the conversation to the chain's input.
   *
   * @defaultValue the messages themselves, which chat models accept
   */
  readonly input?: (messages: readonly Message[], request: ChatRequest) => In
  /**
   * Returns the text that the chat shows for an error.
   *
   * @defaultValue the error's message
   */
  readonly errorText?: (error: unknown) => string
}

/** `input` is required if the chain does not accept messages. */
type ChatTransportArguments<In> = readonly Message[] extends In
  ? [options?: ChatTransportOptions<In>]
  : [options: ChatTransportOptions<In> & Required<Pick<ChatTransportOptions<In>, 'input'>>]

/**
 * Lets `useChat` run a chain in the page, without a server: implements the AI SDK's `ChatTransport`. The chain's text, reasoning, tool
 * calls and `custom` events (as `data-…` parts) become parts of the message. `stop()` of the chat stops the run.
 *
 * @see https://ai-sdk.dev/docs/ai-sdk-ui/transport
 * @example
 * const transport = new ChatTransport(model) // useChat({ transport })
 * @example
 * const chatPrompt = ChatPromptTemplate.fromMessages([['system', 'Be brief.'], new MessagesPlaceholder('history')])
 * const transport = new ChatTransport(chatPrompt.pipe(model), { input: (history) => ({ history }), callbacks: [counter] })
 */
export class ChatTransport<In> {
  readonly #chain: Runnable<In, unknown, unknown>
  readonly #options: ChatTransportOptions<In>

  constructor(chain: Runnable<In, unknown, unknown>, ...[options = {}]: ChatTransportArguments<In>) {
    this.#chain = chain
    this.#options = options
  }

  /** Runs the chain for a conversation. Called by the AI SDK. */
  async sendMessages(request: ChatRequest): Promise<ReadableStream<UIMessagePart>> {
    const { input = (messages) => messages as In, errorText = errorMessage, ...options } = this.#options
    const run = this.#chain.events(input(fromUIMessages(request.messages), request), options)
    const parts = createPartWriter({ errorText, messageId: continuedMessageId(request.messages) })
    const unfollow = request.abortSignal ? listenForAbort(request.abortSignal, () => run.stop()) : () => {}
    return new ReadableStream<UIMessagePart>(
      {
        async pull(controller) {
          // Errors are in the outcome. A pull() that enqueues nothing is not called again, so read on until there are parts.
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
          run.stop(new UserStop('The chat cancelled the response.'))
        },
      },
      { highWaterMark: 0 },
    )
  }

  /** Resolves to null: a run in the page ends with the page, so there is nothing to resume. Called by the AI SDK. */
  async reconnectToStream(_request: ChatRequest | object): Promise<null> {
    return null
  }
}
