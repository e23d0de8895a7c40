/**
 * Replaces a value that is not data: `kind` is what the value was, `text` describes it.
 *
 * | kind | value | text |
 * |---|---|---|
 * | `function`, `symbol` | a function or a symbol | its name |
 * | `instance` | an object of a class without `toJSON` | the class name |
 * | `bytes` | an ArrayBuffer or a view of one | class and length |
 * | `cycle` | an object that contains itself | the number of levels up to the object |
 * | `depth`, `size` | a value beyond a limit | the limit |
 * | `unreadable` | a getter, `toJSON` or Proxy that threw | the thrown error |
 *
 * @example
 * String(parse(stringify(Math.max))) // '[function max]'
 */
export class Marked {
  /** What the value was, e.g. `function`. */
  readonly kind: string
  /** A description of the value, e.g. a function's name. */
  readonly text: string

  constructor(kind: string, text = '') {
    this.kind = kind
    this.text = text
  }

  /** Returns e.g. `[function max]`. */
  toString(): string {
    return this.text === '' ? `[${this.kind}]` : `[${this.kind} ${this.text}]`
  }
}

/** The maximum digits of a BigInt: parsing takes time quadratic in their number. */
export const MAX_BIGINT_DIGITS = 4_096
