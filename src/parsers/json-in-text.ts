import { ChaintapError } from '../core/errors.ts'
import { type Fold, textFold } from '../core/flow/fold.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { PartialJson } from './partial-json.ts'

const FENCE = '```'
/**
 * The start of JSON: the first bracket after a code fence (plain or `json`), or elsewhere a bracket followed by what does not occur in
 * prose, so that neither `[1]` nor `{name}` matches.
 */
const jsonStartPattern = /(?<=```\s{0,32}(?:json\w{0,8})?\s{0,32})[[{]|\{(?=\s{0,32}")|\[(?=\s{0,32}["[{])/i
/** The longest match of the pattern, in characters. */
const MAX_JSON_START_LENGTH = 80

/**
 * Finds and parses the array or object in a model's answer while it arrives. Prose and code fences around it are skipped; text after it
 * is ignored. A string, number, `true`, `false` or `null` is accepted only if the answer contains nothing else, and is known at the end.
 */
export class JsonInText implements Fold<string, unknown> {
  readonly #text: Fold<string, string> = textFold()
  readonly #json = new PartialJson()
  /** During the search: the last characters, which may be part of a match. It starts as a fence, because JSON may start the text. */
  #searchWindow: string | undefined = FENCE
  /** The index of the JSON in the text. */
  #start = -FENCE.length

  /** Never throws: invalid JSON is reported by `end()`. By then the model has finished, and its own run has the complete answer. */
  add(text: string): void {
    this.#text.add(text)
    const json = this.#searchWindow === undefined ? text : this.#findJson(this.#searchWindow + text)
    if (this.#json.isWhole) return
    try {
      this.#json.add(json)
    } catch {
      // PartialJson keeps the error for `end()`, and the value known before it.
    }
  }

  result(): unknown {
    return this.#json.result()
  }

  /** @throws ChaintapError `output_parser`, with the position, if there is no JSON or it is invalid or incomplete. */
  end(): unknown {
    if (this.#json.isWhole) return this.#json.result()
    const text = this.#text.result()
    if (this.#searchWindow !== undefined) {
      const value = parseJson(text.replace(/^\s*```\w*|```\s*$/g, ''))
      if (value === undefined) throw outputParserError('The answer contains no JSON.', text, 0)
      return value
    }
    try {
      return this.#json.end()
    } catch (cause) {
      throw outputParserError((cause as Error).message, text, this.#start + this.#json.position, cause)
    }
  }

  /** The JSON at the end of a text; empty if none has begun. */
  #findJson(text: string): string {
    const at = text.search(jsonStartPattern)
    const rest = at < 0 ? text.slice(-MAX_JSON_START_LENGTH) : text.slice(at)
    this.#start += text.length - rest.length
    this.#searchWindow = at < 0 ? rest : undefined
    return at < 0 ? '' : rest
  }
}

/** How many characters of the answer an error shows on each side of the problem. */
const PARSE_ERROR_EXCERPT_LENGTH = 80

function outputParserError(problem: string, text: string, at: number, cause?: unknown): ChaintapError {
  const from = Math.max(0, at - PARSE_ERROR_EXCERPT_LENGTH)
  const shown = `${from > 0 ? '…' : ''}${text.slice(from, at + PARSE_ERROR_EXCERPT_LENGTH)}${at + PARSE_ERROR_EXCERPT_LENGTH < text.length ? '…' : ''}`
  const remedy = 'Prompt for JSON only, and raise maxTokens if it was cut.'
  return new ChaintapError('output_parser', `${problem} ${remedy} Answer: ${shown}`, { cause })
}
