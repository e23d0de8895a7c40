import { type ArithmeticFunction, constants, functions, power } from './functions.ts'

/** Why an expression has no value. */
export type ArithmeticProblem = 'syntax' | 'unknown name' | 'too long' | 'too deep' | 'division by zero' | 'no real value' | 'too large'

/** The result of {@link arithmetic}: a value, or the reason why there is none. */
export type ArithmeticResult =
  | {
      /** The value of the expression, a finite number. */
      readonly value: number
    }
  | {
      /** The category of the problem. */
      readonly problem: ArithmeticProblem
      /** What is wrong, where, and how to fix it: for a person or a model. */
      readonly message: string
    }

/** In characters; a sum of a thousand numbers fits. */
const MAX_EXPRESSION_LENGTH = 10_000
/** Nested signs, powers and parentheses: far below what overflows the stack. */
const MAX_EXPRESSION_DEPTH = 100
/** How many characters of a name an error quotes. */
const MAX_QUOTED_NAME_LENGTH = 40

/**
 * Evaluates an arithmetic expression with JavaScript's numbers. It never throws.
 *
 * - Operators: `+ - * /` (also `× · ÷ −`), powers as `^` or `**` (right-associative, before signs: `-2^2` is -4), signs, parentheses.
 * - Numbers: `12`, `1.5`, `.5`, `5.`, `1e-3`, `1_000` and `1,000`. Inside a function's parentheses a comma separates arguments.
 * - Names, in any case: `pi`, `tau`, `e`, roots, logarithms (`log` is natural), trigonometric functions (radians), `round(x, decimals)`,
 *   `min`, `max`, `mod` and others. There are no variables.
 * - Rejected: `%`, which may mean percent or remainder; `2pi`; `3!`.
 *
 * Parses in one pass and runs no code. Expressions over 10,000 characters are rejected before parsing; nesting over 100 levels is
 * rejected during it.
 *
 * @example
 * arithmetic('2 ^ 0.235') // { value: 1.1769067372187674 }
 * arithmetic('1 / 0') // { problem: 'division by zero', message: … }
 */
export function arithmetic(text: string): ArithmeticResult {
  if (text.length > MAX_EXPRESSION_LENGTH)
    return { problem: 'too long', message: `The expression has more than ${MAX_EXPRESSION_LENGTH} characters. Evaluate it in parts.` }
  return new ExpressionParser(text).parse()
}

// A parser of our own, because no library met all of this (versions and measurements in docs/architecture.md): it is 2 KB instead of 4 to
// 90 KB; names are looked up in Maps, where most libraries reach into prototypes; its work is bounded by the length of the text.

/** A recursive descent parser: a method per precedence level. It keeps the first failure; after it all values are NaN. */
class ExpressionParser {
  readonly #text: string
  #at = 0
  #depth = 0
  /** Whether a comma separates arguments, as inside a function's parentheses, and not thousands. */
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

  /** Every recursion passes through here, so the depth is limited here. */
  #signed(): number {
    if (++this.#depth > MAX_EXPRESSION_DEPTH)
      return this.#fail('too deep', `More than ${MAX_EXPRESSION_DEPTH} parentheses, signs or powers are nested. Evaluate it in parts.`)
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
      return this.#fail('unknown name', `There is no ${JSON.stringify(name.slice(0, MAX_QUOTED_NAME_LENGTH))}. Known are ${names}.`)
    }
    if (!this.#match(/\(/y)) return this.#unexpected(`"(" after ${name}`)
    const args = this.#parenthesized(true, () => this.#args())
    if (args.length < fn.minArgs || args.length > fn.maxArgs)
      return this.#fail('syntax', `${name} takes ${describeArity(fn)}, but received ${args.length}.`)
    return this.#checked(fn.compute(...args))
  }

  #args(): number[] {
    const args = [this.#sum()]
    while (this.#match(/,/y)) args.push(this.#sum())
    return args
  }

  /** Reads the content of parentheses and the closing one. The opening one has been read. */
  #parenthesized<T>(isCall: boolean, read: () => T): T {
    const before = this.#inCall
    this.#inCall = isCall
    const inner = read()
    this.#inCall = before
    if (!this.#match(/\)/y)) this.#unexpected('")"')
    return inner
  }

  /** Reads a match of the sticky pattern and the white space after it. Returns the match without the space. */
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
      return this.#fail('no real value', 'A part of the expression has no real value, such as sqrt(-1), log(0) or mod(1, 0).')
    return Number.isFinite(value) ? value : this.#fail('too large', 'A number exceeds the maximum, about 1.8e308.')
  }

  #dividedByZero(): number {
    return this.#fail('division by zero', 'Division by zero.')
  }

  #unexpected(expected: string): number {
    const found = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0)
    const isEnd = this.#at >= this.#text.length
    const hint = found === '%' ? ' Use / 100 for percent, mod(a, b) for the remainder.' : ''
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
