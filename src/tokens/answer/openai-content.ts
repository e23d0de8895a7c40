import { isRecord } from '../../core/util/is-record.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import type { OpenAIChoice, OpenAIChunkMessage } from '../usage/openai-chunk.ts'

/** A piece of what a message contains. A `part` is in the server's own format and has no text: a source, an image. */
export type OpenAIContentPiece =
  | { readonly type: 'reasoning' | 'text'; readonly text: string }
  | { readonly type: 'part'; readonly part: JsonObject }

/**
 * Reads a message, or the delta of a chunk, in the formats of OpenAI and compatible servers. Empty texts are left out.
 *
 * - The content is a text, or a list of parts: Mistral's and Databricks' reasoning models.
 * - The reasoning has a field of its own, or is a part of the content. A server that sends both repeats itself.
 * - The words of an answer in sound are its transcript.
 *
 * @see https://docs.mistral.ai/capabilities/reasoning/ and https://openrouter.ai/docs/use-cases/reasoning-tokens
 */
export function readOpenAIContent(message: OpenAIChunkMessage): readonly OpenAIContentPiece[] {
  const { content, refusal, audio, images } = message
  const pieces: OpenAIContentPiece[] = []
  const add = (type: 'reasoning' | 'text', text: string): void => void (text && pieces.push({ type, text }))
  add(
    'reasoning',
    reasoningFields.reduce((text, field) => text || deepText(message[field]), ''),
  )
  const hasReasoning = pieces.length > 0
  const addParts = (parts: unknown): void => {
    for (const part of [parts].flat()) {
      const type = isRecord(part) && typeof part.type === 'string' ? part.type : ''
      if (/think|reason|summary/.test(type)) add('reasoning', hasReasoning ? '' : deepText(part))
      else if (/^$|(^|_)text|refusal/.test(type)) add('text', deepText(part))
      else pieces.push({ type: 'part', part: part as JsonObject })
    }
  }
  if (typeof content === 'string') add('text', content)
  else if (content) addParts(content)
  if (images) addParts(images)
  add('text', deepText(refusal))
  if (!content) add('text', deepText(audio?.transcript))
  return pieces
}

/** The fields of a message for its reasoning: of DeepSeek and vLLM, OpenRouter and Groq, Copilot, and gateways. */
const reasoningFields = ['reasoning_content', 'reasoning', 'reasoning_text', 'thinking', 'reasoning_details', 'thinking_blocks'] as const

const textFields = ['text', 'content', 'thinking', 'reasoning', 'summary', 'refusal'] as const

/** Returns the text of a value: a text, a list of values, or an object that has its text in one of several fields. */
function deepText(value: unknown): string {
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(deepText).join('')
  return isRecord(value) ? textFields.reduce((text, field) => text || deepText(value[field]), '') : ''
}

/**
 * Returns why the model stopped; undefined if it has not. Snowflake's whole answers have `''`, DashScope's chunks the text `null`, SGLang's
 * own format an object.
 */
export function openaiFinishReason({ finish_reason: reason }: OpenAIChoice): string | undefined {
  const type: unknown = isRecord(reason) ? reason.type : reason
  return typeof type === 'string' && !/^(null|none)?$/i.test(type) ? type : undefined
}

/** Whether the data of an event is the end mark of OpenAI's streams. Ollama and gateways put blanks around it. */
export const isDoneMark = (data: string): boolean => data.trim() === '[DONE]'
