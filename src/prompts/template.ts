import { ChaintapError } from '../core/errors.ts'

/**
 * The names of a template's variables, read from its literal type; `string` if the template is not a literal.
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
 * Replaces the variables of a template. Values are inserted as plain text and never parsed as templates. `{name}` is a variable, and
 * white space is part of its name; `{{` and `}}` are literal braces. There is no other syntax, so neither a value nor a name can run
 * code or read properties. The syntax is that of LangChain.js f-string templates.
 *
 * @throws ChaintapError `invalid_template`, with the position, for an unmatched brace, `{}`, and text that looks like JSON.
 *
 * @example
 * fillTemplate('Hi {name}}}', () => 'bears') // 'Hi bears}'
 */
export function fillTemplate(template: string, textFor: (variable: string) => string): string {
  return template.replace(templateTokenPattern, (token, index: number) => {
    if (token === '{{' || token === '}}') return token.slice(1)
    const problem = findTokenProblem(token)
    if (problem) throw invalidTemplateError(problem, template, index)
    return textFor(token.slice(1, -1))
  })
}

// In this order: `{{` and `}}`, a variable (closed or not), a single brace.
const templateTokenPattern = /\{\{|\}\}|\{[^{}]*\}?|\}/g

function findTokenProblem(token: string): string | undefined {
  if (token === '}') return 'Unmatched }'
  if (!token.endsWith('}')) return 'Unclosed {'
  if (token === '{}') return 'Empty variable name {}'
  // A name may contain any character, but one that begins with a quote is almost always JSON. This is the most common mistake, so it
  // fails at construction instead of at the first call.
  if (/^\{\s*"/.test(token)) return 'Expected a variable name in braces, but found JSON'
}

export const doubleBraceHint = 'Double the braces that are meant as text: {{ and }}.'

/** How many characters of the line an error shows on each side of the problem. */
const TEMPLATE_EXCERPT_CHARS = 40

function invalidTemplateError(problem: string, source: string, index: number): ChaintapError {
  const lines = source.slice(0, index).split('\n')
  const column = lines.at(-1)?.length ?? 0
  const before = source.slice(index - Math.min(column, TEMPLATE_EXCERPT_CHARS), index)
  const [after = ''] = source.slice(index, index + TEMPLATE_EXCERPT_CHARS).split(/\r?\n/, 1)
  const shown = `  ${before}${after}\n  ${' '.repeat(before.length)}^`.replaceAll('\t', ' ')
  return new ChaintapError('invalid_template', `${problem} (at ${lines.length}:${column + 1}). ${doubleBraceHint}\n${shown}`)
}
