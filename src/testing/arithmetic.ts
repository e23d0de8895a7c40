/** What came of a sum: its value, or why there is none. */
export type Sum =
  | { readonly value: number }
  | { readonly problem: 'not a sum' | 'too long' | 'too deep' | 'division by zero' | 'not a real number' | 'too large' }

type Problem = Extract<Sum, { readonly problem: string }>['problem']

/** Characters; what people type is far shorter. */
const MAX_LENGTH = 200
/** Signs, powers and parentheses within one another. */
const MAX_DEPTH = 40

/**
 * Works out a sum: `+ - * /`, powers as `^` or `**` (right to left, and before a sign: `-2^2` is -4), signs, parentheses, decimals,
 * `1,000`; `×`, `·`, `÷` and `−` too. Nothing is evaluated as code, and what is too long or too deep is refused before it costs anything.
 *
 * @example
 * arithmetic('17 + 4 * 2') // { value: 25 }
 * arithmetic('1 / 0') // { problem: 'division by zero' }
 */
export function arithmetic(text: string): Sum {
  if (text.length > MAX_LENGTH) return { problem: 'too long' }
  const reader = new Reader(text)
  const value = reader.whole()
  if (reader.problem) return { problem: reader.problem }
  if (Number.isNaN(value)) return { problem: 'not a real number' }
  return Number.isFinite(value) ? { value } : { problem: 'too large' }
}

const signs: Readonly<Record<string, string>> = { '×': '*', '·': '*', '÷': '/', '−': '-' }

const plain = (text: string): string =>
  text
    .trim()
    .replace(/\s+/g, ' ')
    .replaceAll('**', '^')
    .replace(/[×·÷−]/g, (sign) => signs[sign] ?? sign)

/** Reads from left to right, a method for each rank of operators. The first problem counts. */
class Reader {
  problem: Problem | undefined
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = plain(text)
  }

  whole(): number {
    const value = this.#sum()
    return this.#at === this.#text.length ? value : this.#fail('not a sum')
  }

  #sum(): number {
    let value = this.#product()
    for (let sign = this.#takes(/[+-]/y); sign; sign = this.#takes(/[+-]/y)) {
      const next = this.#product()
      value = sign === '+' ? value + next : value - next
    }
    return value
  }

  #product(): number {
    let value = this.#signed()
    for (let sign = this.#takes(/[*/]/y); sign; sign = this.#takes(/[*/]/y)) {
      const next = this.#signed()
      if (sign === '/' && next === 0) return this.#fail('division by zero')
      value = sign === '*' ? value * next : value / next
    }
    return value
  }

  /** Every way down passes here. */
  #signed(): number {
    if (++this.#depth > MAX_DEPTH) return this.#fail('too deep')
    const sign = this.#takes(/[+-]/y)
    const value = sign ? this.#signed() : this.#power()
    this.#depth--
    return sign === '-' ? -value : value
  }

  #power(): number {
    const base = this.#atom()
    if (!this.#takes(/\^/y)) return base
    const exponent = this.#signed()
    if (base === 0 && exponent < 0) return this.#fail('division by zero')
    return base ** exponent
  }

  #atom(): number {
    if (this.#takes(/\(/y)) {
      const value = this.#sum()
      return this.#takes(/\)/y) ? value : this.#fail('not a sum')
    }
    const number = this.#takes(/(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+/y)
    return number ? Number(number.replaceAll(',', '')) : this.#fail('not a sum')
  }

  /** Takes what stands here, and the space after it, where it is of that pattern. */
  #takes(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) return
    this.#at += found.length
    if (this.#text[this.#at] === ' ') this.#at++
    return found
  }

  #fail(problem: Problem): number {
    this.problem ??= problem
    return Number.NaN
  }
}
