import type { OpenAIReport } from './openai.ts'

/** A tool call, or a part of one. */
export interface OpenAIToolCallPiece {
  readonly index?: number | null
  readonly id?: string | null
  readonly function?: { readonly name?: string | null; readonly arguments?: unknown } | null
}

/** A message, or what a chunk adds to one. Only `readOpenAIContent` reads its text, because servers differ. */
export interface OpenAIChunkMessage {
  /** A text, or a list of parts. */
  readonly content?: unknown
  readonly refusal?: unknown
  readonly audio?: { readonly transcript?: unknown } | null
  /** OpenRouter's generated images. */
  readonly images?: unknown
  readonly reasoning_content?: unknown
  readonly reasoning?: unknown
  readonly reasoning_text?: unknown
  readonly thinking?: unknown
  readonly reasoning_details?: unknown
  readonly thinking_blocks?: unknown
  readonly tool_calls?: readonly OpenAIToolCallPiece[] | null
  /** Sources of the text: of OpenAI and OpenRouter; of Azure's "On Your Data". */
  readonly annotations?: unknown
  readonly context?: { readonly citations?: unknown } | null
}

export interface OpenAIChoice {
  readonly index?: number
  readonly delta?: OpenAIChunkMessage | null
  readonly message?: OpenAIChunkMessage | null
  /** The text of the Completions API. */
  readonly text?: unknown
  readonly finish_reason?: unknown
  /** OpenRouter. */
  readonly error?: unknown
  /** Moonshot. */
  readonly usage?: OpenAIReport['usage']
}

/** A chunk of a stream, or a whole response, of OpenAI's Chat Completions or Completions API: the fields that models and meters read. */
export interface OpenAIChunk extends OpenAIReport {
  readonly id?: string | null
  readonly model?: string | null
  readonly object?: unknown
  readonly choices?: readonly OpenAIChoice[]
  readonly error?: unknown
  /** Sources: of Perplexity, xAI, Zhipu. */
  readonly search_results?: unknown
  readonly citations?: unknown
  readonly web_search?: unknown
  readonly x_groq?: (OpenAIReport['x_groq'] & { readonly error?: unknown }) | null
}
