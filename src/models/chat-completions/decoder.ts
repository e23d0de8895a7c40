import type { Delta } from '../../core/delta.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import { openaiUsage } from '../../tokens/usage/openai.ts'
import type { OpenAIChoice, OpenAIChunk, OpenAIChunkMessage, OpenAIToolCallPiece } from '../../tokens/usage/openai-chunk.ts'
import type { Decoder, ProviderError } from '../wire.ts'

/**
 * Decodes one response of OpenAI's Chat Completions or Completions API. Chunks of a stream and whole responses of both APIs are read by the
 * same code, because they differ in little more than the place of the text. Of several choices (`n`) the first is used.
 */
export class OpenAIDecoder implements Decoder {
  complete = false
  /** OpenAI pads events with random `obfuscation`, so that their length reveals nothing. It is the last string of the event. */
  readonly replacePadding = (tail: string, letters: string): string => tail.replace(/:"[\w+/=-]*"}$/, `:"${letters}"}`)
  #id = ''
  #model = ''
  /** The id of each tool call. */
  readonly #callIds: unknown[] = []
  /** Positions of the last tool calls with an id or an index. */
  readonly #lastById = new Map<unknown, number>()
  readonly #lastByIndex = new Map<unknown, number>()

  extractText(event: unknown): string | undefined {
    const chunk = Object(event) as OpenAIChunk
    const { choices, usage, x_groq, error } = chunk
    if (!Array.isArray(choices) || usage || x_groq || error || this.#hasNewIdentity(chunk)) return
    const choice: OpenAIChoice = Object(choices[0])
    const message = choice.delta ?? {}
    if (choice.index || choice.finish_reason || choice.message || message.refusal || message.tool_calls || reasoningText(message)) return
    const text = choice.text ?? message.content
    return typeof text === 'string' ? text : undefined
  }

  decode(event: unknown): readonly Delta[] {
    if (event === '[DONE]') this.complete = true
    const chunk = Object(event) as OpenAIChunk
    const deltas: Delta[] = []
    if (this.#hasNewIdentity(chunk)) {
      this.#id ||= chunk.id ?? ''
      this.#model ||= chunk.model ?? ''
      deltas.push({ type: 'meta', ...(this.#id && { id: this.#id }), ...(this.#model && { model: this.#model }) })
    }
    const usage = openaiUsage(chunk)
    if (usage) deltas.push({ type: 'usage', usage })
    const { choices } = chunk
    const choice = Array.isArray(choices) ? (choices as readonly OpenAIChoice[]).find((candidate) => !candidate?.index) : undefined
    if (choice) this.#decodeChoice(choice, deltas)
    return deltas
  }

  /** Whether an event is the first with a response id or a model name. Azure's first event has neither. */
  #hasNewIdentity({ id, model }: OpenAIChunk): boolean {
    return Boolean((id && !this.#id) || (model && !this.#model))
  }

  #decodeChoice({ delta, message, text, finish_reason }: OpenAIChoice, deltas: Delta[]): void {
    const addition = delta ?? message ?? {}
    const reasoning = reasoningText(addition)
    if (reasoning) deltas.push({ type: 'reasoning', text: reasoning })
    for (const piece of [text ?? addition.content, addition.refusal]) {
      if (piece && typeof piece === 'string') deltas.push({ type: 'text', text: piece })
    }
    for (const call of addition.tool_calls ?? []) deltas.push(this.#decodeToolCall(call))
    if (finish_reason) deltas.push({ type: 'stop', reason: finish_reason })
    if (finish_reason || message) this.complete = true
  }

  /**
   * Assigns a piece to its tool call by id, or by index, which OpenAI sends with each piece. A piece that has neither continues the last
   * call, unless it has a name. A known index with another id and a name is a new call, because some servers number all calls 0. Other
   * servers give each piece a new id, but no name.
   */
  #decodeToolCall({ index, id, function: called }: OpenAIToolCallPiece): Delta {
    const ids = this.#callIds
    const { name, arguments: input } = called ?? {}
    let at = (id ? this.#lastById.get(id) : undefined) ?? -1
    if (at < 0 && typeof index === 'number') at = this.#lastByIndex.get(index) ?? -1
    else if (at < 0 && !name) at = ids.length - 1
    const knownId = ids[at]
    if (at < 0 || (id && knownId && knownId !== id && name)) {
      at = ids.push(id) - 1
      this.#lastById.set(id, at)
      this.#lastByIndex.set(index, at)
    }
    const args = typeof input === 'string' ? input : input ? JSON.stringify(input) : ''
    return { type: 'tool-call', index: at, ...(id && { id }), ...(name && { name }), ...(args && { args }) }
  }
}

function reasoningText({ reasoning_content, reasoning, reasoning_details }: OpenAIChunkMessage): string {
  const text = reasoning_content || reasoning
  if (text && typeof text === 'string') return text
  return Array.isArray(reasoning_details) ? reasoning_details.map(({ text, summary }) => text ?? summary ?? '').join('') : ''
}

/**
 * Reads an error, in a stream too: `{ error: { message, type, code } }`; OpenRouter's code is a number. vLLM and Mistral send the inner
 * object alone, Groq sends it in `x_groq`, gateways and FastAPI send forms without a type.
 */
export function parseOpenAIError(body: unknown): ProviderError | undefined {
  const { error, x_groq, choices, message: bare } = Object(body) as JsonObject
  const found = error || (Object(x_groq) as OpenAIChunk).error || (!choices && bare && body)
  if (!found) return
  const { message, type, code } = Object(typeof found === 'string' ? { message: found } : found) as JsonObject
  return { type: toErrorText(type || code || undefined), message: toErrorText(message) }
}

const toErrorText = (value: unknown): string | undefined => (typeof value === 'string' ? value : JSON.stringify(value))
