import { ChaintapError } from '../core/errors.ts'
import type { Fold } from '../core/flow/fold.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { GrowingValue } from './growing-value.ts'
import { PartialString } from './partial-string.ts'

type ExpectedToken = 'a value' | 'a value or ]' | 'a key' | 'a key or }' | ':' | ', or the end' | 'the end'

/** Options of {@link PartialJson}. */
export interface PartialJsonOptions {
  /**
   * Whether strings may contain line breaks, tabs and other control characters that are not escaped, as smaller models write them (Python's
   * `strict=False`).
   *
   * @defaultValue false
   */
  readonly allowControlCharacters?: boolean
}

/**
 * An incremental JSON parser. `result()` returns the value known so far and can be called at any time; `end()` returns the complete value,
 * equal to that of `JSON.parse`.
 *
 * - Results are snapshots: later text does not change them. Parts that are equal in two results are the same object in both.
 * - Strings are partial, but never end in half an escape or half a surrogate pair. Numbers, `true`, `false` and `null` appear when
 *   complete; keys appear with their values. Before anything is known the result is `undefined`.
 * - The total time is linear in the length of the text, regardless of how it is split and how often `result()` is called. To ensure that,
 *   a result may lag behind the text while wide arrays and objects are open: from 128 items or 32 keys by one character per 16 items or
 *   4 keys, from 128 keys by 4 characters per key. Closed arrays and objects never lag.
 * - The depth is not limited.
 *
 * @example
 * const json = new PartialJson()
 * json.add('{"joke": "Why did')
 * json.result() // { joke: 'Why did' }
 */
export class PartialJson implements Fold<string, unknown> {
  /** The number of characters read; after an error, the index of the invalid one. */
  position = 0
  #failure: ChaintapError | undefined
  #expected: ExpectedToken = 'a value'
  readonly #value = new GrowingValue()
  /** The string or key that is being read, or the last one. */
  readonly #string: PartialString
  #isKey = false
  /** The number, `true`, `false` or `null` that is being read. */
  #word = ''

  constructor({ allowControlCharacters = false }: PartialJsonOptions = {}) {
    this.#string = new PartialString(allowControlCharacters)
  }

  /** The number of arrays and objects that are open. */
  get depth(): number {
    return this.#value.depth
  }

  /** Whether the text so far ends inside a string or a key. */
  get isInString(): boolean {
    return !this.#string.isClosed
  }

  /** Whether the value is complete, so that only white space may follow. A top-level number is not known to be complete before `end()`. */
  get isWhole(): boolean {
    return this.#expected === 'the end'
  }

  /**
   * Parses the next piece of text.
   *
   * @throws ChaintapError `invalid_json`, with the position. `result()` still returns what was known before the error.
   */
  add(text: string): void {
    if (this.#failure) throw this.#failure
    for (let at = 0; at < text.length; ) {
      const read = this.#string.isClosed ? this.#readOutsideString(text.charAt(at)) : this.#readString(text, at)
      at += read
      this.position += read
    }
  }

  /** Returns the value known so far; `undefined` if nothing is known. */
  result(): unknown {
    return this.#value.snapshot(this.position)
  }

  /**
   * Returns the complete value.
   *
   * @throws ChaintapError `invalid_json`, with the position, if the text is invalid or incomplete.
   */
  end(): unknown {
    if (this.#failure) throw this.#failure
    if (this.#word) this.#endWord()
    if (!this.isWhole) this.#fail(`Incomplete JSON: ${this.#string.isClosed ? `expected ${this.#expected}` : 'it ends in a string'}`)
    return this.result()
  }

  get #wantsValue(): boolean {
    return this.#expected === 'a value' || this.#expected === 'a value or ]'
  }

  /** Reads one character outside a string. Returns the number of characters read. */
  #readOutsideString(char: string): number {
    if (' \n\r\t,:"[]{}'.includes(char)) {
      if (this.#word) this.#endWord()
      if (char.trim()) this.#readPunctuation(char)
    } else {
      if (!this.#word && !(this.#wantsValue && '-0123456789tfn'.includes(char))) this.#unexpected(char)
      this.#word += char
    }
    return 1
  }

  #readPunctuation(mark: string): void {
    const value = this.#value
    const expected = this.#expected
    const isAfterValue = expected === ', or the end'
    if (mark === '"' && this.#wantsValue) this.#startString(false)
    else if (mark === '"' && (expected === 'a key' || expected === 'a key or }')) this.#startString(true)
    else if (mark === '[' && this.#wantsValue) {
      value.open([])
      this.#expected = 'a value or ]'
    } else if (mark === '{' && this.#wantsValue) {
      value.open({})
      this.#expected = 'a key or }'
    } else if (mark === ':' && expected === ':') this.#expected = 'a value'
    else if (mark === ',' && isAfterValue) {
      this.#expected = value.containerType === 'array' ? 'a value' : 'a key'
      if (value.containerType === 'array') value.nextItem()
    } else if (
      (mark === ']' && value.containerType === 'array' && (isAfterValue || expected === 'a value or ]')) ||
      (mark === '}' && value.containerType === 'object' && (isAfterValue || expected === 'a key or }'))
    ) {
      value.close()
      this.#afterValue()
    } else this.#unexpected(mark)
  }

  #afterValue(): void {
    this.#expected = this.#value.containerType ? ', or the end' : 'the end'
  }

  #endWord(): void {
    const value = parseJson(this.#word)
    if (value === undefined) this.#fail(`${JSON.stringify(this.#word)} is not valid JSON`, -this.#word.length)
    this.#word = ''
    this.#value.setValue(value)
    this.#afterValue()
  }

  #startString(isKey: boolean): void {
    this.#isKey = isKey
    this.#string.open()
    if (!isKey) this.#value.setPartialText('')
  }

  /** Reads the next part of a string. Returns the number of characters read. */
  #readString(text: string, from: number): number {
    const string = this.#string
    const before = string.text
    const read = string.read(text, from)
    if (typeof read !== 'number') this.#fail(read.problem, read.offset)
    if (!this.#isKey && string.text !== before) this.#value.setPartialText(string.text)
    if (string.isClosed) this.#endString()
    return Number(read)
  }

  #endString(): void {
    if (this.#isKey) {
      this.#value.setKey(this.#string.text)
      this.#expected = ':'
    } else {
      this.#value.setValue(this.#string.text)
      this.#afterValue()
    }
  }

  #unexpected(char: string): never {
    this.#fail(`Unexpected ${JSON.stringify(char)}: expected ${this.#expected}`)
  }

  #fail(problem: string, offset = 0): never {
    this.position += offset
    this.#failure = new ChaintapError('invalid_json', `${problem}, at position ${this.position}.`)
    throw this.#failure
  }
}
