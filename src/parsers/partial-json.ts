import { ChaintapError } from '../core/errors.ts'
import type { Fold } from '../core/flow/fold.ts'
import { parseJson } from '../core/util/parse-json.ts'
import { GrowingValue } from './growing-value.ts'

type ExpectedToken = 'a value' | 'a value or ]' | 'a key' | 'a key or }' | ':' | ', or the end' | 'nothing more'

const QUOTE_CODE_UNIT = 0x22
const BACKSLASH_CODE_UNIT = 0x5c

/**
 * JSON that comes in pieces. `result()` is what is known of it so far, at any time; `end()` is the whole: what `JSON.parse` gives.
 *
 * - Each result is a value of its own, which nothing that comes later changes. What is equal in two results is the same object in both.
 * - Strings are given as far as they are known, without half an escape or half a surrogate pair; numbers, `true`, `false` and `null`
 *   when they are whole; keys with their values. Where nothing is known the result is `undefined`.
 * - Takes time in proportion to the text, however it is cut and however often it is asked. For that a result may be behind the text
 *   where the arrays and objects that have not ended are wide: from 128 items or 32 keys on by a character per 16 items or 4 keys, from
 *   128 keys on by 4 characters per key. An array or object that has ended is never behind.
 * - Any depth will do.
 *
 * @example
 * const json = new PartialJson()
 * json.add('{"joke": "Why did')
 * json.result() // { joke: 'Why did' }
 */
export class PartialJson implements Fold<string, unknown> {
  /** How many characters have been read; where it failed, the index of the one that is wrong. */
  position = 0
  #failure: ChaintapError | undefined
  #expected: ExpectedToken = 'a value'
  readonly #value = new GrowingValue()
  /** The string that is being read: what is known of it, and what has been read but does not make a character yet. */
  #string: 'none' | 'key' | 'value' = 'none'
  #text = ''
  #highSurrogate = ''
  #escape = ''
  /** The number or name that is being read. */
  #word = ''

  /** Whether all has been read but white space. Of a number this is not known before `end()`. */
  get isWhole(): boolean {
    return this.#expected === 'nothing more'
  }

  /** @throws ChaintapError `invalid_json`, with the position. What came before it stays known. */
  add(text: string): void {
    if (this.#failure) throw this.#failure
    for (let at = 0; at < text.length; ) {
      const read = this.#string === 'none' ? this.#readOutsideString(text.charAt(at)) : this.#readString(text, at)
      at += read
      this.position += read
    }
  }

  result(): unknown {
    return this.#value.snapshot(this.position)
  }

  /** @throws ChaintapError `invalid_json`, with the position, where it is not JSON or not whole. */
  end(): unknown {
    if (this.#failure) throw this.#failure
    if (this.#word) this.#endWord()
    if (!this.isWhole) this.#fail(`The JSON ends ${this.#string === 'none' ? `where ${this.#expected} is expected` : 'in a string'}`)
    return this.result()
  }

  get #wantsValue(): boolean {
    return this.#expected === 'a value' || this.#expected === 'a value or ]'
  }

  /** Reads a character outside of strings. */
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
    if (mark === '"' && this.#wantsValue) this.#startString('value')
    else if (mark === '"' && (expected === 'a key' || expected === 'a key or }')) this.#startString('key')
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
    this.#expected = this.#value.containerType ? ', or the end' : 'nothing more'
  }

  #endWord(): void {
    const value = parseJson(this.#word)
    if (value === undefined) this.#fail(`${JSON.stringify(this.#word)} is not JSON`, -this.#word.length)
    this.#word = ''
    this.#value.setValue(value)
    this.#afterValue()
  }

  #startString(string: 'key' | 'value'): void {
    this.#string = string
    this.#text = ''
    if (string === 'value') this.#value.setPartialText('')
  }

  /** Reads on in a string, and says how far. */
  #readString(text: string, from: number): number {
    if (this.#escape) return this.#readEscape(text.charAt(from))
    let at = from
    let code = text.charCodeAt(at)
    while (code >= 0x20 && code !== QUOTE_CODE_UNIT && code !== BACKSLASH_CODE_UNIT) code = text.charCodeAt(++at)
    if (at > from) this.#appendText(text.slice(from, at))
    if (code === QUOTE_CODE_UNIT) this.#endString()
    else if (code === BACKSLASH_CODE_UNIT) this.#escape = '\\'
    else if (at < text.length) this.#fail(`${JSON.stringify(text.charAt(at))} must be escaped in a string`, at - from)
    else return at - from
    return at - from + 1
  }

  #readEscape(char: string): number {
    this.#escape += char
    if (this.#escape.length < (this.#escape[1] === 'u' ? 6 : 2)) return 1
    const said = parseJson(`"${this.#escape}"`)
    if (typeof said !== 'string') this.#fail(`${this.#escape} is no escape`, 1 - this.#escape.length)
    this.#escape = ''
    this.#appendText(String(said))
    return 1
  }

  /** The string goes on. Half a surrogate pair waits for its other half. */
  #appendText(more: string): void {
    const said = this.#highSurrogate + more
    const last = said.charCodeAt(said.length - 1)
    const isHalf = last >= 0xd800 && last < 0xdc00
    this.#highSurrogate = isHalf ? said.slice(-1) : ''
    const known = isHalf ? said.slice(0, -1) : said
    if (!known) return
    this.#text += known
    if (this.#string === 'value') this.#value.setPartialText(this.#text)
  }

  #endString(): void {
    const text = this.#text + this.#highSurrogate
    this.#highSurrogate = ''
    if (this.#string === 'key') {
      this.#value.setKey(text)
      this.#expected = ':'
    } else {
      this.#value.setValue(text)
      this.#afterValue()
    }
    this.#string = 'none'
  }

  #unexpected(char: string): never {
    this.#fail(`${JSON.stringify(char)} came where ${this.#expected} is expected`)
  }

  #fail(problem: string, offset = 0): never {
    this.position += offset
    this.#failure = new ChaintapError('invalid_json', `${problem}, at position ${this.position}.`)
    throw this.#failure
  }
}
