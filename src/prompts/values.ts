import { ChaintapError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { Own } from '../core/run/scope.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { describe } from '../core/util/describe.ts'
import { type MessageLike, toMessages } from '../messages/coerce.ts'
import { doubleBraces } from './template.ts'

/** What a variable in a text takes; a number or a boolean is put in as `String` writes it. */
export type PromptValue = string | number | boolean

/** A value for each variable of a text. */
export type TextValues<Names extends string> = { readonly [Name in Names]: PromptValue }

/** What a prompt's constructor takes: heard, or set, on the prompt's own runs alone. */
export type PromptOptions = Pick<Own, 'callbacks' | 'tags' | 'metadata'>

/** What a prompt takes for the values it needs: an object, or the value alone where it needs just one. */
export type PromptInput<Values> = keyof Values extends never ? object : Values | Sole<Values, NeededBy<Values>>

type NeededBy<Values> = { [K in keyof Values]-?: object extends Pick<Values, K> ? never : K }[keyof Values]
type Sole<Values, Names extends keyof Values> = string extends keyof Values
  ? Bare<Values[keyof Values]>
  : { [K in Names]: [Names] extends [K] ? Bare<Values[K]> : never }[Names]
type Bare<Value> = Value extends string ? string : Value extends readonly unknown[] ? Value : never

/** What `partial` takes: values, or functions that make them, called for each run anew. */
export type Partials<Values> = { readonly [K in keyof Values]-?: Values[K] | (() => Values[K] | PromiseLike<Values[K]>) }

/** What a variable stands for. */
export type Sort = 'text' | 'messages' | 'optional messages'

/** What each variable stands for in a run. */
export interface Values {
  readonly text: (variable: string) => string
  readonly messages: (variable: string, optional: boolean) => readonly Message[]
}

/** Fills a prompt in. It asks for each of its variables, always. */
export type Render<T> = (values: Values) => T

/** A prompt, as far as it is filled in. */
export interface Blank<T> {
  readonly name: string
  readonly render: Render<T>
  readonly variables: ReadonlyMap<string, Sort>
  readonly partials: Readonly<Record<string, unknown>>
}

/** The variables of a prompt: those that it asks for. */
export function variablesOf(render: Render<unknown>): ReadonlyMap<string, Sort> {
  const variables = new Map<string, Sort>()
  const declare = (name: string, sort: Sort): void => {
    const known = variables.get(name) ?? sort
    if (known === sort) variables.set(name, sort)
    else throw new ChaintapError('invalid_template', `"${name}" stands for ${known} here and for ${sort} there. Give them two names.`)
  }
  render({
    text: (name) => {
      declare(name, 'text')
      return ''
    },
    messages: (name, optional) => {
      declare(name, optional ? 'optional messages' : 'messages')
      return []
    },
  })
  return variables
}

/** The variables that an input must have. */
export function neededBy({ variables, partials }: Blank<unknown>): readonly string[] {
  return [...variables.keys()].filter((name) => variables.get(name) !== 'optional messages' && !Object.hasOwn(partials, name))
}

/** A copy of a prompt with more values filled in, and with the options that are bound to it. */
export function withPartials(prompt: Blank<unknown> & Pick<Runnable<never, unknown>, 'withConfig'>, values: object): object {
  return Object.assign(prompt.withConfig({}), { partials: { ...prompt.partials, ...values } })
}

/** Fills a prompt in with an input and what was given before it. What the prompt has no variable for is ignored. */
export async function filled<T>(blank: Blank<T>, input: unknown): Promise<T> {
  const { name, render, partials } = blank
  const needed = neededBy(blank)
  const given = new Map(Object.entries(recordOf(name, needed, input)))
  const isGiven = (variable: string): boolean => given.get(variable) !== undefined
  const twice = Object.keys(partials).filter(isGiven)
  if (twice.length > 0) throw invalid(`${name} has ${quoted(twice)} from partial() already. Leave it out of the input.`)
  const missing = needed.filter((variable) => !isGiven(variable))
  if (missing.length > 0) {
    const facts = `it takes ${quoted(needed)}, and was given ${quoted([...given.keys()])}`
    throw new ChaintapError('missing_variable', `${name} misses ${quoted(missing)}: ${facts}. ${doubleBraces}`)
  }
  await Promise.all(
    Object.entries(partials).map(async ([variable, value]) => {
      given.set(variable, typeof value === 'function' ? await value() : value)
    }),
  )
  return render({
    text: (variable) => textOf(variable, given.get(variable)),
    messages: (variable) => messagesOf(variable, given.get(variable)),
  })
}

function recordOf(name: string, needed: readonly string[], input: unknown): object {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input
  const [sole] = needed
  if (sole !== undefined && needed.length === 1) return { [sole]: input }
  throw invalid(`${name} takes an object with ${quoted(needed)}, but got ${describe(input)}.`)
}

function textOf(variable: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalid(`${quoted([variable])} takes a string, a number or a boolean, but got ${describe(value)}. Make text of it first.`)
}

function messagesOf(variable: string, value: unknown = []): readonly Message[] {
  if (Array.isArray(value)) return toMessages(value as readonly MessageLike[])
  throw invalid(`${quoted([variable])} takes a list of messages, but got ${describe(value)}.`)
}

// In quotes, for white space is part of a name.
const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ') || 'nothing'

const invalid = (problem: string): ChaintapError => new ChaintapError('invalid_input', problem)
