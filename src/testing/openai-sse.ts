import type { Usage } from '../core/usage.ts'
import type { JsonObject } from '../core/util/parse-json.ts'

/** What OpenAI, or a server that speaks as it does, answers. */
export interface OpenAIAnswer {
  /** Text in tokens, a chunk each. */
  readonly text?: readonly string[]
  /** Before the text, a chunk each: `reasoning_content`, as DeepSeek and vLLM have it. OpenAI keeps its own to itself. */
  readonly reasoning?: readonly string[]
  /** Why it will not answer, a chunk each. */
  readonly refusal?: readonly string[]
  /** After the text; `args` is any JSON. */
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[]
  /** What is left out is not reported. */
  readonly usage?: Usage
  /** Default: `tool_calls` where there are tool calls, else `stop`. */
  readonly stopReason?: string
  /** Default `gpt-scripted`. */
  readonly model?: string
  /** Default `chatcmpl-scripted`. */
  readonly id?: string
  /** Comes after the rest, in place of the end; alone it is the body of a refusal. */
  readonly error?: { readonly type: string; readonly message: string; readonly code?: string | number }
}

/** What a text model answers, by OpenAI's Completions API. */
export type OpenAICompletion = Omit<OpenAIAnswer, 'reasoning' | 'refusal' | 'toolCalls'>

/**
 * The wire format of a streamed answer of the Chat Completions API: its server-sent events, one string each, usage as with
 * `stream_options: { include_usage: true }`.
 *
 * @see https://platform.openai.com/docs/api-reference/chat-streaming
 *
 * @example
 * const fetch = faultyFetch({ body: openaiSse({ text: ['Hel', 'lo'], usage: { inputTokens: 3, outputTokens: 2 } }) })
 */
export function openaiSse(answer: OpenAIAnswer): string[] {
  const { reasoning = [], text = [], refusal = [], toolCalls = [] } = answer
  const deltas: readonly JsonObject[] = [
    { role: 'assistant', content: '', refusal: null },
    ...reasoning.map((reasoning_content) => ({ reasoning_content })),
    ...text.map((content) => ({ content })),
    ...refusal.map((said) => ({ refusal: said })),
    ...toolCalls.flatMap(toolCallDeltas).map((call) => ({ tool_calls: [call] })),
  ]
  const chatChoice = (delta: JsonObject, finish_reason: string | null = null): JsonObject => ({
    index: 0,
    delta,
    logprobs: null,
    finish_reason,
  })
  return completionEvents(answer, 'chat.completion.chunk', [
    ...deltas.map((delta) => chatChoice(delta)),
    chatChoice({}, finishReason(answer)),
  ])
}

/**
 * The same answer as one JSON, as the API gives it where no stream was asked for; with `error` the body of a refusal.
 *
 * @example
 * const fetch = faultyFetch({ status: 429, body: JSON.stringify(openaiJson({ error: { type: 'requests', message: 'Slow down' } })) })
 */
export function openaiJson(answer: OpenAIAnswer): Readonly<Record<string, unknown>> {
  const { reasoning, text, refusal, toolCalls, error } = answer
  if (error) return openaiErrorBody(error)
  const message = {
    role: 'assistant',
    content: text?.join('') ?? null,
    refusal: refusal?.join('') ?? null,
    reasoning_content: reasoning?.join(''),
    tool_calls: toolCalls?.map(({ id, name, args }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } })),
  }
  return {
    ...completionEnvelope(answer, 'chat.completion'),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(answer) }],
    usage: openaiUsageJson(answer),
  }
}

/**
 * The wire format of a streamed answer of the Completions API.
 *
 * @example
 * const llm = new OpenAI({ apiKey: 'none', fetch: faultyFetch({ body: openaiCompletionSse({ text: ['Hel', 'lo'] }) }) })
 */
export function openaiCompletionSse(answer: OpenAICompletion): string[] {
  const choices = [...(answer.text ?? []).map((text) => textChoice(text, null)), textChoice('', finishReason(answer))]
  return completionEvents(answer, 'text_completion', choices)
}

/** The same answer as one JSON; with `error` the body of a refusal. */
export function openaiCompletionJson(answer: OpenAICompletion): Readonly<Record<string, unknown>> {
  if (answer.error) return openaiErrorBody(answer.error)
  const choice = textChoice((answer.text ?? []).join(''), finishReason(answer))
  return { ...completionEnvelope(answer, 'text_completion'), choices: [choice], usage: openaiUsageJson(answer) }
}

const textChoice = (text: string, finish_reason: string | null): JsonObject => ({ text, index: 0, logprobs: null, finish_reason })

const completionEnvelope = ({ id = 'chatcmpl-scripted', model = 'gpt-scripted' }: OpenAIAnswer, object: string): JsonObject => ({
  id,
  object,
  created: 1_795_000_000,
  model,
})

/** The events around these choices, of which the last is the end. Usage has an event of its own. */
function completionEvents(answer: OpenAIAnswer, object: string, choices: readonly JsonObject[]): string[] {
  const envelope = completionEnvelope(answer, object)
  const usage = openaiUsageJson(answer)
  const chunks = choices.map((choice): JsonObject => ({ ...envelope, choices: [choice], ...(usage && { usage: null }) }))
  if (answer.error) chunks.splice(-1, 1, openaiErrorBody(answer.error))
  else if (usage) chunks.push({ ...envelope, choices: [], usage })
  return [...chunks.map((chunk) => JSON.stringify(chunk)), '[DONE]'].map((data) => `data: ${data}\n\n`)
}

const openaiErrorBody = ({ type, message, code = '' }: NonNullable<OpenAIAnswer['error']>): JsonObject => ({
  error: { message, type, param: null, code: code || null },
})

const finishReason = ({ stopReason, toolCalls = [] }: OpenAIAnswer): string => stopReason ?? (toolCalls.length > 0 ? 'tool_calls' : 'stop')

/** A call in pieces: the first has all but the arguments, whose JSON is cut anywhere. */
function toolCallDeltas({ id, name, args }: NonNullable<OpenAIAnswer['toolCalls']>[number], index: number): readonly JsonObject[] {
  const pieces = JSON.stringify(args).match(/.{1,8}/gsu) ?? []
  return [
    { index, id, type: 'function', function: { name, arguments: '' } },
    ...pieces.map((piece) => ({ index, function: { arguments: piece } })),
  ]
}

/** OpenAI's figures, which mean what ours do. JSON leaves out what is undefined. */
function openaiUsageJson({ usage }: OpenAIAnswer): JsonObject | undefined {
  if (!usage) return
  const { inputTokens, outputTokens, totalTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens, cost } = usage
  const isKnown = inputTokens !== undefined && outputTokens !== undefined
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: isKnown ? inputTokens + outputTokens : totalTokens,
    prompt_tokens_details: { cached_tokens: cacheReadTokens, cache_write_tokens: cacheWriteTokens },
    completion_tokens_details: { reasoning_tokens: reasoningTokens },
    cost,
  }
}
