import { isCount, type Usage } from '../../core/usage.ts'
import { sumFigures, toUsage, type WireFigure } from './to-usage.ts'

/**
 * Usage in the format of OpenAI and compatible servers: of Chat Completions and Completions (`prompt_tokens`), or of Responses and the image
 * and audio APIs (`input_tokens`).
 */
export interface OpenAIUsage extends ReportedCost {
  /** Including tokens read from and written to the cache. */
  readonly prompt_tokens?: WireFigure
  readonly input_tokens?: WireFigure
  /** Including reasoning; without it at xAI and in Gemini's compatible API. */
  readonly completion_tokens?: WireFigure
  readonly output_tokens?: WireFigure
  readonly total_tokens?: WireFigure
  readonly prompt_tokens_details?: OpenAIInputDetails | null
  readonly input_tokens_details?: OpenAIInputDetails | null
  readonly completion_tokens_details?: OpenAIOutputDetails | null
  readonly output_tokens_details?: OpenAIOutputDetails | null
  /** Perplexity. */
  readonly reasoning_tokens?: WireFigure
  /** Tokens read from the cache: DeepSeek. */
  readonly prompt_cache_hit_tokens?: WireFigure
  /** Mistral. */
  readonly num_cached_tokens?: WireFigure
  /** Moonshot, Together. */
  readonly cached_tokens?: WireFigure
  /** Gateways to Anthropic's models. */
  readonly cache_read_input_tokens?: WireFigure
  readonly cache_creation_input_tokens?: WireFigure
}

interface OpenAIInputDetails {
  readonly cached_tokens?: WireFigure
  readonly cache_write_tokens?: WireFigure
  /** LiteLLM. */
  readonly cache_creation_tokens?: WireFigure
  /** DashScope. */
  readonly cache_creation_input_tokens?: WireFigure
  readonly audio_tokens?: WireFigure
}

interface OpenAIOutputDetails {
  readonly reasoning_tokens?: WireFigure
}

/** The cost of an answer, in the fields of several servers. */
interface ReportedCost {
  /** In US dollars: OpenRouter; Perplexity, as an object. */
  readonly cost?: unknown
  /**
   * Whether the caller's own key of the provider was used. Then `cost` is OpenRouter's fee, and the provider charges that key in addition.
   */
  readonly is_byok?: unknown
  readonly cost_details?: { readonly upstream_inference_cost?: unknown } | null
  /** xAI: ten thousand millionths of a US dollar. */
  readonly cost_in_usd_ticks?: unknown
  /** DeepInfra, in US dollars. */
  readonly estimated_cost?: unknown
}

/** The fields of a chunk (usually one without choices) or of a whole answer that contain usage. */
export interface OpenAIReport {
  readonly usage?: OpenAIUsage | null
  /** Groq. */
  readonly x_groq?: { readonly usage?: OpenAIUsage | null } | null
  /** Moonshot reports the usage in the last choice. */
  readonly choices?: readonly ({ readonly usage?: OpenAIUsage | null | undefined } | null)[] | null | undefined
}

/**
 * Converts the usage of a chunk or an answer; undefined if there is none. If an answer contains several reports, use the last one: they
 * repeat
 * the same figures, or are running totals, and must not be added.
 *
 * @example
 * openaiUsage({ usage: { prompt_tokens: 100, completion_tokens: 20, prompt_tokens_details: { cached_tokens: 64 } } })
 * // { inputTokens: 100, outputTokens: 20, totalTokens: 120, cacheReadTokens: 64 }
 */
export function openaiUsage(report: OpenAIReport): Usage | undefined {
  const wire = findOpenAIUsage(report)
  return wire && openaiWireUsage(wire)
}

/** Returns the usage that a chunk or an answer contains, as it is. */
export function findOpenAIUsage({ usage, x_groq, choices }: OpenAIReport): OpenAIUsage | undefined {
  const inChoice = Array.isArray(choices) ? choices.find((choice) => choice?.usage)?.usage : undefined
  return usage ?? x_groq?.usage ?? inChoice ?? undefined
}

/**
 * Converts usage of OpenAI's format. Figures that were not reported are absent, never 0.
 *
 * Some servers leave tokens out of `prompt_tokens` or `completion_tokens` that their total includes: reasoning (xAI, Gemini), sound
 * (Mistral). The total is trusted; tokens that one of the details accounts for are added to their side.
 *
 * @see https://platform.openai.com/docs/api-reference/chat/object and https://docs.x.ai/docs/guides/reasoning
 */
export function openaiWireUsage(wire: OpenAIUsage): Usage {
  const inputDetails = wire.prompt_tokens_details ?? wire.input_tokens_details ?? {}
  const input = firstKnown(wire.prompt_tokens, wire.input_tokens)
  const output = firstKnown(wire.completion_tokens, wire.output_tokens)
  const details = wire.completion_tokens_details ?? wire.output_tokens_details
  const reasoning = firstKnown(details?.reasoning_tokens, wire.reasoning_tokens)
  const sum = sumFigures(input, output ?? Number.NaN) ?? Number.NaN
  // Without a total, a part that is larger than its side cannot be within it.
  const isBeside = (part: WireFigure, side: WireFigure): boolean =>
    isCount(part) && part > 0 && (isCount(wire.total_tokens) ? part === wire.total_tokens - sum : part > (side ?? Number.NaN))
  return toUsage({
    inputTokens: isBeside(inputDetails.audio_tokens, input) ? sumFigures(input, inputDetails.audio_tokens) : input,
    outputTokens: isBeside(reasoning, output) ? sumFigures(output, reasoning) : output,
    totalTokens: wire.total_tokens,
    cacheReadTokens: firstKnown(
      inputDetails.cached_tokens,
      wire.prompt_cache_hit_tokens,
      wire.num_cached_tokens,
      wire.cached_tokens,
      wire.cache_read_input_tokens,
    ),
    cacheWriteTokens: firstKnown(
      inputDetails.cache_write_tokens,
      inputDetails.cache_creation_tokens,
      inputDetails.cache_creation_input_tokens,
      wire.cache_creation_input_tokens,
    ),
    reasoningTokens: reasoning,
    cost: reportedCost(wire),
  })
}

/** Returns the first figure that can be true, otherwise the first that is not null. */
const firstKnown = (...figures: readonly WireFigure[]): WireFigure =>
  figures.find(isCount) ?? figures.find((figure) => figure !== null && figure !== undefined)

/** A US dollar in xAI's unit of cost. */
const TICKS_PER_DOLLAR = 1e10

/** Returns the total cost of an answer, in US dollars; undefined if a part of it was not reported. */
function reportedCost({ cost, is_byok, cost_details, cost_in_usd_ticks: ticks, estimated_cost }: ReportedCost): number | undefined {
  const upstreamCost = is_byok === true ? cost_details?.upstream_inference_cost : 0
  const total = (Object(cost) as { readonly total_cost?: unknown }).total_cost ?? cost ?? estimated_cost
  if (typeof total === 'number' && typeof upstreamCost === 'number') return total + upstreamCost
  return typeof ticks === 'number' ? ticks / TICKS_PER_DOLLAR : undefined
}
