import { type GeminiInteractionUsage, type GeminiUsage, geminiInteractionUsage, geminiUsage } from '../usage/gemini.ts'
import { joinTexts, type MeteredEventInfo, type MeteredFormat, toolArgumentsToText } from './format.ts'

interface GeminiChunk {
  readonly modelVersion?: string
  readonly responseId?: string
  readonly usageMetadata?: GeminiUsage
  readonly promptFeedback?: { readonly blockReason?: string }
  readonly candidates?: readonly GeminiCandidate[]
}

interface GeminiCandidate {
  readonly finishReason?: string
  readonly content?: { readonly parts?: readonly { readonly text?: unknown; readonly functionCall?: { readonly args?: unknown } }[] }
}

/** Gemini and Vertex: SSE, or one JSON array. */
export const geminiFormat: MeteredFormat<GeminiChunk> = {
  provider: 'gemini',
  detects: ({ candidates, usageMetadata, promptFeedback }, isCall) =>
    usageMetadata ?? promptFeedback ?? (isCall ? candidates : candidates?.some(isModelCandidate)),
  read({ modelVersion, responseId, usageMetadata, promptFeedback, candidates = [] }): MeteredEventInfo {
    const parts = candidates.flatMap(({ content }) => content?.parts ?? [])
    return {
      id: responseId,
      model: modelVersion,
      usage: usageMetadata,
      complete: Boolean(promptFeedback?.blockReason || candidates.some(({ finishReason }) => finishReason)),
      text: parts.map(({ text, functionCall }) => joinTexts(text, toolArgumentsToText(functionCall?.args))).join(''),
    }
  },
  usage: geminiUsage,
}

/** Whether a candidate is from a model. Search results have `candidates` too. */
const isModelCandidate = (candidate: GeminiCandidate | null): unknown => candidate?.content ?? candidate?.finishReason

interface GeminiInteraction {
  readonly object?: unknown
  readonly id?: string
  readonly model?: string
  readonly status?: string
  readonly usage?: GeminiInteractionUsage | null
}

interface GeminiInteractionEvent extends GeminiInteraction {
  readonly event_type?: unknown
  readonly interaction?: GeminiInteraction
  readonly delta?: { readonly text?: unknown; readonly arguments?: unknown }
}

/** Gemini's Interactions API. Each request of a call reports its own usage. */
export const geminiInteractionsFormat: MeteredFormat<GeminiInteractionEvent> = {
  provider: 'gemini',
  detects: ({ event_type, object }) => /^(interaction|step)\./.test(String(event_type)) || object === 'interaction',
  read({ event_type, interaction, delta, ...rest }): MeteredEventInfo {
    const { id, model, status, usage } = interaction ?? rest
    const isEnd = event_type === 'interaction.completed'
    return {
      id,
      model,
      usage,
      complete: isEnd || (!event_type && status !== 'in_progress' && status !== 'failed'),
      final: isEnd,
      failed: event_type === 'error' || status === 'failed',
      text: joinTexts(delta?.text, toolArgumentsToText(delta?.arguments)),
    }
  },
  usage: geminiInteractionUsage,
}
