import { ChaintapError } from '../core/errors.ts'
import type { Fold } from '../core/flow/fold.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { JsonFinder } from './json-finder.ts'
import { ThinkingFilter, textAfterThinking } from './thinking.ts'

/**
 * Finds and parses the array or object in a model's answer while it arrives. Thinking, prose and code around it are skipped. A string,
 * number, `true`, `false` or `null` is accepted only if the answer contains nothing else, and is known at the end.
 */
export class JsonInText implements Fold<string, unknown> {
  readonly #finder = new JsonFinder()
  readonly #filter = new ThinkingFilter(this.#finder)
  #known: unknown

  /** Never throws: invalid JSON is reported by `end()`. By then the model has finished, and its own run has the complete answer. */
  add(text: string): void {
    this.#filter.add(text)
  }

  /** Returns the value known so far. When it turns out not to be the answer, it is returned until something is known of another. */
  result(): unknown {
    this.#known = this.#finder.result() ?? this.#known
    return this.#known
  }

  /** @throws ChaintapError `output_parser`, with the position, if there is no JSON or it is invalid or incomplete. */
  end(): unknown {
    this.#filter.end()
    const value = this.#finder.end()
    if (value !== undefined) return value
    const { text, failure } = this.#finder
    if (failure) {
      // A draft in the thinking that breaks off inside a string hides the tag after it.
      const afterDraft = valueIn(textAfterThinking(text))
      if (afterDraft !== undefined) return afterDraft
      throw outputParserError((failure.cause as Error).message, text, failure.position, failure.cause)
    }
    const scalar = parseJson(text.replace(/^\s*```\w*|```\s*$/g, ''))
    if (scalar !== undefined) return scalar
    const problem = this.#filter.isThinking ? 'The answer ends before its thinking does.' : 'The answer contains no JSON.'
    throw outputParserError(problem, text, 0)
  }
}

function valueIn(text: string): unknown {
  const finder = new JsonFinder()
  finder.add(text)
  return finder.end()
}

/** How many characters of the answer an error shows on each side of the problem. */
const PARSE_ERROR_EXCERPT_LENGTH = 80

function outputParserError(problem: string, text: string, at: number, cause?: unknown): ChaintapError {
  const from = Math.max(0, at - PARSE_ERROR_EXCERPT_LENGTH)
  const shown = `${from > 0 ? '…' : ''}${text.slice(from, at + PARSE_ERROR_EXCERPT_LENGTH)}${at + PARSE_ERROR_EXCERPT_LENGTH < text.length ? '…' : ''}`
  const remedy = 'Prompt for JSON only, and allow enough tokens (maxTokens).'
  return new ChaintapError('output_parser', `${problem} ${remedy} Answer: ${shown}`, { cause })
}
