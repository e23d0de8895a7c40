import { ChaintapError } from '../core/errors.ts'
import { type Fold, textFold } from '../core/flow/fold.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { PartialJson } from './partial-json.ts'

const FENCE = '```'
/**
 * Where JSON begins: with the first bracket after a fence, bare or of JSON; elsewhere with one that goes on as prose does not, so that
 * neither [1] nor {name} is taken for it.
 */
const jsonStartPattern = /(?<=```\s{0,32}(?:json\w{0,8})?\s{0,32})[[{]|\{(?=\s{0,32}")|\[(?=\s{0,32}["[{])/i
/** No beginning is longer. */
const MAX_JSON_START_LENGTH = 80

/**
 * The array or object in what a model writes, as it grows. The prose and the fence around it are left out, and what follows it is not
 * looked at. A string, a number, `true`, `false` or `null` is taken where nothing else was written, and known at the end.
 */
export class JsonInText implements Fold<string, unknown> {
  readonly #text: Fold<string, string> = textFold()
  readonly #json = new PartialJson()
  /** While it is searched for, what may be a part of its beginning. The start of the text is as good as a fence. */
  #searchWindow: string | undefined = FENCE
  /** Where it begins. */
  #start = -FENCE.length

  /** Never throws: bad JSON is told at the end. By then the answer is paid for, and whole in what the model's own run gives. */
  add(said: string): void {
    this.#text.add(said)
    const json = this.#searchWindow === undefined ? said : this.#findJson(this.#searchWindow + said)
    if (this.#json.isWhole) return
    try {
      this.#json.add(json)
    } catch {
      // It keeps the failure, and what was known before.
    }
  }

  result(): unknown {
    return this.#json.result()
  }

  /** @throws ChaintapError `output_parser` where there is no JSON, or where it is wrong or cut, with the place. */
  end(): unknown {
    if (this.#json.isWhole) return this.#json.result()
    const said = this.#text.result()
    if (this.#searchWindow !== undefined) {
      const alone = parseJson(said.replace(/^\s*```\w*|```\s*$/g, ''))
      if (alone === undefined) throw outputParserError('There is no JSON in the answer.', said, 0)
      return alone
    }
    try {
      return this.#json.end()
    } catch (cause) {
      throw outputParserError((cause as Error).message, said, this.#start + this.#json.position, cause)
    }
  }

  /** The JSON in a text, as far as it has begun. */
  #findJson(text: string): string {
    const at = text.search(jsonStartPattern)
    const rest = at < 0 ? text.slice(-MAX_JSON_START_LENGTH) : text.slice(at)
    this.#start += text.length - rest.length
    this.#searchWindow = at < 0 ? rest : undefined
    return at < 0 ? '' : rest
  }
}

/** How much of the answer is shown on each side of the problem. */
const PARSE_ERROR_EXCERPT_LENGTH = 80

function outputParserError(problem: string, said: string, at: number, cause?: unknown): ChaintapError {
  const from = Math.max(0, at - PARSE_ERROR_EXCERPT_LENGTH)
  const shown = `${from > 0 ? '…' : ''}${said.slice(from, at + PARSE_ERROR_EXCERPT_LENGTH)}${at + PARSE_ERROR_EXCERPT_LENGTH < said.length ? '…' : ''}`
  const cure = 'Ask for JSON alone, and leave the model enough tokens for it.'
  return new ChaintapError('output_parser', `${problem} ${cure} The model wrote: ${shown}`, { cause })
}
