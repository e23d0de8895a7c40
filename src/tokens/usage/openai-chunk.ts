import type { OpenAIReport } from './openai.ts'

/** The function of a tool call. Its arguments are JSON text; some servers send an object. */
export interface OpenAICalledFunction {
  readonly name?: string | null
  readonly arguments?: unknown
  /** The arguments, as Llama's own format calls them. */
  readonly parameters?: unknown
}

/** A tool call, or a part of one. Workers AI's older format has the function's fields in the call itself. */
export interface OpenAIToolCallPiece extends OpenAICalledFunction {
  readonly index?: number | string | null
  readonly id?: string | number | null
  readonly function?: OpenAICalledFunction | null
  /** A call of a custom tool, whose input is text. */
  readonly custom?: { readonly name?: string | null; readonly input?: unknown } | null
  /** Gemini's signature. */
  readonly extra_content?: unknown
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
  /** A list of {@link OpenAIToolCallPiece}s. Some servers send one, or an object of them. */
  readonly tool_calls?: unknown
  /** The only call, in OpenAI's format before 2023-11. */
  readonly function_call?: OpenAICalledFunction | null
  /** Sources of the text: of OpenAI and OpenRouter; of Azure's "On Your Data". */
  readonly annotations?: unknown
  readonly context?: { readonly citations?: unknown } | null
}

export interface OpenAIChoice {
  readonly index?: number | string
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
