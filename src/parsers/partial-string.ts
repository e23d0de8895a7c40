import { parseJson } from '../core/util/parse-json.ts'

const QUOTE_CODE_UNIT = 0x22
const BACKSLASH_CODE_UNIT = 0x5c

/** What is wrong with a string of JSON, and where: counted from the character that was read last. */
export interface StringProblem {
  readonly problem: string
  readonly offset: number
}

/** A string of JSON that is read while it arrives. */
export class PartialString {
  /** The decoded part. It never ends in half an escape or half a surrogate pair. */
  text = ''
  /** Whether the closing quote has been read. */
  isClosed = true
  /** The lowest code unit that a string may contain unescaped. */
  readonly #lowest: number
  #highSurrogate = ''
  #escape = ''

  constructor(allowsControlCharacters: boolean) {
    this.#lowest = allowsControlCharacters ? 0 : 0x20
  }

  /** Starts a string, after its opening quote. */
  open(): void {
    this.text = ''
    this.isClosed = false
  }

  /** Reads the next part. Returns the number of characters read, or what is wrong. */
  read(text: string, from: number): number | StringProblem {
    if (this.#escape) return this.#readEscape(text.charAt(from))
    let at = from
    let code = text.charCodeAt(at)
    while (code >= this.#lowest && code !== QUOTE_CODE_UNIT && code !== BACKSLASH_CODE_UNIT) code = text.charCodeAt(++at)
    if (at > from) this.#append(text.slice(from, at))
    if (code === QUOTE_CODE_UNIT) this.#close()
    else if (code === BACKSLASH_CODE_UNIT) this.#escape = '\\'
    else if (at < text.length) return { problem: `${JSON.stringify(text.charAt(at))} must be escaped in a string`, offset: at - from }
    else return at - from
    return at - from + 1
  }

  #readEscape(char: string): number | StringProblem {
    this.#escape += char
    if (this.#escape.length < (this.#escape[1] === 'u' ? 6 : 2)) return 1
    const decoded = parseJson(`"${this.#escape}"`)
    if (typeof decoded !== 'string') return { problem: `Invalid escape ${this.#escape}`, offset: 1 - this.#escape.length }
    this.#escape = ''
    this.#append(decoded)
    return 1
  }

  /** The first half of a surrogate pair is held until its second half arrives. */
  #append(more: string): void {
    const text = this.#highSurrogate + more
    const last = text.charCodeAt(text.length - 1)
    const isHalf = last >= 0xd800 && last < 0xdc00
    this.#highSurrogate = isHalf ? text.slice(-1) : ''
    this.text += isHalf ? text.slice(0, -1) : text
  }

  #close(): void {
    this.text += this.#highSurrogate
    this.#highSurrogate = ''
    this.isClosed = true
  }
}
