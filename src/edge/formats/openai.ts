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

/** A piece of a call of a tool, in OpenAI's words. */
interface OpenAIToolCallDelta {
  readonly index: number
  readonly id?: string
  readonly type?: 'function'
  readonly function: { readonly name?: string; readonly arguments: string }
}

/** What one batch adds to the message. */
export interface OpenAIMessageDelta {
  content?: string
  reasoning_content?: string
  tool_calls?: OpenAIToolCallDelta[]
}

/** What is known of an answer while it is read. */
export class OpenAICompletionState {
  id = ''
  readonly created: number = Math.floor(Date.now() / 1000)
  model: string
  #stopReason: string | undefined
  #hasEnded = false
  /** Calls that have begun: their pieces to come have arguments alone. */
  readonly #startedCalls = new Set<number>()
  readonly #hasFixedModel: boolean

  constructor(model: string | undefined) {
    this.model = model ?? 'chaintap'
    this.#hasFixedModel = model !== undefined
  }

  /** Events of a run tree, or chunks of a `stream()`. Tool calls are those that the chain yields: an agent's own are nobody else's. */
  read(batch: readonly unknown[]): OpenAIMessageDelta {
    const said: OpenAIMessageDelta = {}
    for (const item of batch) {
      if (!isRunEvent(item)) this.#readChunk(item, said)
      else {
        this.id ||= `chatcmpl-${item.run.rootId}`
        if (item.type === 'chunk') this.#readChunk(item.chunk, said)
        else if (item.type === 'delta') this.#readMetadata(item.delta)
        else if (item.type === 'end' && item.run.id === item.run.rootId) this.#hasEnded = true
      }
    }
    return said
  }

  /** Whether there is no answer to give. One that was cut, and ended all the same, was accepted so (`onTruncated`). */
  hasFailed({ status }: Outcome<unknown>): boolean {
    return status !== 'complete' && !(status === 'truncated' && this.#hasEnded)
  }

  finishReason({ status }: Outcome<unknown>): string {
    if (status === 'truncated') return 'length'
    const reason = toFinishReason(this.#stopReason)
    if (reason === 'content-filter') return 'content_filter'
    // Also of a call that was cut off: clients make those that are whole.
    if (reason === 'length') return reason
    return this.#startedCalls.size > 0 ? 'tool_calls' : 'stop'
  }

  #readChunk(chunk: unknown, said: OpenAIMessageDelta): void {
    const text = chunkText(chunk)
    if (text !== '') said.content = (said.content ?? '') + text
    const delta = Object(chunk) as Delta
    this.#readMetadata(delta)
    if (delta.type === 'reasoning') said.reasoning_content = (said.reasoning_content ?? '') + delta.text
    if (delta.type !== 'tool-call') return
    const { index, id, name, args = '' } = delta
    const isNew = !this.#startedCalls.has(index)
    this.#startedCalls.add(index)
    const piece: OpenAIToolCallDelta = isNew
      ? { index, id: id ?? `call_${index}`, type: 'function', function: { name: name ?? '', arguments: args } }
      : { index, function: { arguments: args } }
    said.tool_calls = [...(said.tool_calls ?? []), piece]
  }

  #readMetadata(delta: Delta): void {
    if (delta.type === 'stop') this.#stopReason = delta.reason
    else if (delta.type === 'meta' && delta.model && !this.#hasFixedModel) this.model = delta.model
  }
}

/** Writes `chat.completion.chunk`s, the first with the role, the last but one with the reason of the end. */
export function openaiWriter({ expose, openai: { model, includeUsage = true } = {} }: ResponseWriterOptions): ResponseWriter {
  const answer = new OpenAICompletionState(model)
  const frame = (fields: object): string => `data: ${plainJson(fields)}\n\n`
  const chunk = (choices: readonly object[], usage?: object): string => {
    const { id, created, model } = answer
    return frame({ id, object: 'chat.completion.chunk', created, model, choices, ...(usage && { usage }) })
  }
  const choice = (delta: object, finish_reason: string | null = null): string => chunk([{ index: 0, delta, logprobs: null, finish_reason }])
  let isStarted = false
  const start = (): string => {
    if (isStarted) return ''
    isStarted = true
    answer.id ||= `chatcmpl-${answer.created}`
    return choice({ role: 'assistant', content: '' })
  }
  return {
    write(batch) {
      const said = answer.read(batch)
      return Object.keys(said).length === 0 ? '' : start() + choice(said)
    },
    end(outcome) {
      if (answer.hasFailed(outcome)) return `${frame(toOpenAIError(outcome, expose))}data: [DONE]\n\n`
      const usage = includeUsage && outcome.usage ? chunk([], toCompletionUsage(outcome.usage)) : ''
      return `${start()}${choice({}, answer.finishReason(outcome))}${usage}data: [DONE]\n\n`
    },
  }
}

/** Figures as OpenAI has them; what is not known is left out. */
export function toCompletionUsage({ inputTokens, outputTokens, totalTokens, cacheReadTokens, reasoningTokens }: Usage): object {
  return omitUndefined({
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: totalTokens ?? (inputTokens === undefined || outputTokens === undefined ? undefined : inputTokens + outputTokens),
    prompt_tokens_details: cacheReadTokens === undefined ? undefined : { cached_tokens: cacheReadTokens },
    completion_tokens_details: reasoningTokens === undefined ? undefined : { reasoning_tokens: reasoningTokens },
  })
}

/** A failure as OpenAI tells it. */
export function toOpenAIError(outcome: Outcome<unknown>, expose: PublicErrorMapper): { readonly error: object } {
  const error = 'error' in outcome ? expose(outcome.error) : undefined
  const code = error instanceof ChaintapError ? error.code : outcome.status
  return { error: { message: errorMessage(error), type: 'server_error', param: null, code } }
}
