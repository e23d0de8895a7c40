/**
 * The parts of the AI SDK's UI message stream v1 that chaintap writes.
 *
 * @see https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol
 */
export type UIMessagePart =
  | {
      /** The type of the part. */
      type: 'start'
      /** The id of the message. */
      messageId: string
    }
  | { type: 'start-step' | 'finish-step' }
  | {
      type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end'
      /** The id of the text or reasoning, unique in the message. */
      id: string
    }
  | {
      type: 'text-delta' | 'reasoning-delta'
      id: string
      /** The text to append. */
      delta: string
    }
  | {
      type: 'tool-input-start'
      /** The id of the tool call. */
      toolCallId: string
      /** The tool that is called. */
      toolName: string
    }
  | {
      type: 'tool-input-delta'
      toolCallId: string
      /** The JSON text of the arguments to append. */
      inputTextDelta: string
    }
  | {
      type: 'tool-input-available'
      toolCallId: string
      toolName: string
      /** The arguments of the call. */
      input: unknown
      /** What the provider expects back with the call: `useChat` keeps it. */
      providerMetadata?: { chaintap: { [field: string]: UIJsonValue } }
    }
  | {
      type: 'tool-input-error'
      toolCallId: string
      toolName: string
      /** The text of the arguments, which are not valid JSON. */
      input: unknown
      errorText: string
    }
  | {
      type: 'tool-output-available'
      toolCallId: string
      /** The output of the tool. */
      output: unknown
    }
  | {
      type: 'tool-output-error'
      toolCallId: string
      /** What the chat shows of the error. */
      errorText: string
    }
  | {
      type: 'source-url'
      /** The id of the source, unique in the message. */
      sourceId: string
      /** The address of the source. */
      url: string
      /** The title of the source. */
      title?: string
    }
  | {
      type: `data-${string}`
      /** A part with the same id replaces this one. */
      id?: string
      /** The data of a `custom` event, or the chain's output. */
      data: unknown
    }
  | { type: 'error'; errorText: string }
  | {
      type: 'abort'
      /** Why the run was stopped. */
      reason: string
    }
  | {
      type: 'finish'
      /** Why the response ended. */
      finishReason: FinishReason
      /** The usage of the run, if it is known. */
      messageMetadata?: { usage: unknown }
    }

/** A JSON value, as the AI SDK types it. */
export type UIJsonValue = null | string | number | boolean | UIJsonValue[] | { [field: string]: UIJsonValue | undefined }

/** Why a response ended, as the AI SDK names it. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'other'

/** Returns null for what JSON omits from an object: clients reject a part without its field. */
export const valueOrNull = (value: unknown): unknown => (['undefined', 'function', 'symbol'].includes(typeof value) ? null : value)
