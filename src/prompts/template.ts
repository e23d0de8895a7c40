import { ChaintapError } from '../core/errors.ts'

/** A template, taken apart: text as strings, variables by name. */
export type Template = readonly (string | { readonly variable: string })[]

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
 * Takes a template apart. `{name}` is a variable, white space part of its name; `{{` and `}}` are braces; there is nothing else, so
 * that no value and no name can do more than be put in (LangChain's f-string templates as LangChain.js reads them).
 *
 * @throws ChaintapError `invalid_template`, with the position, for a lone brace, `{}`, and what looks like JSON.
 *
 * @example
 * parseTemplate('Hi {name}}}') // ['Hi ', { variable: 'name' }, '}']
 */
export function parseTemplate(source: string): Template {
  return Array.from(source.matchAll(tokens), ({ 0: token, index }) => {
    if (token === '{{' || token === '}}') return token.slice(1)
    if (!/^[{}]/.test(token)) return token
    const problem = problemOf(token)
    if (problem) throw invalid(problem, source, index)
    return { variable: token.slice(1, -1) }
  })
}

// In this order: `{{` and `}}`, a variable or what was to be one, a brace alone, text.
const tokens = /\{\{|\}\}|\{[^{}]*\}?|\}|[^{}]+/g

function problemOf(token: string): string | undefined {
  if (token === '}') return 'This } closes nothing'
  if (!token.endsWith('}')) return 'This { is never closed'
  if (token === '{}') return 'This variable has no name'
  // A name may hold anything, but one that begins with a quote is JSON: the commonest mistake of all, better met here than at the first call.
  if (/^\{\s*"/.test(token)) return 'This looks like JSON, not like the name of a variable'
}

/** Puts the values in, as they are: what a value holds is never read as a template. */
export function fill(template: Template, textFor: (variable: string) => string): string {
  return template.map((part) => (typeof part === 'string' ? part : textFor(part.variable))).join('')
}

/** Names of the variables, each once, in their order. */
export function variablesOf(template: Template): readonly string[] {
  return [...new Set(template.flatMap((part) => (typeof part === 'string' ? [] : [part.variable])))]
}

export const doubleBraces = 'A brace that is meant as text is written twice: {{ and }}.'

/** How much of a line is shown on each side of the problem. */
const EXCERPT = 40

function invalid(problem: string, source: string, index: number): ChaintapError {
  const lineStart = source.lastIndexOf('\n', index - 1) + 1
  const from = Math.max(lineStart, index - EXCERPT)
  const [excerpt = ''] = source.slice(from, index + EXCERPT).split(/\r?\n/, 1)
  const line = source.slice(0, lineStart).split('\n').length
  const place = `${line}:${index - lineStart + 1}`
  const shown = excerpt.replaceAll('\t', ' ')
  return new ChaintapError('invalid_template', `${problem} (at ${place}). ${doubleBraces}\n  ${shown}\n  ${' '.repeat(index - from)}^`)
}
