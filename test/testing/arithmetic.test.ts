import { arithmetic } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('arithmetic', () => {
  test.each([
    ['17 + 4 * 2', 25],
    ['12*(3-1)', 24],
    ['2 ^ 10', 1024],
    ['2 ** 3 ** 2', 512],
    ['-2^2', -4],
    ['2^-1', 0.5],
    ['2 - -3', 5],
    ['+5 - (-(3))', 8],
    ['8 / 4 / 2', 1],
    ['10 - 3 - 2', 5],
    ['.5 + 0.25', 0.75],
    ['1,000,000 / 1,000', 1000],
    ['6 × 7 ÷ 2 − 1', 20],
    ['3·4', 12],
    ['  (1\t+\n1)  ', 2],
    ['0 ^ 0', 1],
    [`${'1+'.repeat(60)}1`, 61],
  ])('%s is %d', (text, value) => {
    expect(arithmetic(text)).toEqual({ value })
  })

  test.each([
    ['1 / 0', 'division by zero'],
    ['1 / (2 - 2)', 'division by zero'],
    ['0 ^ -1', 'division by zero'],
    ['0 * (1 / 0)', 'division by zero'],
    ['(0 - 8) ^ 0.5', 'not a real number'],
    ['9 ^ 9 ^ 9', 'too large'],
    ['1e3', 'not a sum'],
    ['', 'not a sum'],
    ['()', 'not a sum'],
    ['1 +', 'not a sum'],
    ['1 2', 'not a sum'],
    ['(1', 'not a sum'],
    ['1)', 'not a sum'],
    ['1,5 + 2', 'not a sum'],
    ['1.2.3', 'not a sum'],
    ['2 * * 3', 'not a sum'],
    ['constructor', 'not a sum'],
    [`${'1 + '.repeat(50)}1`, 'too long'],
    [`${'('.repeat(60)}1${')'.repeat(60)}`, 'too deep'],
    [`${'-'.repeat(60)}1`, 'too deep'],
    [`1${'^1'.repeat(60)}`, 'too deep'],
  ])('%s is a problem: %s', (text, problem) => {
    expect(arithmetic(text)).toEqual({ problem })
  })

  test('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...Array.from('0123456789.,+-*/^() ')) })), (text) => {
        const sum = arithmetic(text)
        expect('value' in sum ? Number.isFinite(sum.value) : sum.problem !== undefined).toBe(true)
      }),
    )
  })
})

/** An expression, its value as JavaScript computes it (undefined where something is divided by zero), and how strongly it binds. */
interface Expression {
  readonly text: string
  readonly value: number | undefined
  readonly rank: number
}

const operators = {
  '+': { rank: 1, left: 1, right: 2, of: (a: number, b: number) => a + b },
  '-': { rank: 1, left: 1, right: 2, of: (a: number, b: number) => a - b },
  '*': { rank: 2, left: 2, right: 3, of: (a: number, b: number) => a * b },
  '/': { rank: 2, left: 2, right: 3, of: (a: number, b: number) => (b === 0 ? undefined : a / b) },
  '^': { rank: 4, left: 5, right: 3, of: (a: number, b: number) => (a === 0 && b < 0 ? undefined : a ** b) },
} as const

const signs = Object.keys(operators) as (keyof typeof operators)[]

const inParentheses = ({ text, value }: Expression): Expression => ({ text: `(${text})`, value, rank: 5 })
const atLeast = (rank: number, expression: Expression) => (expression.rank < rank ? inParentheses(expression) : expression)

function joined(a: Expression, sign: keyof typeof operators, b: Expression, space: string): Expression {
  const { rank, left, right, of } = operators[sign]
  const text = [atLeast(left, a).text, sign, atLeast(right, b).text].join(space)
  return { text, value: a.value === undefined || b.value === undefined ? undefined : of(a.value, b.value), rank }
}

const negative = (a: Expression): Expression => ({
  text: `-${atLeast(3, a).text}`,
  value: a.value === undefined ? undefined : -a.value,
  rank: 3,
})

const decimal = fc.integer({ min: 0, max: 9_999 }).map((n) => n / 100)
const number = fc.oneof(fc.nat(9), decimal).map((value): Expression => ({ text: String(value), value, rank: 5 }))

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthIdentifier: 'sum' },
    number,
    fc
      .tuple(tie('expression'), fc.constantFrom(...signs), tie('expression'), fc.constantFrom('', ' '))
      .map(([a, sign, b, space]) => joined(a, sign, b, space)),
    tie('expression').map(negative),
    tie('expression').map(inParentheses),
  ),
}))

/** What arithmetic() says of a text of which JavaScript makes this value. */
function expected(text: string, value: number | undefined) {
  if (text.length > 200) return { problem: 'too long' }
  if (value === undefined) return { problem: 'division by zero' }
  if (Number.isNaN(value)) return { problem: 'not a real number' }
  return Number.isFinite(value) ? { value } : { problem: 'too large' }
}

test('arithmetic agrees with JavaScript on random expressions', () => {
  fc.assert(
    fc.property(expression, ({ text, value }) => {
      expect(arithmetic(text)).toEqual(expected(text, value))
    }),
    { numRuns: 1_000 },
  )
})
