import type { Delta } from '../../core/delta.ts'
import type { Citation } from '../../core/message.ts'
import { isRecord } from '../../core/util/is-record.ts'
import type { OpenAIChoice, OpenAIChunk } from '../../tokens/usage/openai-chunk.ts'

/**
 * Finds the sources of one response, each once, because servers repeat them in every chunk: `annotations` (OpenAI, OpenRouter),
 * `search_results` and `citations` (Perplexity, xAI), `web_search` (Zhipu), `context` (Azure).
 */
export class OpenAISources {
  readonly #known = new Set<unknown>()
  #pending: Citation[] = []

  /** Returns the sources that `add` has not seen. */
  findNew({ search_results, citations, web_search }: OpenAIChunk, { delta, message }: OpenAIChoice): readonly Citation[] {
    const listed = search_results ?? citations ?? web_search
    // Most events have none, and this is read for each.
    if (!(listed ?? delta?.annotations ?? message?.annotations ?? delta?.context ?? message?.context)) return []
    return [delta?.annotations, message?.annotations, delta?.context?.citations, message?.context?.citations, listed]
      .flatMap(toCitations)
      .filter((source) => !this.#known.has(keyOf(source)))
  }

  add(chunk: OpenAIChunk, choice: OpenAIChoice): void {
    for (const source of this.findNew(chunk, choice)) {
      const key = keyOf(source)
      if (!this.#known.has(key)) this.#pending.push(source)
      // A list of addresses may follow annotations with the same.
      this.#known.add(key).add(source.url ?? key)
    }
  }

  /** Returns the sources that were added since the last call. */
  take(): readonly Delta[] {
    return this.#pending.splice(0).map((citation) => ({ type: 'citation', citation }))
  }
}

/** Sources without a place in the text are the same if their address is. */
const keyOf = (source: Citation): string =>
  typeof source.url === 'string' && source.start_index === undefined ? source.url : JSON.stringify(source)

const toCitations = (list: unknown): readonly Citation[] =>
  Array.isArray(list) ? list.map(toCitation).filter((source) => source !== undefined) : []

/** OpenAI wraps the fields in one that is named as the type; Perplexity sends addresses alone, Zhipu calls them links. */
function toCitation(source: unknown): Citation | undefined {
  if (typeof source === 'string') return { url: source }
  if (!isRecord(source)) return
  const { type, link } = source
  const inner = typeof type === 'string' ? source[type] : undefined
  if (isRecord(inner)) return { type, ...inner }
  return typeof link === 'string' ? { ...source, url: link } : source
}
