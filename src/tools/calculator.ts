import { arithmetic } from '../arithmetic/index.ts'
import { ChaintapError } from '../core/errors.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { type Tool, tool } from './tool.ts'

/**
 * A tool that evaluates an arithmetic expression (LangChain's Calculator) with {@link arithmetic}. Input: the expression. Output: its value
 * as a string.
 *
 * @throws ChaintapError `invalid_arguments` in a run whose expression has no value, with the reason and the position.
 *
 * @example
 * await calculator.invoke('(17 + 4) * 2 ^ 0.5') // '29.698484809834998'
 */
export const calculator: Tool<string, string> = createCalculator({})

/** Creates a calculator with its own callbacks, tags and metadata. */
export function createCalculator(own: OwnOptions): Tool<string, string> {
  return tool((expression) => String(evaluateExpression(expression)), {
    ...own,
    name: 'Calculator',
    description:
      'Evaluates an arithmetic expression such as (17 + 4) * 2 ^ 0.5. Supports + - * / ^, parentheses, pi, e and functions: ' +
      'sqrt, exp, ln, log(x, base), sin, cos, tan (radians), abs, floor, ceil, round(x, decimals), min, max, mod.',
  })
}

/**
 * The value of an expression.
 *
 * @throws ChaintapError `invalid_arguments` if it has none.
 */
export function evaluateExpression(expression: string): number {
  const result = arithmetic(expression)
  if ('value' in result) return result.value
  throw new ChaintapError('invalid_arguments', `Cannot evaluate the expression. ${result.message}`)
}
