import type { Delta } from '../../core/delta.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'
import type { OpenAIChunkMessage } from '../../tokens/usage/openai-chunk.ts'

/**
 * What a server sends as reasoning and expects back with the calls of the same message: OpenRouter's `reasoning_details`, which are signed
 * or encrypted, and the `reasoning_content` of Kimi and DeepSeek. The text of the latter is in the message's content already; its field is
 * noted.
 */
export class ReasoningFields {
  #hasReasoningContent = false
  readonly #details: Record<string, unknown>[] = []

  add({ reasoning_content, reasoning_details }: OpenAIChunkMessage): void {
    if (reasoning_content) this.#hasReasoningContent = true
    if (!Array.isArray(reasoning_details)) return
    for (const detail of reasoning_details as readonly JsonObject[]) if (detail && typeof detail === 'object') this.#addDetail(detail)
  }

  /** Returns a Delta with the fields, if there are any. */
  take(): readonly Delta[] {
    const extra = {
      ...(this.#details.length > 0 && { reasoning_details: this.#details.splice(0) }),
      ...(this.#hasReasoningContent && { reasoning_field: 'reasoning_content' }),
    }
    this.#hasReasoningContent = false
    return Object.keys(extra).length > 0 ? [{ type: 'meta', extra }] : []
  }

  /** Adds a detail, or continues the last one: texts of a stream arrive in pieces, and the signature comes last. */
  #addDetail(detail: JsonObject): void {
    const last = this.#details.at(-1)
    const isNext = last && last.type === detail.type && last.index === detail.index && !('data' in detail)
    if (!isNext) return void this.#details.push({ ...detail })
    for (const [key, value] of Object.entries(detail)) {
      if (value === null || value === undefined) continue
      const before = last[key]
      const isText = (key === 'text' || key === 'summary') && typeof before === 'string' && typeof value === 'string'
      last[key] = isText ? before + value : value
    }
  }
}
