import type { OpenAIReport } from './openai.ts'

/** A tool call, or a part of one. */
export interface OpenAIToolCallPiece {
  readonly index?: number | null
  readonly id?: string | null
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null
}

/** A message, or what a chunk adds to one. */
export interface OpenAIChunkMessage {
  readonly content?: unknown
  readonly refusal?: unknown
  /** DeepSeek, vLLM. */
  readonly reasoning_content?: unknown
  /** OpenRouter, Groq, vLLM. */
  readonly reasoning?: unknown
  /** OpenRouter, unless `reasoning` holds the same text. */
  readonly reasoning_details?: readonly { readonly text?: string | null; readonly summary?: string | null }[] | null
  readonly tool_calls?: readonly OpenAIToolCallPiece[] | null
}

export interface OpenAIChoice {
  readonly index?: number
  readonly delta?: OpenAIChunkMessage | null
  readonly message?: OpenAIChunkMessage | null
  /** The text of the Completions API. */
  readonly text?: unknown
  readonly finish_reason?: string | null
}

/** A chunk of a stream, or a whole response, of OpenAI's Chat Completions or Completions API: the fields that models and meters read. */
export interface OpenAIChunk extends OpenAIReport {
  readonly id?: string | null
  readonly model?: string | null
  readonly object?: unknown
  readonly choices?: readonly OpenAIChoice[]
  readonly error?: unknown
  readonly x_groq?: (OpenAIReport['x_groq'] & { readonly error?: unknown }) | null
}
