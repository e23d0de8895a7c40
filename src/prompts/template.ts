import { ChaintapError } from '../core/errors.ts'

/**
 * The variables of a template, read from its literal type; `string` where the template is not a literal.
 *
 * @example
 * type V = Variables<'{greeting}, {{not this}} {name}'> // 'greeting' | 'name'
 */
export type Variables<T extends string, Found extends string = never> = string extends T
  ? string
  : T extends `${string}{${infer Rest}`
    ? Rest extends `{${infer More}`
      ? Variables<More, Found>
      : Rest extends `${infer Name}}${infer More}`
        ? Variables<More, Found | Name>
        : Found
    : Found

/**
 * Puts values into a template, as they are: what a value holds is never read as a template. `{name}` is a variable, white space part of
 * its name; `{{` and `}}` are braces; there is nothing else, so that no value and no name can do more than be put in (LangChain's
 * f-string templates as LangChain.js reads them).
 *
 * @throws ChaintapError `invalid_template`, with the position, for a lone brace, `{}`, and what looks like JSON.
 *
 * @example
 * fill('Hi {name}}}', () => 'bears') // 'Hi bears}'
 */
export function fillTemplate(template: string, textFor: (variable: string) => string): string {
  return template.replace(templateTokenPattern, (token, index: number) => {
    if (token === '{{' || token === '}}') return token.slice(1)
    const problem = findTokenProblem(token)
    if (problem) throw invalidTemplateError(problem, template, index)
    return textFor(token.slice(1, -1))
  })
}

// In this order: `{{` and `}}`, a variable or what was to be one, a brace alone.
const templateTokenPattern = /\{\{|\}\}|\{[^{}]*\}?|\}/g

function findTokenProblem(token: string): string | undefined {
  if (token === '}') return 'This } closes nothing'
  if (!token.endsWith('}')) return 'This { is never closed'
  if (token === '{}') return 'This variable has no name'
  // A name may hold anything, but one that begins with a quote is JSON: the commonest mistake of all, better met here than at the first call.
  if (/^\{\s*"/.test(token)) return 'This looks like JSON, not like the name of a variable'
}

export const doubleBraceHint = 'A brace that is meant as text is written twice: {{ and }}.'

/** How much of a line is shown on each side of the problem. */
const TEMPLATE_EXCERPT_CHARS = 40

function invalidTemplateError(problem: string, source: string, index: number): ChaintapError {
  const lines = source.slice(0, index).split('\n')
  const column = lines.at(-1)?.length ?? 0
  const before = source.slice(index - Math.min(column, TEMPLATE_EXCERPT_CHARS), index)
  const [after = ''] = source.slice(index, index + TEMPLATE_EXCERPT_CHARS).split(/\r?\n/, 1)
  const shown = `  ${before}${after}\n  ${' '.repeat(before.length)}^`.replaceAll('\t', ' ')
  return new ChaintapError('invalid_template', `${problem} (at ${lines.length}:${column + 1}). ${doubleBraceHint}\n${shown}`)
}
