import { type GeminiInteractionUsage, type GeminiUsage, geminiInteractionUsage, geminiUsage } from '../usage/gemini.ts'
import { argued, type Facts, type Format, joined } from './format.ts'

interface GeminiChunk {
  readonly modelVersion?: string
  readonly responseId?: string
  readonly usageMetadata?: GeminiUsage
  readonly promptFeedback?: { readonly blockReason?: string }
  readonly candidates?: readonly Candidate[]
}

interface Candidate {
  readonly finishReason?: string
  readonly content?: { readonly parts?: readonly { readonly text?: unknown; readonly functionCall?: { readonly args?: unknown } }[] }
}

/** Gemini and Vertex: SSE, or one JSON array. */
export const gemini: Format<GeminiChunk> = {
  provider: 'gemini',
  knows: ({ candidates, usageMetadata, promptFeedback }, isCall) =>
    usageMetadata ?? promptFeedback ?? (isCall ? candidates : candidates?.some(isCandidate)),
  read({ modelVersion, responseId, usageMetadata, promptFeedback, candidates = [] }): Facts {
    const parts = candidates.flatMap(({ content }) => content?.parts ?? [])
    return {
      id: responseId,
      model: modelVersion,
      usage: usageMetadata,
      complete: Boolean(promptFeedback?.blockReason || candidates.some(({ finishReason }) => finishReason)),
      text: parts.map(({ text, functionCall }) => joined(text, argued(functionCall?.args))).join(''),
    }
  },
  usage: geminiUsage,
}

/** Whether it is a model's. Searches have candidates, too. */
const isCandidate = (candidate: Candidate | null): unknown => candidate?.content ?? candidate?.finishReason

interface Interaction {
  readonly object?: unknown
  readonly id?: string
  readonly model?: string
  readonly status?: string
  readonly usage?: GeminiInteractionUsage | null
}

interface InteractionEvent extends Interaction {
  readonly event_type?: unknown
  readonly interaction?: Interaction
  readonly delta?: { readonly text?: unknown; readonly arguments?: unknown }
}

/** Gemini’s Interactions API. Each request of a call reports its own. */
export const geminiInteractions: Format<InteractionEvent> = {
  provider: 'gemini',
  knows: ({ event_type, object }) => /^(interaction|step)\./.test(String(event_type)) || object === 'interaction',
  read({ event_type, interaction, delta, ...rest }): Facts {
    const { id, model, status, usage } = interaction ?? rest
    const isEnd = event_type === 'interaction.completed'
    return {
      id,
      model,
      usage,
      complete: isEnd || (!event_type && status !== 'in_progress' && status !== 'failed'),
      final: isEnd,
      failed: event_type === 'error' || status === 'failed',
      text: joined(delta?.text, argued(delta?.arguments)),
    }
  },
  usage: geminiInteractionUsage,
}
