import type { Usage } from '../core/usage.ts'
import type { JsonObject } from '../core/util/parse-json.ts'

/** A response of OpenAI's Chat Completions API, or of a compatible server. */
export interface OpenAIAnswer {
  /** Text in tokens, one chunk per item. */
  readonly text?: readonly string[]
  /** Reasoning before the text, one chunk per item: `reasoning_content`, as DeepSeek and vLLM send it. OpenAI does not send its own. */
  readonly reasoning?: readonly string[]
  /** The refusal to answer, one chunk per item. */
  readonly refusal?: readonly string[]
  /** Tool calls after the text. `args` is any JSON. */
  readonly toolCalls?: readonly { readonly id: string; readonly name: string; readonly args: unknown }[]
  /** Usage. Absent figures are not reported. */
  readonly usage?: Usage
  /**
   * The finish reason.
   *
   * @defaultValue 'tool_calls' if there are tool calls, otherwise 'stop'
   */
  readonly stopReason?: string
  /**
   * The model's name.
   *
   * @defaultValue 'gpt-scripted'
   */
  readonly model?: string
  /**
   * The id of the response.
   *
   * @defaultValue 'chatcmpl-scripted'
   */
  readonly id?: string
  /** An error event after the rest, in place of the end. Without anything else it is the body of an error response. */
  readonly error?: { readonly type: string; readonly message: string; readonly code?: string | number }
}

/** A response of a text model by OpenAI's Completions API. */
export type OpenAICompletion = Omit<OpenAIAnswer, 'reasoning' | 'refusal' | 'toolCalls'>

/**
 * Returns a streamed response of the Chat Completions API: its server-sent events, one string per event, with usage as for
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
    ...refusal.map((piece) => ({ refusal: piece })),
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
 * Returns the same response as one JSON object, which the API sends if no stream is requested. With `error` it is the body of an error
 * response.
 *
 * @example
 * const error = { type: 'requests', message: 'Slow down' }
 * const fetch = faultyFetch({ status: 429, body: JSON.stringify(openaiJson({ error })) })
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
 * Returns a streamed response of the Completions API: its server-sent events, one string per event.
 *
 * @example
 * const fetch = faultyFetch({ body: openaiCompletionSse({ text: ['Hel', 'lo'] }) })
 * await new OpenAI({ apiKey: 'none', fetch }).invoke('Hi') // 'Hello'
 */
export function openaiCompletionSse(answer: OpenAICompletion): string[] {
  const choices = [...(answer.text ?? []).map((text) => textChoice(text, null)), textChoice('', finishReason(answer))]
  return completionEvents(answer, 'text_completion', choices)
}

/**
 * Returns the same response as one JSON object. With `error` it is the body of an error response.
 *
 * @example
 * const fetch = faultyFetch({ body: JSON.stringify(openaiCompletionJson({ text: ['Hello'] })) })
 */
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

/** Wraps choices, of which the last is the end, in events. Usage has an event of its own. */
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

/** Cuts a tool call into pieces: the first has everything but the arguments, whose JSON is cut at any character. */
function toolCallDeltas({ id, name, args }: NonNullable<OpenAIAnswer['toolCalls']>[number], index: number): readonly JsonObject[] {
  const pieces = JSON.stringify(args).match(/.{1,8}/gsu) ?? []
  return [
    { index, id, type: 'function', function: { name, arguments: '' } },
    ...pieces.map((piece) => ({ index, function: { arguments: piece } })),
  ]
}

/** Usage in OpenAI's format, whose figures are defined as the library's. JSON.stringify omits undefined fields. */
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
