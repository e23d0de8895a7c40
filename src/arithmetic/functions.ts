/** The constants of expressions. A Map, so that `constructor` and `toString` are unknown names. */
export const constants: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['π', Math.PI],
  ['tau', 2 * Math.PI],
  ['e', Math.E],
])

/** A function of expressions. */
export interface ArithmeticFunction {
  readonly minArgs: number
  readonly maxArgs: number
  /** Returns NaN if the function has no value. */
  readonly compute: (...args: number[]) => number
}

const unary = (of: (x: number) => number): ArithmeticFunction => ({ minArgs: 1, maxArgs: 1, compute: of })
const binary = (of: (x: number, y: number) => number): ArithmeticFunction => ({
  minArgs: 2,
  maxArgs: 2,
  compute: (x = 0, y = 0) => of(x, y),
})
const variadic = (of: (...args: number[]) => number): ArithmeticFunction => ({ minArgs: 1, maxArgs: Number.POSITIVE_INFINITY, compute: of })

/** The logarithm of zero is NaN here, not minus infinity. */
const positiveUnary = (of: (x: number) => number): ArithmeticFunction => unary((x) => (x > 0 ? of(x) : Number.NaN))

export const functions: ReadonlyMap<string, ArithmeticFunction> = new Map<string, ArithmeticFunction>([
  ['sqrt', unary(Math.sqrt)],
  ['cbrt', unary(Math.cbrt)],
  ['exp', unary(Math.exp)],
  ['ln', positiveUnary(Math.log)],
  // The second argument is the base, e by default, as in Python.
  ['log', { minArgs: 1, maxArgs: 2, compute: logarithm }],
  ['log2', positiveUnary(Math.log2)],
  ['log10', positiveUnary(Math.log10)],
  ['sin', unary(Math.sin)],
  ['cos', unary(Math.cos)],
  ['tan', unary(Math.tan)],
  ['asin', unary(Math.asin)],
  ['acos', unary(Math.acos)],
  ['atan', unary(Math.atan)],
  ['atan2', binary(Math.atan2)],
  ['sinh', unary(Math.sinh)],
  ['cosh', unary(Math.cosh)],
  ['tanh', unary(Math.tanh)],
  ['abs', unary(Math.abs)],
  ['sign', unary(Math.sign)],
  ['floor', unary(Math.floor)],
  ['ceil', unary(Math.ceil)],
  ['trunc', unary(Math.trunc)],
  ['round', { minArgs: 1, maxArgs: 2, compute: round }],
  ['min', variadic(Math.min)],
  ['max', variadic(Math.max)],
  ['hypot', variadic(Math.hypot)],
  ['pow', binary(power)],
  // The result has the sign of the divisor, as in Python.
  ['mod', binary((x, y) => (x % y && x % y < 0 !== y < 0 ? (x % y) + y : x % y))],
])

/** NaN for a division by zero. */
export function power(base: number, exponent: number): number {
  return base === 0 && exponent < 0 ? Number.NaN : base ** exponent
}

function logarithm(x = 0, base = Math.E): number {
  return x > 0 && base > 0 && base !== 1 ? Math.log(x) / Math.log(base) : Number.NaN
}

/** Rounds to a number of decimals, halves away from zero. */
function round(x = 0, decimals = 0): number {
  return Number.isInteger(decimals) && decimals >= 0 && decimals <= 100 ? Number(x.toFixed(decimals)) : Number.NaN
}
