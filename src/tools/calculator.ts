import { arithmetic } from '../arithmetic/index.ts'
import { ChaintapError } from '../core/errors.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { type Tool, tool } from './tool.ts'

/**
 * A tool that works out an expression (LangChain's Calculator), as {@link arithmetic} does: a text in, the value as a text out.
 *
 * @throws ChaintapError `invalid_arguments` in a run where there is no value: what is wrong and where.
 *
 * @example
 * await calculator.invoke('(17 + 4) * 2 ^ 0.5') // '29.698484809834998'
 */
export const calculator: Tool<string, string> = createCalculator({})

/** The calculator with callbacks, tags and metadata of its own. */
export function createCalculator(own: OwnOptions): Tool<string, string> {
  return tool((expression) => String(evaluateExpression(expression)), {
    ...own,
    name: 'Calculator',
    description:
      'Works out an arithmetic expression such as (17 + 4) * 2 ^ 0.5. It has + - * / ^, parentheses, pi, e and functions: ' +
      'sqrt, exp, ln, log(x, base), sin, cos, tan (radians), abs, floor, ceil, round(x, decimals), min, max, mod.',
  })
}

/** The value of an expression. */
export function evaluateExpression(expression: string): number {
  const sum = arithmetic(expression)
  if ('value' in sum) return sum.value
  throw new ChaintapError('invalid_arguments', `This expression has no value: ${sum.message}`)
}
