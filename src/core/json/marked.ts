/**
 * What stands where a value was that is not data: `kind` says what it was, `text` what is known of it.
 *
 * | kind | was | text |
 * |---|---|---|
 * | `function`, `symbol` | | its name |
 * | `instance` | an object of a class that has no `toJSON` | the class's name |
 * | `bytes` | an ArrayBuffer or a view of one | class and length |
 * | `cycle` | an object that it is itself part of | how many levels up that one is |
 * | `depth`, `size` | too deep, too much | the limit |
 * | `unreadable` | a getter, a `toJSON` or a Proxy that threw | what it threw |
 *
 * @example
 * String(parse(stringify(Math.max))) // '[function max]'
 */
export class Marked {
  readonly kind: string
  readonly text: string

  constructor(kind: string, text = '') {
    this.kind = kind
    this.text = text
  }

  toString(): string {
    return this.text === '' ? `[${this.kind}]` : `[${this.kind} ${this.text}]`
  }
}

/** Digits that a BigInt may have: reading one takes the square of their number. */
export const MAX_BIGINT_DIGITS = 4_096
