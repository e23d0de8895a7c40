import { anthropicCacheWrite1hTokens, anthropicUsage } from '../usage/anthropic.ts'
import { ollamaUsage } from '../usage/ollama.ts'
import { openaiWireUsage } from '../usage/openai.ts'
import type { WorkersAIReport } from '../usage/workers-ai.ts'
import { joinTexts, type MeteredEventInfo, type MeteredFormat, toolArgumentsToText } from './format.ts'
import { bedrockFormat, invokeModelFormat } from './formats-bedrock.ts'
import { geminiFormat, geminiInteractionsFormat } from './formats-gemini.ts'
import { openaiCompletionsFormat, openaiResponsesFormat } from './formats-openai.ts'

interface AnthropicBlock {
  readonly text?: unknown
  readonly thinking?: unknown
  readonly partial_json?: unknown
  readonly stop_reason?: unknown
  readonly input?: unknown
}

interface AnthropicMessage {
  readonly id?: string
  readonly model?: string
  readonly usage?: object | null
  readonly content?: readonly AnthropicBlock[]
}

interface AnthropicEvent extends AnthropicMessage {
  readonly type?: unknown
  readonly role?: unknown
  readonly message?: AnthropicMessage
  readonly delta?: AnthropicBlock
}

const anthropicFormat: MeteredFormat<AnthropicEvent> = {
  provider: 'anthropic',
  detects: ({ type, role, model }, isCall) =>
    /^(message|content_block)_(start|delta|stop)$/.test(String(type)) || (type === 'message' && role === 'assistant' && (isCall || model)),
  read({ type, message, delta, ...rest }): MeteredEventInfo {
    const isWhole = type === 'message'
    const { id, model } = message ?? (isWhole ? rest : {})
    const blocks = isWhole ? (rest.content ?? []) : [delta]
    return {
      id,
      model,
      usage: message?.usage ?? rest.usage,
      // Some compatible servers send no message_stop.
      complete: isWhole || type === 'message_stop' || Boolean(delta?.stop_reason),
      final: type === 'message_stop',
      text: blocks.map((block) => joinTexts(block?.text, block?.thinking, block?.partial_json, toolArgumentsToText(block?.input))).join(''),
    }
  },
  usage: anthropicUsage,
  cacheWrite1hTokens: anthropicCacheWrite1hTokens,
}

interface OllamaLine {
  readonly model?: string
  readonly done?: unknown
  readonly embeddings?: unknown
  readonly response?: unknown
  readonly thinking?: unknown
  readonly message?: {
    readonly content?: unknown
    readonly thinking?: unknown
    readonly tool_calls?: readonly { readonly function?: { readonly arguments?: unknown } }[]
  }
  readonly prompt_eval_count?: number
  readonly prompt_eval_cached_count?: number
  readonly eval_count?: number
}

const ollamaFormat: MeteredFormat<OllamaLine> = {
  provider: 'ollama',
  detects: ({ model, done, embeddings }) => typeof model === 'string' && (typeof done === 'boolean' || embeddings),
  read({ model, done, embeddings, response, thinking, message, ...wire }): MeteredEventInfo {
    const { prompt_eval_count, prompt_eval_cached_count, eval_count } = wire
    const isEnd = done === true || embeddings !== undefined
    const calls = message?.tool_calls ?? []
    return {
      model,
      usage: isEnd ? { prompt_eval_count, prompt_eval_cached_count, eval_count } : undefined,
      complete: isEnd,
      final: isEnd,
      text: joinTexts(
        response,
        thinking,
        message?.thinking,
        message?.content,
        ...calls.map((call) => toolArgumentsToText(call.function?.arguments)),
      ),
    }
  },
  usage: ollamaUsage,
}

interface WorkersAIEvent extends WorkersAIReport {
  readonly response?: unknown
  readonly p?: unknown
  readonly result?: (WorkersAIReport['result'] & { readonly response?: unknown }) | null
}

/** Workers AI's own format. A stream's only end marker is `[DONE]`; over REST the answer is one object. */
const workersAIFormat: MeteredFormat<WorkersAIEvent> = {
  provider: 'workersai',
  detects: ({ response, usage, p, result }, isCall) =>
    typeof (result?.response ?? response) === 'string' && (isCall || result?.usage || usage || p),
  read: ({ response, usage, result }): MeteredEventInfo => ({
    usage: usage ?? result?.usage,
    complete: result !== undefined,
    text: joinTexts(result?.response ?? response),
  }),
  usage: openaiWireUsage,
}

/** More specific formats first. */
export const meteredFormats: readonly MeteredFormat[] = [
  anthropicFormat,
  geminiInteractionsFormat,
  openaiResponsesFormat,
  openaiCompletionsFormat,
  geminiFormat,
  ollamaFormat,
  bedrockFormat,
  workersAIFormat,
  // Its fields are those of many other answers.
  invokeModelFormat,
]
