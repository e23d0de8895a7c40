/** What names mean in an expression. Maps, not objects: `constructor` and `toString` are no names. */
export const constants: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['π', Math.PI],
  ['tau', 2 * Math.PI],
  ['e', Math.E],
])

/** A function, how many arguments it takes, and what comes out: NaN where it has no value. */
export interface Fn {
  readonly least: number
  readonly most: number
  readonly of: (...args: number[]) => number
}

const one = (of: (x: number) => number): Fn => ({ least: 1, most: 1, of })
const two = (of: (x: number, y: number) => number): Fn => ({ least: 2, most: 2, of: (x = 0, y = 0) => of(x, y) })
const any = (of: (...args: number[]) => number): Fn => ({ least: 1, most: Number.POSITIVE_INFINITY, of })

/** A logarithm of zero is no number, and not minus infinity. */
const positive = (of: (x: number) => number): Fn => one((x) => (x > 0 ? of(x) : Number.NaN))

export const functions: ReadonlyMap<string, Fn> = new Map<string, Fn>([
  ['sqrt', one(Math.sqrt)],
  ['cbrt', one(Math.cbrt)],
  ['exp', one(Math.exp)],
  ['ln', positive(Math.log)],
  // Natural, or to the base given second, as in Python.
  ['log', { least: 1, most: 2, of: logarithm }],
  ['log2', positive(Math.log2)],
  ['log10', positive(Math.log10)],
  ['sin', one(Math.sin)],
  ['cos', one(Math.cos)],
  ['tan', one(Math.tan)],
  ['asin', one(Math.asin)],
  ['acos', one(Math.acos)],
  ['atan', one(Math.atan)],
  ['atan2', two(Math.atan2)],
  ['sinh', one(Math.sinh)],
  ['cosh', one(Math.cosh)],
  ['tanh', one(Math.tanh)],
  ['abs', one(Math.abs)],
  ['sign', one(Math.sign)],
  ['floor', one(Math.floor)],
  ['ceil', one(Math.ceil)],
  ['trunc', one(Math.trunc)],
  ['round', { least: 1, most: 2, of: round }],
  ['min', any(Math.min)],
  ['max', any(Math.max)],
  ['hypot', any(Math.hypot)],
  ['pow', two(power)],
  // With the sign of the divisor, as in Python.
  ['mod', two((x, y) => (x % y && x % y < 0 !== y < 0 ? (x % y) + y : x % y))],
])

/** NaN for one divided by zero. */
export function power(base: number, exponent: number): number {
  return base === 0 && exponent < 0 ? Number.NaN : base ** exponent
}

function logarithm(x = 0, base = Math.E): number {
  return x > 0 && base > 0 && base !== 1 ? Math.log(x) / Math.log(base) : Number.NaN
}

/** To so many decimals, halves away from zero, as at school. */
function round(x = 0, decimals = 0): number {
  return Number.isInteger(decimals) && decimals >= 0 && decimals <= 100 ? Number(x.toFixed(decimals)) : Number.NaN
}
