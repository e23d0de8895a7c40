import { arithmetic } from 'chaintap/tools'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('arithmetic()', () => {
  test.each([
    ['17 + 4 * 2', 25],
    ['12*(3-1)', 24],
    ['2 ^ 10', 1024],
    ['2 ** 3 ** 2', 512],
    ['2 ^ 3 ** 2', 512],
    ['-2^2', -4],
    ['(-2)**2', 4],
    ['2^-1', 0.5],
    ['2 ^ -2 ^ 2', 2 ** -4],
    ['2 - -3', 5],
    ['+5 - (-(3))', 8],
    ['8 / 4 / 2', 1],
    ['10 - 3 - 2', 5],
    ['6 × 7 ÷ 2 − 1', 20],
    ['3·4 ⋅ 2', 24],
    ['  (1\t+\n1)  ', 2],
    ['0 ^ 0', 1],
    ['2 ^ 0.235', 2 ** 0.235],
    [`${'1+'.repeat(4_000)}1`, 4_001],
    [`${'('.repeat(90)}1${')'.repeat(90)}`, 1],
  ])('evaluates %.40s to %d', (text, value) => {
    expect(arithmetic(text)).toEqual({ value })
  })

  test.each([
    ['.5 + 0.25', 0.75],
    ['5.', 5],
    ['5. + 5.0', 10],
    ['1e3', 1_000],
    ['1.5E-3', 0.0015],
    ['.5e+2', 50],
    ['1_000_000', 1_000_000],
    ['1,000,000 / 1,000', 1_000],
    ['1,234.5', 1_234.5],
    ['007', 7],
    ['(1,000 + 1)', 1_001],
    ['max(1,200)', 200],
    ['max(1, (2,000))', 2_000],
    ['min(3,100,200) + 1,000', 1_003],
  ])('parses the number %s as %d', (text, value) => {
    expect(arithmetic(text)).toEqual({ value })
  })

  test.each([
    ['sqrt(16) + cbrt(27)', 7],
    ['2 * PI', 2 * Math.PI],
    ['π', Math.PI],
    ['tau - e', 2 * Math.PI - Math.E],
    ['E', Math.E],
    ['exp(1) - e', 0],
    ['ln(e)', 1],
    ['log(e ^ 2)', 2],
    ['log(8, 2)', 3],
    ['log10(1000)', 3],
    ['log2(1024)', 10],
    ['sin(pi / 6)', Math.sin(Math.PI / 6)],
    ['cos(0) + tan(0)', 1],
    ['asin(1) + acos(0) + atan(0)', Math.PI],
    ['atan2(1, -1)', Math.atan2(1, -1)],
    ['sinh(0) + cosh(0) + tanh(0)', 1],
    ['Abs(-3)', 3],
    ['sign(-7) + floor(2.7) + ceil(2.2) + trunc(-2.7)', 2],
    ['round(2.5) + round(-2.5)', 0],
    ['round(3.14159, 2)', 3.14],
    ['min(3, 1, 2) + max(3, 1, 2)', 4],
    ['max (1 , 2)', 2],
    ['hypot(3, 4)', 5],
    ['pow(2, 10)', 1_024],
    ['mod(7, 3)', 1],
    ['mod(-7, 3)', 2],
    ['mod(7, -3)', -2],
    ['mod(6, 3)', 0],
    ['2 ^ sqrt(4) ^ 2', 16],
    ['-sqrt(4)', -2],
  ])('knows the functions and constants in %s: %d', (text, value) => {
    // Engines differ in the last digit of some.
    expect(arithmetic(text)).toEqual({ value: expect.closeTo(value, 12) })
  })

  test.each([
    ['', 'Expected a number, a name or "(" at the end.'],
    ['()', 'at character 2, but found ")"'],
    ['1 +', 'at the end'],
    ['1 2', 'Expected an operator at character 3, but found "2"'],
    ['(1', 'Expected ")" at the end'],
    ['1)', 'Expected an operator at character 2, but found ")"'],
    ['1,5 + 2', 'Expected an operator at character 2, but found ","'],
    ['1,0000', 'found ","'],
    ['1,000,00', 'character 6, but found ","'],
    ['1.2.3', 'Expected an operator'],
    ['1__0', 'Expected an operator'],
    ['2 * * 3', 'found "*"'],
    ['2pi', 'Expected an operator'],
    ['2(3)', 'Expected an operator'],
    ['3!', 'found "!"'],
    ['15% * 200', 'Use / 100 for percent, mod(a, b) for the remainder'],
    ['1 = 1', 'found "="'],
    ['pi = 3', 'Expected an operator at character 4, but found "="'],
    ['"a" + 1', 'found "\\""'],
    ['pi.constructor', 'Expected an operator at character 3, but found "."'],
    ['max.constructor', 'Expected "(" after max'],
    ['[1][0]', 'found "["'],
    ['sqrt 4', 'Expected "(" after sqrt at character 6'],
    ['sqrt()', 'found ")"'],
    ['sqrt(1, 2)', 'sqrt takes 1 argument, but received 2.'],
    ['atan2(1)', 'atan2 takes 2 arguments, but received 1.'],
    ['log10(1,000)', 'log10 takes 1 argument, but received 2.'],
    ['round(1, 2, 3)', 'round takes 1 to 2 arguments, but received 3.'],
    ['max(1', 'Expected ")" at the end'],
    ['1; 2', 'found ";"'],
    ['1 😀', 'found "😀"'],
  ])('reports a syntax problem for %j: %s', (text, message) => {
    expect(arithmetic(text)).toEqual({ problem: 'syntax', message: expect.stringContaining(message) })
  })

  test.each([
    'constructor',
    '__proto__',
    'toString()',
    'hasOwnProperty("x")',
    'valueOf',
    'prototype',
    'eval(1)',
    'Function(1)()',
    'globalThis',
    'this',
    'x',
    'x = 5',
    '_',
    '$',
    'undefined',
    'Infinity',
    'NaN',
    'size',
    'get(1)',
  ])('reports an unknown name for %s', (text) => {
    expect(arithmetic(text)).toEqual({
      problem: 'unknown name',
      message: expect.stringMatching(/^There is no ".*"\. Known are pi, .*mod\.$/),
    })
  })

  test.each([
    ['1 / 0', 'division by zero'],
    ['1 / (2 - 2)', 'division by zero'],
    ['0 ^ -1', 'division by zero'],
    ['0 * (1 / 0)', 'division by zero'],
    ['(0 - 8) ^ 0.5', 'no real value'],
    ['sqrt(-1)', 'no real value'],
    ['ln(0)', 'no real value'],
    ['log(0)', 'no real value'],
    ['log(2, 1)', 'no real value'],
    ['log10(-1)', 'no real value'],
    ['asin(2)', 'no real value'],
    ['mod(1, 0)', 'no real value'],
    ['pow(0, -1)', 'no real value'],
    ['round(1, 0.5)', 'no real value'],
    ['round(1, 1000)', 'no real value'],
    ['9 ^ 9 ^ 9', 'too large'],
    ['1e999', 'too large'],
    ['1 / (1e308 * 10)', 'too large'],
    ['cosh(1000)', 'too large'],
    ['-1e308 - 1e308', 'too large'],
  ])('reports no value for %s: %s', (text, problem) => {
    expect(arithmetic(text)).toEqual({ problem, message: expect.any(String) })
  })

  test.each([
    ['a megabyte', '1+'.repeat(524_288), 'too long'],
    ['a megabyte of parentheses', '('.repeat(1_048_576), 'too long'],
    ['deep parentheses', `${'('.repeat(4_000)}1${')'.repeat(4_000)}`, 'too deep'],
    ['a row of signs', `${'-'.repeat(9_000)}1`, 'too deep'],
    ['a tower of powers', `1${'^1'.repeat(4_000)}`, 'too deep'],
    ['deep functions', `${'abs('.repeat(1_500)}1${')'.repeat(1_500)}`, 'too deep'],
    ['a long name', 'a'.repeat(10_000), 'unknown name'],
  ])('rejects %s', (_, text, problem) => {
    const result = arithmetic(text)
    expect(result).toEqual({ problem, message: expect.any(String) })
    expect('message' in result && result.message.length).toBeLessThan(400)
  })

  test('never throws, whatever the input', () => {
    const signs = fc.string({ unit: fc.constantFrom(...Array.from('0123456789.,_+-*/^%() ein')), maxLength: 30 })
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), signs), (text) => {
        const result = arithmetic(text)
        expect('value' in result ? Number.isFinite(result.value) : result.message.length > 0).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

/** An expression, its value as JavaScript computes it (or why there is none), and how strongly it binds. */
interface Expression {
  readonly text: string
  readonly value: number | string
  readonly rank: number
}

const asFound = (value: number): number | string => {
  if (Number.isNaN(value)) return 'no real value'
  return Number.isFinite(value) ? value : 'too large'
}

const operators = {
  '+': { rank: 1, left: 1, right: 2, of: (a: number, b: number) => a + b },
  '-': { rank: 1, left: 1, right: 2, of: (a: number, b: number) => a - b },
  '*': { rank: 2, left: 2, right: 3, of: (a: number, b: number) => a * b },
  '/': { rank: 2, left: 2, right: 3, of: (a: number, b: number) => (b === 0 ? 'division by zero' : a / b) },
  '^': { rank: 4, left: 5, right: 3, of: (a: number, b: number) => (a === 0 && b < 0 ? 'division by zero' : a ** b) },
  '**': { rank: 4, left: 5, right: 3, of: (a: number, b: number) => (a === 0 && b < 0 ? 'division by zero' : a ** b) },
} as const

const functions = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  sin: Math.sin,
  atan: Math.atan,
  abs: Math.abs,
  floor: Math.floor,
  ceil: Math.ceil,
}

const inParentheses = ({ text, value }: Expression): Expression => ({ text: `(${text})`, value, rank: 5 })
const atLeast = (rank: number, expression: Expression) => (expression.rank < rank ? inParentheses(expression) : expression)

function joined(a: Expression, sign: keyof typeof operators, b: Expression, space: string): Expression {
  const { rank, left, right, of } = operators[sign]
  const text = [atLeast(left, a).text, sign, atLeast(right, b).text].join(space)
  return { text, value: worked(a, b, of), rank }
}

/** The first problem from left to right wins. */
function worked(a: Expression, b: Expression, of: (a: number, b: number) => number | string): number | string {
  if (typeof a.value === 'string') return a.value
  if (typeof b.value === 'string') return b.value
  const value = of(a.value, b.value)
  return typeof value === 'string' ? value : asFound(value)
}

const negative = (a: Expression): Expression => ({
  text: `-${atLeast(3, a).text}`,
  value: typeof a.value === 'string' ? a.value : -a.value,
  rank: 3,
})

const called = (name: keyof typeof functions, a: Expression): Expression => ({
  text: `${name}(${a.text})`,
  value: typeof a.value === 'string' ? a.value : asFound(functions[name](a.value)),
  rank: 5,
})

const greater = (a: Expression, b: Expression): Expression => ({
  text: `max(${a.text},${b.text})`,
  value: worked(a, b, Math.max),
  rank: 5,
})

const literal = fc
  .oneof(
    fc.nat(9),
    fc.integer({ min: 0, max: 9_999 }).map((n) => n / 100),
    fc.double({ min: 0, max: 1e6, noNaN: true, noDefaultInfinity: true }),
  )
  .map((value): Expression => ({ text: String(value), value, rank: 5 }))
const constant = fc
  .constantFrom(...(['pi', 'e'] as const))
  .map((name): Expression => ({ text: name, value: { pi: Math.PI, e: Math.E }[name], rank: 5 }))

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 5, depthIdentifier: 'sum' },
    literal,
    constant,
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom(...(Object.keys(operators) as (keyof typeof operators)[])),
        tie('expression'),
        fc.constantFrom('', ' ', '\n'),
      )
      .map(([a, sign, b, space]) => joined(a, sign, b, space)),
    tie('expression').map(negative),
    tie('expression').map(inParentheses),
    fc
      .tuple(fc.constantFrom(...(Object.keys(functions) as (keyof typeof functions)[])), tie('expression'))
      .map(([name, a]) => called(name, a)),
    fc.tuple(tie('expression'), tie('expression')).map(([a, b]) => greater(a, b)),
  ),
}))

test('arithmetic() agrees with JavaScript on random expressions', () => {
  fc.assert(
    fc.property(expression, ({ text, value }) => {
      const expected = typeof value === 'string' ? { problem: value, message: expect.any(String) } : { value }
      expect(arithmetic(text)).toEqual(text.length > 10_000 ? expect.objectContaining({ problem: 'too long' }) : expected)
    }),
    { numRuns: 1_000 },
  )
})
