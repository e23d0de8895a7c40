import { toFinishReason } from '../../ai-sdk/finish-reason.ts'
import type { Delta } from '../../core/delta.ts'
import { ChaintapError } from '../../core/errors.ts'
import { isRunEvent } from '../../core/is-run-event.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { Usage } from '../../core/usage.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { omitUndefined } from '../../core/util/omit-undefined.ts'
import { chunkText, type ResponseWriter, type ResponseWriterOptions } from '../response/format.ts'
import type { PublicErrorMapper } from '../response/public-error.ts'

/** A part of a tool call, in OpenAI's format. */
interface OpenAIToolCallDelta {
  readonly index: number
  readonly id?: string
  readonly type?: 'function'
  readonly function: { readonly name?: string; readonly arguments: string }
}

/** What one batch adds to a message, in OpenAI's format. */
export interface OpenAIMessageDelta {
  content?: string
  reasoning_content?: string
  tool_calls?: OpenAIToolCallDelta[]
}

/** The state of a chat completion while its run is read. */
export class OpenAICompletionState {
  id = ''
  readonly created: number = Math.floor(Date.now() / 1000)
  model: string
  #stopReason: string | undefined
  #hasEnded = false
  /** Indexes of the tool calls that have begun. Their later deltas contain arguments only. */
  readonly #startedCalls = new Set<number>()
  readonly #hasFixedModel: boolean

  constructor(model: string | undefined) {
    this.model = model ?? 'chaintap'
    this.#hasFixedModel = model !== undefined
  }

  /**
   * Reads run events, or chunks of `stream()`. Only tool calls among the chain's chunks are included, not those that an agent answers
   * itself.
   */
  read(batch: readonly unknown[]): OpenAIMessageDelta {
    const message: OpenAIMessageDelta = {}
    for (const item of batch) {
      if (!isRunEvent(item)) this.#readChunk(item, message)
      else {
        this.id ||= `chatcmpl-${item.run.rootId}`
        if (item.type === 'chunk') this.#readChunk(item.chunk, message)
        else if (item.type === 'delta') this.#readMetadata(item.delta)
        else if (item.type === 'end' && item.run.id === item.run.rootId) this.#hasEnded = true
      }
    }
    return message
  }

  /** Whether the run failed. A truncated run whose root ended was accepted by `onTruncated`. */
  hasFailed({ status }: Outcome<unknown>): boolean {
    return status !== 'complete' && !(status === 'truncated' && this.#hasEnded)
  }

  finishReason({ status }: Outcome<unknown>): string {
    if (status === 'truncated') return 'length'
    const reason = toFinishReason(this.#stopReason)
    if (reason === 'content-filter') return 'content_filter'
    // Also if tool calls began: the last may be incomplete, and clients must not run it.
    if (reason === 'length') return reason
    return this.#startedCalls.size > 0 ? 'tool_calls' : 'stop'
  }

  #readChunk(chunk: unknown, message: OpenAIMessageDelta): void {
    const text = chunkText(chunk)
    if (text !== '') message.content = (message.content ?? '') + text
    const delta = Object(chunk) as Delta
    this.#readMetadata(delta)
    if (delta.type === 'reasoning') message.reasoning_content = (message.reasoning_content ?? '') + delta.text
    if (delta.type !== 'tool-call') return
    const { index, id, name, args = '' } = delta
    const isNew = !this.#startedCalls.has(index)
    this.#startedCalls.add(index)
    const piece: OpenAIToolCallDelta = isNew
      ? { index, id: id ?? `call_${index}`, type: 'function', function: { name: name ?? '', arguments: args } }
      : { index, function: { arguments: args } }
    ;(message.tool_calls ??= []).push(piece)
  }

  #readMetadata(delta: Delta): void {
    if (delta.type === 'stop') this.#stopReason = delta.reason
    else if (delta.type === 'meta' && delta.model && !this.#hasFixedModel) this.model = delta.model
  }
}

/** Writes `chat.completion.chunk` objects: the role first, then deltas, then the finish reason, then the usage if it is included. */
export function openaiWriter({ expose, openai: { model, includeUsage = true } = {} }: ResponseWriterOptions): ResponseWriter {
  const state = new OpenAICompletionState(model)
  const frame = (fields: object): string => `data: ${plainJson(fields)}\n\n`
  const chunk = (choices: readonly object[], usage?: object): string => {
    const { id, created, model } = state
    return frame({ id, object: 'chat.completion.chunk', created, model, choices, ...(usage && { usage }) })
  }
  const choice = (delta: object, finish_reason: string | null = null): string => chunk([{ index: 0, delta, logprobs: null, finish_reason }])
  let isStarted = false
  const start = (): string => {
    if (isStarted) return ''
    isStarted = true
    state.id ||= `chatcmpl-${state.created}`
    return choice({ role: 'assistant', content: '' })
  }
  return {
    write(batch) {
      const message = state.read(batch)
      return Object.keys(message).length === 0 ? '' : start() + choice(message)
    },
    end(outcome) {
      if (state.hasFailed(outcome)) return `${frame(toOpenAIError(outcome, expose))}data: [DONE]\n\n`
      const usage = includeUsage && outcome.usage ? chunk([], toCompletionUsage(outcome.usage)) : ''
      return `${start()}${choice({}, state.finishReason(outcome))}${usage}data: [DONE]\n\n`
    },
  }
}

/** Converts usage to OpenAI's format, without unknown figures. */
export function toCompletionUsage({ inputTokens, outputTokens, totalTokens, cacheReadTokens, reasoningTokens }: Usage): object {
  return omitUndefined({
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: totalTokens ?? (inputTokens === undefined || outputTokens === undefined ? undefined : inputTokens + outputTokens),
    prompt_tokens_details: cacheReadTokens === undefined ? undefined : { cached_tokens: cacheReadTokens },
    completion_tokens_details: reasoningTokens === undefined ? undefined : { reasoning_tokens: reasoningTokens },
  })
}

/** Converts a failure to OpenAI's error format. */
export function toOpenAIError(outcome: Outcome<unknown>, expose: PublicErrorMapper): { readonly error: object } {
  const error = 'error' in outcome ? expose(outcome.error) : undefined
  const code = error instanceof ChaintapError ? error.code : outcome.status
  return { error: { message: errorMessage(error), type: 'server_error', param: null, code } }
}
