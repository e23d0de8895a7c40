import { openaiFinishReason, readOpenAIContent } from '../answer/openai-content.ts'
import { readToolCallPiece, toolCallPieces } from '../answer/openai-tool-calls.ts'
import { reportedError } from '../answer/reported-error.ts'
import { findOpenAIUsage, type OpenAIUsage, openaiWireUsage } from '../usage/openai.ts'
import type { OpenAIChoice, OpenAIChunk, OpenAIChunkMessage } from '../usage/openai-chunk.ts'
import { joinTexts, type MeteredEventInfo, type MeteredFormat, toolArgumentsToText } from './format.ts'

/** OpenAI's Chat Completions, Completions and Embeddings; also of Azure, Groq, DeepSeek, OpenRouter, Mistral and local servers. */
export const openaiCompletionsFormat: MeteredFormat<OpenAIChunk> = {
  provider: undefined,
  isUsageOptional: true,
  detects: ({ choices, object, usage, x_groq }, isCall) =>
    (Array.isArray(choices) && (isCall || choices.some(isModelChoice))) ||
    /^(chat|text)[._]completion/.test(String(object)) ||
    x_groq ||
    typeof usage?.prompt_tokens === 'number',
  read(chunk, isStream): MeteredEventInfo {
    const { id, model, object } = chunk
    const choices = Array.isArray(chunk.choices) ? (chunk.choices as readonly (OpenAIChoice | null)[]).map((choice) => choice ?? {}) : []
    const messages = choices.flatMap(({ message }) => message ?? [])
    const isWhole = choices.some(({ delta, message, text }) => !delta && (message || (!isStream && text !== undefined)))
    return {
      id,
      model,
      usage: findOpenAIUsage(chunk),
      complete: object === 'list' || choices.some(openaiFinishReason) || (isWhole && !isStream),
      isWhole,
      failed: reportedError(chunk) !== undefined,
      text: choices.map(({ delta, text }) => messageText({ ...delta, content: text || delta?.content })).join(''),
      ...(messages.length > 0 && { wholeText: messages.map(messageText).join('') }),
    }
  },
  usage: openaiWireUsage,
}

/** Whether a choice is from a model. Multiple-choice questions have `choices` too. */
function isModelChoice(choice: OpenAIChoice | null): boolean {
  const { delta, message, finish_reason } = choice ?? {}
  return typeof (delta ?? message) === 'object' || finish_reason !== undefined
}

const messageText = (message: OpenAIChunkMessage): string =>
  joinTexts(
    ...readOpenAIContent(message).map((piece) => (piece.type === 'part' ? '' : piece.text)),
    ...toolCallPieces(message).map((call) => readToolCallPiece(call).text),
  )

interface ResponsesObject {
  readonly object?: unknown
  readonly id?: string
  readonly model?: string
  readonly status?: string | null
  readonly usage?: OpenAIUsage | null
  readonly output?: readonly {
    readonly content?: readonly { readonly text?: unknown }[] | null
    readonly summary?: readonly { readonly text?: unknown }[] | null
    readonly arguments?: unknown
  }[]
}

interface ResponsesEvent extends ResponsesObject {
  readonly type?: unknown
  readonly sequence_number?: unknown
  readonly response?: ResponsesObject
  readonly delta?: unknown
}

/** OpenAI's Responses API. Its image and audio APIs report usage in the same format. */
export const openaiResponsesFormat: MeteredFormat<ResponsesEvent> = {
  provider: undefined,
  detects: ({ type, object, sequence_number, usage }) =>
    String(type).startsWith('response.') ||
    object === 'response' ||
    typeof (type === 'error' ? sequence_number : usage?.input_tokens) === 'number',
  read(event): MeteredEventInfo {
    const { type, object, response, delta } = event
    const { id, model, status, usage, output = [] } = response ?? event
    const isOther = object !== 'response' && !response
    const isEnd = /^response\.(completed|incomplete|failed|cancelled)$/.test(String(type))
    const whole = object === 'response' ? output.flatMap(({ content, summary }) => [...(content ?? []), ...(summary ?? [])]) : []
    return {
      // In a stream, other events have ids too, those of output items.
      ...(!(isOther && type) && { id, model }),
      usage,
      complete: isOther ? Boolean(usage) : status === 'completed' || status === 'incomplete',
      final: isEnd,
      failed: status === 'failed' || type === 'error',
      text: joinTexts(
        String(type).endsWith('audio.delta') ? '' : delta,
        ...whole.map(({ text }) => text),
        ...(whole.length > 0 ? output : []).map((item) => toolArgumentsToText(item.arguments)),
      ),
    }
  },
  usage: openaiWireUsage,
}
