import { type Fold, textFold } from '../core/flow/fold.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { JsonProse, type JsonRank } from './json-prose.ts'
import { PartialJson } from './partial-json.ts'
import type { AnswerReader } from './thinking.ts'

interface Candidate {
  readonly json: PartialJson
  /** The index of the value in the text. */
  readonly start: number
  readonly rank: JsonRank
}

/** Why there is no value, and where in the text. */
export interface JsonFailure {
  readonly cause: unknown
  readonly position: number
}

/** The end of a broken value, up to the bracket that closes it. */
interface BrokenValue {
  depth: number
  isInString: boolean
  isEscaped: boolean
  backticks: number
}

/** An array or object without others in it, and nothing after it in its line. */
const weakValuePattern = /([[{][^[\]{}]*[\]}])[^\S\n]*[.`~]*[^\S\n]*(?=[\n<]|$)/y

/**
 * Finds and parses the JSON in an answer. A value that turns out to be broken is passed over as a whole, so that no part of it is taken
 * for the answer. The first value that stands on its own wins; one inside a sentence wins if there is no other.
 */
export class JsonFinder implements AnswerReader {
  #text: Fold<string, string> = textFold()
  #prose = new JsonProse()
  #open: Candidate | undefined
  #found: Candidate | undefined
  #broken: BrokenValue | undefined
  #failure: (JsonFailure & { readonly rank: JsonRank }) | undefined

  /** The text so far. */
  get text(): string {
    return this.#text.result()
  }

  /** Why the best candidate is not JSON. */
  get failure(): JsonFailure | undefined {
    return this.#failure
  }

  get isVerbatim(): boolean {
    return this.#open !== undefined || this.#broken?.isInString === true
  }

  forget(): void {
    this.#text = textFold()
    this.#prose = new JsonProse()
    this.#open = this.#found = this.#broken = this.#failure = undefined
  }

  add(text: string): void {
    this.#text.add(text)
    for (let rest = text; rest !== ''; ) {
      if (this.#open) rest = this.#readValue(rest, this.#open)
      else if (this.#broken) rest = this.#readBroken(rest, this.#broken)
      else rest = this.#readProse(rest)
    }
  }

  /** Returns the value known so far. */
  result(): unknown {
    return (this.#open ?? this.#found)?.json.result()
  }

  /** Returns the value. If it is undefined, `failure` says why, unless there is nothing like JSON. */
  end(): unknown {
    if (!this.#open && !this.#broken && this.#found?.rank !== 2) {
      const rest = this.#startValue(this.#prose.read('', true))
      if (this.#open) this.#readValue(rest, this.#open)
    }
    if (this.#open) this.#fail(this.#open)
    if (this.#found) return this.#found.json.result()
    return this.#failure?.rank === 2 ? undefined : this.#weakValue()
  }

  #readProse(text: string): string {
    return this.#found?.rank === 2 ? '' : this.#startValue(this.#prose.read(text))
  }

  /** Starts a value with this text, if there is any. */
  #startValue(text: string): string {
    const { position, rank } = this.#prose
    if (text === '') return ''
    if (this.#found && this.#found.rank >= rank) {
      // It is read to find its end, but can no longer be the answer.
      this.#broken = { depth: 0, isInString: false, isEscaped: false, backticks: 0 }
      return text
    }
    this.#found = undefined
    this.#open = { json: new PartialJson({ allowControlCharacters: true }), start: position, rank }
    return text
  }

  #readValue(text: string, candidate: Candidate): string {
    const { json } = candidate
    const from = json.position
    let isBroken = false
    try {
      json.add(text)
    } catch {
      isBroken = !json.isWhole
    }
    // The position of an error may be before this piece.
    const length = Math.max(0, json.position - from)
    this.#prose.skip(length)
    if (isBroken) this.#fail(candidate)
    else if (json.isWhole) this.#found = candidate
    if (isBroken || json.isWhole) this.#open = undefined
    return text.slice(length)
  }

  #fail({ json, start, rank }: Candidate): void {
    this.#open = undefined
    this.#broken = { depth: json.depth, isInString: json.isInString, isEscaped: false, backticks: 0 }
    if (this.#failure && this.#failure.rank >= rank) return
    try {
      json.end()
    } catch (cause) {
      this.#failure = { cause, position: start + json.position, rank }
    }
  }

  /** Passes over a broken value: up to its closing bracket, or to the end of its code fence. */
  #readBroken(text: string, broken: BrokenValue): string {
    let at = 0
    for (; at < text.length && this.#broken; at++) {
      const char = text.charAt(at)
      broken.backticks = char === '`' ? broken.backticks + 1 : 0
      if (broken.isEscaped) broken.isEscaped = false
      else if (char === '\\' && broken.isInString) broken.isEscaped = true
      else if (char === '"') broken.isInString = !broken.isInString
      else if (!broken.isInString && '[{'.includes(char)) broken.depth++
      else if (!broken.isInString && ']}'.includes(char) && --broken.depth <= 0) this.#broken = undefined
      else if (!broken.isInString && broken.backticks === 3 && this.#prose.isInFence) {
        this.#prose.closeFence()
        this.#broken = undefined
      }
    }
    this.#prose.skip(at)
    return text.slice(at)
  }

  #weakValue(): unknown {
    const text = this.#text.result()
    for (const start of this.#prose.weakStarts) {
      weakValuePattern.lastIndex = start
      const value = parseJson(weakValuePattern.exec(text)?.[1] ?? '')
      if (value !== undefined) return value
    }
    return undefined
  }
}
