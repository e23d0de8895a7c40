import type { Delta } from '../../core/delta.ts'
import { openaiUsage } from '../../tokens/usage/openai.ts'
import type { OpenAIChoice, OpenAIChunk, OpenAIChunkMessage, OpenAIToolCallPiece } from '../../tokens/usage/openai-chunk.ts'
import type { Decoder, ProviderError } from '../wire.ts'

/**
 * What is known of an answer between its chunks. Chunks of a stream, whole answers and both of OpenAI's older APIs are read alike, for
 * they differ in little more than where the text stands. Of several choices (`n`) the first counts.
 */
export class OpenAIDecoder implements Decoder {
  complete = false
  /** `obfuscation`, so that the length of an event says nothing: whatever the last string of the event is may be any. */
  readonly replacePadding = (tail: string, letters: string): string => tail.replace(/:"[\w+/=-]*"}$/, `:"${letters}"}`)
  #id = ''
  #model = ''
  readonly #toolCalls: { readonly index: number | null | undefined; readonly id: string | null | undefined }[] = []

  extractText(event: unknown): string | undefined {
    const chunk = Object(event) as OpenAIChunk
    const { choices, usage, x_groq, error } = chunk
    if (!Array.isArray(choices) || usage || x_groq || error || this.#hasNewIdentity(chunk)) return
    const choice: OpenAIChoice = Object(choices[0])
    const said = choice.delta ?? {}
    if (choice.index || choice.finish_reason || choice.message || said.refusal || said.tool_calls || reasoningText(said)) return
    const text = choice.text ?? said.content
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
    const choice = Array.isArray(choices) ? (choices as readonly OpenAIChoice[]).find((each) => !each?.index) : undefined
    if (choice) this.#decodeChoice(choice, deltas)
    return deltas
  }

  /** Whether an event is the first to say who answers. Azure begins with one that has neither. */
  #hasNewIdentity({ id, model }: OpenAIChunk): boolean {
    return Boolean((id && !this.#id) || (model && !this.#model))
  }

  #decodeChoice({ delta, message, text, finish_reason }: OpenAIChoice, deltas: Delta[]): void {
    const said = delta ?? message ?? {}
    const reasoning = reasoningText(said)
    if (reasoning) deltas.push({ type: 'reasoning', text: reasoning })
    for (const words of [text ?? said.content, said.refusal]) {
      if (words && typeof words === 'string') deltas.push({ type: 'text', text: words })
    }
    for (const call of said.tool_calls ?? []) deltas.push(this.#decodeToolCall(call))
    if (finish_reason) deltas.push({ type: 'stop', reason: finish_reason })
    if (finish_reason || message) this.complete = true
  }

  /**
   * A call is known by its id or its index, which OpenAI gives each piece; a piece that has neither goes on with the last call, unless it
   * has a name. An index that comes again with another id and a name is another call: some servers number all calls 0. Others give each
   * piece a new id, but no name.
   */
  #decodeToolCall({ index, id, function: called }: OpenAIToolCallPiece): Delta {
    const calls = this.#toolCalls
    const { name, arguments: given } = called ?? {}
    let at = id ? calls.findLastIndex((call) => call.id === id) : -1
    if (at < 0 && typeof index === 'number') at = calls.findLastIndex((call) => call.index === index)
    else if (at < 0 && !name) at = calls.length - 1
    const known = calls[at]
    if (!known || (id && known.id && known.id !== id && name)) at = calls.push({ index, id }) - 1
    const args = typeof given === 'string' ? given : given ? JSON.stringify(given) : ''
    return { type: 'tool-call', index: at, ...(id && { id }), ...(name && { name }), ...(args && { args }) }
  }
}

function reasoningText({ reasoning_content, reasoning, reasoning_details }: OpenAIChunkMessage): string {
  const said = reasoning_content || reasoning
  if (said && typeof said === 'string') return said
  return Array.isArray(reasoning_details) ? reasoning_details.map(({ text, summary }) => text ?? summary ?? '').join('') : ''
}

/**
 * `{ error: { message, type, code } }`, in a stream too; OpenRouter's code is a number. vLLM and Mistral leave out the braces around it,
 * Groq has a place of its own for it, gateways and FastAPI have forms without a type.
 */
export function parseOpenAIError(body: unknown): ProviderError | undefined {
  const { error, x_groq, choices, message: bare } = Object(body) as Readonly<Record<string, unknown>>
  const given = error || (Object(x_groq) as OpenAIChunk).error || (!choices && bare && body)
  if (!given) return
  const { message, type, code } = Object(typeof given === 'string' ? { message: given } : given) as Readonly<Record<string, unknown>>
  return { type: toErrorText(type || code || undefined), message: toErrorText(message) }
}

const toErrorText = (value: unknown): string | undefined => (typeof value === 'string' ? value : JSON.stringify(value))
