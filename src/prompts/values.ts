import { ChaintapError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { RunnableInfo } from '../core/run/scope.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { describeForError } from '../core/util/describe.ts'
import { type MessageLike, toMessages } from '../messages/coerce.ts'
import { doubleBraceHint } from './template.ts'

/** What a variable in a text takes; a number or a boolean is put in as `String` writes it. */
export type PromptValue = string | number | boolean

/** A value for each variable of a text. */
export type TextValues<Names extends string> = { readonly [Name in Names]: PromptValue }

/** What a prompt's constructor takes: heard, or set, on the prompt's own runs alone. */
export type PromptOptions = Pick<RunnableInfo, 'callbacks' | 'tags' | 'metadata'>

/** What a prompt takes for the values it needs: an object, or the value alone where it needs just one. */
export type PromptInput<Values> = keyof Values extends never ? object : Values | SoleValue<Values, RequiredKeys<Values>>

type RequiredKeys<Values> = { [K in keyof Values]-?: object extends Pick<Values, K> ? never : K }[keyof Values]
type SoleValue<Values, Names extends keyof Values> = string extends keyof Values
  ? UnlabeledValue<Values[keyof Values]>
  : { [K in Names]: [Names] extends [K] ? UnlabeledValue<Values[K]> : never }[Names]
type UnlabeledValue<Value> = Value extends string ? string : Value extends readonly unknown[] ? Value : never

/** What `partial` takes: values, or functions that make them, called for each run anew. */
export type Partials<Values> = { readonly [K in keyof Values]-?: Values[K] | (() => Values[K] | PromiseLike<Values[K]>) }

/** What a variable stands for. */
export type VariableKind = 'text' | 'messages' | 'optional messages'

/** What each variable stands for in a run. */
export interface RenderValues {
  readonly text: (variable: string) => string
  readonly messages: (variable: string, optional: boolean) => readonly Message[]
}

/** Fills a prompt in. It asks for each of its variables, always. */
export type PromptRenderer<T> = (values: RenderValues) => T

/** A prompt, as far as it is filled in. */
export interface PartialPrompt<T> {
  readonly name: string
  readonly render: PromptRenderer<T>
  readonly variables: ReadonlyMap<string, VariableKind>
  readonly partials: Readonly<Record<string, unknown>>
}

/** The variables of a prompt: those that it asks for. */
export function collectVariables(render: PromptRenderer<unknown>): ReadonlyMap<string, VariableKind> {
  const variables = new Map<string, VariableKind>()
  const declare = (name: string, sort: VariableKind): void => {
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
export function requiredVariables({ variables, partials }: PartialPrompt<unknown>): readonly string[] {
  return [...variables.keys()].filter((name) => variables.get(name) !== 'optional messages' && !Object.hasOwn(partials, name))
}

/** A copy of a prompt with more values filled in, and with the options that are bound to it. */
export function withPartials(prompt: PartialPrompt<unknown> & Pick<Runnable<never, unknown>, 'withConfig'>, values: object): object {
  return Object.assign(prompt.withConfig({}), { partials: { ...prompt.partials, ...values } })
}

/** Fills a prompt in with an input and what was given before it. What the prompt has no variable for is ignored. */
export async function fillPrompt<T>(prompt: PartialPrompt<T>, input: unknown): Promise<T> {
  const { name, render, partials } = prompt
  const needed = requiredVariables(prompt)
  const given = new Map(Object.entries(inputToValues(name, needed, input)))
  const isGiven = (variable: string): boolean => given.get(variable) !== undefined
  const twice = Object.keys(partials).filter(isGiven)
  if (twice.length > 0) throw invalidPromptInputError(`${name} has ${quoteNames(twice)} from partial() already. Leave it out of the input.`)
  const missing = needed.filter((variable) => !isGiven(variable))
  if (missing.length > 0) {
    const facts = `it takes ${quoteNames(needed)}, and was given ${quoteNames([...given.keys()])}`
    throw new ChaintapError('missing_variable', `${name} misses ${quoteNames(missing)}: ${facts}. ${doubleBraceHint}`)
  }
  await Promise.all(
    Object.entries(partials).map(async ([variable, value]) => {
      given.set(variable, typeof value === 'function' ? await value() : value)
    }),
  )
  return render({
    text: (variable) => valueToText(variable, given.get(variable)),
    messages: (variable) => valueToMessages(variable, given.get(variable)),
  })
}

function inputToValues(name: string, needed: readonly string[], input: unknown): object {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input
  const [sole] = needed
  if (sole !== undefined && needed.length === 1) return { [sole]: input }
  throw invalidPromptInputError(`${name} takes an object with ${quoteNames(needed)}, but got ${describeForError(input)}.`)
}

function valueToText(variable: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalidPromptInputError(
    `${quoteNames([variable])} takes a string, a number or a boolean, but got ${describeForError(value)}. Make text of it first.`,
  )
}

function valueToMessages(variable: string, value: unknown = []): readonly Message[] {
  if (Array.isArray(value)) return toMessages(value as readonly MessageLike[])
  throw invalidPromptInputError(`${quoteNames([variable])} takes a list of messages, but got ${describeForError(value)}.`)
}

// In quotes, for white space is part of a name.
const quoteNames = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ') || 'nothing'

const invalidPromptInputError = (problem: string): ChaintapError => new ChaintapError('invalid_input', problem)
