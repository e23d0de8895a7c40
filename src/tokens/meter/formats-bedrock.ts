import { type BedrockMetrics, type BedrockUsage, bedrockCacheWrite1hTokens, bedrockUsage, metricsToBedrockUsage } from '../usage/bedrock.ts'
import type { WireFigure } from '../usage/to-usage.ts'
import { joinTexts, type MeteredEventInfo, type MeteredFormat, toolArgumentsToText } from './format.ts'

interface BedrockEvent {
  readonly messageStart?: unknown
  readonly contentBlockDelta?: { readonly delta?: BedrockBlock }
  readonly messageStop?: unknown
  readonly metadata?: { readonly usage?: BedrockUsage }
  /** Of an answer that is not streamed. */
  readonly output?: { readonly message?: { readonly content?: readonly BedrockBlock[] } }
  readonly stopReason?: unknown
  readonly usage?: BedrockUsage
  readonly 'amazon-bedrock-invocationMetrics'?: BedrockMetrics
}

interface BedrockBlock {
  readonly text?: unknown
  readonly reasoningContent?: { readonly text?: unknown; readonly reasoningText?: { readonly text?: unknown } }
  readonly toolUse?: { readonly input?: unknown }
}

/** Bedrock's Converse, and Amazon's models through InvokeModel. The model's name is in the URL. */
export const bedrockFormat: MeteredFormat<BedrockEvent> = {
  provider: 'bedrock',
  detects: ({ messageStart, contentBlockDelta, messageStop, stopReason, usage }) =>
    messageStart ?? contentBlockDelta ?? messageStop ?? (stopReason && usage),
  read({ contentBlockDelta, messageStop, metadata, output, stopReason, usage, ...event }): MeteredEventInfo {
    const metrics = event['amazon-bedrock-invocationMetrics']
    const blocks = [contentBlockDelta?.delta, ...(output?.message?.content ?? [])]
    return {
      usage: metadata?.usage ?? usage ?? (metrics && metricsToBedrockUsage(metrics)),
      complete: Boolean(messageStop ?? stopReason ?? metrics),
      final: Boolean(metadata ?? metrics),
      text: blocks.map(blockText).join(''),
    }
  },
  usage: bedrockUsage,
  cacheWrite1hTokens: bedrockCacheWrite1hTokens,
}

const blockText = ({ text, reasoningContent, toolUse }: BedrockBlock = {}): string =>
  joinTexts(text, reasoningContent?.text, reasoningContent?.reasoningText?.text, toolArgumentsToText(toolUse?.input))

interface InvokeModelEvent {
  /** Meta. */
  readonly generation?: unknown
  readonly prompt_token_count?: WireFigure
  readonly generation_token_count?: WireFigure
  readonly stop_reason?: unknown
  /** Amazon Titan; `results` in an answer that is not streamed. */
  readonly outputText?: unknown
  readonly completionReason?: unknown
  readonly inputTextTokenCount?: WireFigure
  readonly totalOutputTextTokenCount?: WireFigure
  readonly results?: readonly { readonly outputText?: unknown; readonly tokenCount?: WireFigure }[]
  /** Claude 2. */
  readonly completion?: unknown
  /** Mistral, Cohere, AI21. */
  readonly outputs?: readonly { readonly text?: unknown; readonly stop_reason?: unknown }[]
  readonly generations?: readonly { readonly text?: unknown }[]
  readonly completions?: readonly { readonly data?: { readonly text?: unknown } }[]
  readonly 'amazon-bedrock-invocationMetrics'?: BedrockMetrics
}

/**
 * Models' own formats, through Bedrock's InvokeModel.
 *
 * @see https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html
 */
export const invokeModelFormat: MeteredFormat<InvokeModelEvent> = {
  provider: 'bedrock',
  detects: (event, isCall) => event['amazon-bedrock-invocationMetrics'] ?? (isCall && invokeModelTexts(event).some(isText)),
  read(event, isStream): MeteredEventInfo {
    const { results, outputs, stop_reason, completionReason } = event
    const metrics = event['amazon-bedrock-invocationMetrics']
    const inputTokenCount = metrics?.inputTokenCount ?? event.prompt_token_count ?? event.inputTextTokenCount
    const outputTokenCount =
      metrics?.outputTokenCount ?? event.generation_token_count ?? event.totalOutputTextTokenCount ?? results?.[0]?.tokenCount
    const isKnown = inputTokenCount ?? outputTokenCount ?? metrics
    return {
      usage:
        isKnown === undefined || isKnown === null ? undefined : metricsToBedrockUsage({ ...metrics, inputTokenCount, outputTokenCount }),
      complete: Boolean(metrics ?? stop_reason ?? completionReason ?? outputs?.some((output) => output.stop_reason)) || !isStream,
      final: Boolean(metrics),
      text: joinTexts(...invokeModelTexts(event)),
    }
  },
  usage: bedrockUsage,
}

const isText = (text: unknown): boolean => typeof text === 'string'

const invokeModelTexts = ({ generation, outputText, completion, ...lists }: InvokeModelEvent): readonly unknown[] => [
  generation,
  outputText,
  completion,
  ...(lists.results ?? []).map((result) => result.outputText),
  ...(lists.outputs ?? []).map(({ text }) => text),
  ...(lists.generations ?? []).map(({ text }) => text),
  ...(lists.completions ?? []).map(({ data }) => data?.text),
]
