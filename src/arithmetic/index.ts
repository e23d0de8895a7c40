import { type ArithmeticFunction, constants, functions, power } from './functions.ts'

/** Why an expression has no value. */
export type ArithmeticProblem = 'syntax' | 'unknown name' | 'too long' | 'too deep' | 'division by zero' | 'no real value' | 'too large'

/** What came of an expression: its value, or why there is none, as a person or a model can mend it. */
export type ArithmeticResult = { readonly value: number } | { readonly problem: ArithmeticProblem; readonly message: string }

/** Characters; a column of a thousand numbers fits. */
const MAX_EXPRESSION_LENGTH = 10_000
/** Signs, powers and parentheses within one another: far from what overflows a stack. */
const MAX_EXPRESSION_DEPTH = 100
/** What is quoted of a name. */
const MAX_QUOTED_NAME_LENGTH = 40

/**
 * Works out an expression as JavaScript's numbers have it.
 *
 * - `+ - * /` (also `× · ÷ −`), powers as `^` or `**` (right to left, and before a sign: `-2^2` is -4), signs, parentheses
 * - numbers as `12`, `1.5`, `.5`, `5.`, `1e-3`, `1_000` and `1,000`; between the parentheses of a function a comma parts arguments
 * - `pi`, `tau`, `e` and functions, large or small: roots, logarithms (`log` is natural), angles in radians, `round(x, decimals)`,
 *   `min`, `max`, `mod` …; nothing else has a name
 * - `%` is refused, as one reads it as percent and another as remainder; so are `2pi` and `3!`
 *
 * Reads once from left to right and runs no code. What is too long or too deep is refused before it costs anything.
 *
 * @example
 * arithmetic('2 ^ 0.235') // { value: 1.1769067372187674 }
 * arithmetic('1 / 0') // { problem: 'division by zero', message: … }
 */
export function arithmetic(text: string): ArithmeticResult {
  if (text.length > MAX_EXPRESSION_LENGTH)
    return { problem: 'too long', message: `The expression has more than ${MAX_EXPRESSION_LENGTH} characters. Work it out in parts.` }
  return new ExpressionParser(text).parse()
}

// A grammar of our own, as no library did all of this (versions and measurements in docs/architecture.md): it is 2 KB, where those are 4
// to 90; names are looked up in Maps, where most of those reach into prototypes; its work is bounded by the length of the text.

/** A method for each rank of operators. The first failure counts: after it there is only NaN, and reading goes on to the end. */
class ExpressionParser {
  readonly #text: string
  #at = 0
  #depth = 0
  /** Between the parentheses of a function, where a comma parts arguments and not thousands. */
  #inCall = false
  #failure: ArithmeticResult | undefined

  constructor(text: string) {
    this.#text = text
    this.#match(/\s*/y)
  }

  parse(): ArithmeticResult {
    const value = this.#sum()
    if (this.#at < this.#text.length) this.#unexpected('an operator')
    return this.#failure ?? { value }
  }

  #sum(): number {
    let value = this.#product()
    for (let sign = this.#match(/[+\-−]/y); sign; sign = this.#match(/[+\-−]/y)) {
      const next = this.#product()
      value = this.#checked(sign === '+' ? value + next : value - next)
    }
    return value
  }

  #product(): number {
    let value = this.#signed()
    for (let sign = this.#match(/[*/×·⋅÷]/y); sign; sign = this.#match(/[*/×·⋅÷]/y)) {
      const next = this.#signed()
      if (sign !== '/' && sign !== '÷') value = this.#checked(value * next)
      else value = next === 0 ? this.#dividedByZero() : this.#checked(value / next)
    }
    return value
  }

  /** Every way down passes here. */
  #signed(): number {
    if (++this.#depth > MAX_EXPRESSION_DEPTH)
      return this.#fail(
        'too deep',
        `There are more than ${MAX_EXPRESSION_DEPTH} parentheses, signs or powers within one another. Work it out in parts.`,
      )
    const sign = this.#match(/[+\-−]/y)
    const value = sign ? this.#signed() : this.#power()
    this.#depth--
    return sign && sign !== '+' ? -value : value
  }

  #power(): number {
    const base = this.#atom()
    if (!this.#match(/\^|\*\*/y)) return base
    const exponent = this.#signed()
    return base === 0 && exponent < 0 ? this.#dividedByZero() : this.#checked(power(base, exponent))
  }

  #atom(): number {
    const grouped = this.#inCall ? undefined : this.#match(/\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d*)?(?:e[+-]?\d+)?/iy)
    const number = grouped ?? this.#match(/(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?/iy)
    if (number) return this.#checked(Number(number.replace(/[,_]/g, '')))
    if (this.#match(/\(/y)) return this.#parenthesized(false, () => this.#sum())
    const name = this.#match(/[\p{L}_$][\p{L}\p{N}_$]*/uy)
    return name ? this.#constantOrCall(name) : this.#unexpected('a number, a name or "("')
  }

  #constantOrCall(name: string): number {
    const known = name.toLowerCase()
    const value = constants.get(known)
    if (value !== undefined) return value
    const fn = functions.get(known)
    if (!fn) {
      const names = [...constants.keys(), ...functions.keys()].join(', ')
      return this.#fail('unknown name', `There is no ${JSON.stringify(name.slice(0, MAX_QUOTED_NAME_LENGTH))} here. Known are ${names}.`)
    }
    if (!this.#match(/\(/y)) return this.#unexpected(`"(" after ${name}`)
    const args = this.#parenthesized(true, () => this.#args())
    if (args.length < fn.minArgs || args.length > fn.maxArgs)
      return this.#fail('syntax', `${name} takes ${describeArity(fn)}, but got ${args.length}.`)
    return this.#checked(fn.compute(...args))
  }

  #args(): number[] {
    const args = [this.#sum()]
    while (this.#match(/,/y)) args.push(this.#sum())
    return args
  }

  /** What stands between parentheses, of which the first is taken. */
  #parenthesized<T>(isCall: boolean, read: () => T): T {
    const before = this.#inCall
    this.#inCall = isCall
    const inner = read()
    this.#inCall = before
    if (!this.#match(/\)/y)) this.#unexpected('")"')
    return inner
  }

  /** Takes what stands here, and the space after it, where it is of that pattern. */
  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found === undefined) return
    this.#at += found.length
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++
    return found
  }

  #checked(value: number): number {
    if (Number.isNaN(value))
      return this.#fail(
        'no real value',
        'Something in it has no value among the real numbers, as sqrt(-1), log(0) and mod(1, 0) have none.',
      )
    return Number.isFinite(value) ? value : this.#fail('too large', 'The numbers grow larger than can be counted with, about 1.8e308.')
  }

  #dividedByZero(): number {
    return this.#fail('division by zero', 'Something in it is divided by zero.')
  }

  #unexpected(expected: string): number {
    const found = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0)
    const isEnd = this.#at >= this.#text.length
    const hint = found === '%' ? ' Write / 100 for percent, mod(a, b) for the remainder.' : ''
    const where = isEnd ? 'at the end' : `at character ${this.#at + 1}, but found ${JSON.stringify(found)}`
    return this.#fail('syntax', `Expected ${expected} ${where}.${hint}`)
  }

  #fail(problem: ArithmeticProblem, message: string): number {
    this.#failure ??= { problem, message }
    return Number.NaN
  }
}

function describeArity({ minArgs, maxArgs }: ArithmeticFunction): string {
  if (maxArgs === Number.POSITIVE_INFINITY) return `${minArgs} argument or more`
  return minArgs === maxArgs ? `${minArgs} argument${minArgs > 1 ? 's' : ''}` : `${minArgs} to ${maxArgs} arguments`
}
