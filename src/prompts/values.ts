import { ChaintapError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { RunnableInfo } from '../core/run/scope.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { describeForError } from '../core/util/describe.ts'
import { type MessageLike, toMessages } from '../messages/coerce.ts'
import { doubleBraceHint } from './template.ts'

/** The value of a text variable. Numbers and booleans are converted by `String()`. */
export type PromptValue = string | number | boolean

/** An object with a value for each text variable. */
export type TextValues<Names extends string> = { readonly [Name in Names]: PromptValue }

/** Options of a prompt's constructor. They apply to the prompt's own runs only. */
export type PromptOptions = Pick<RunnableInfo, 'callbacks' | 'tags' | 'metadata'>

/** The input of a prompt: an object with its values, or the value itself if the prompt needs exactly one. */
export type PromptInput<Values> = keyof Values extends never ? object : Values | SoleValue<Values, RequiredKeys<Values>>

type RequiredKeys<Values> = { [K in keyof Values]-?: object extends Pick<Values, K> ? never : K }[keyof Values]
type SoleValue<Values, Names extends keyof Values> = string extends keyof Values
  ? UnlabeledValue<Values[keyof Values]>
  : { [K in Names]: [Names] extends [K] ? UnlabeledValue<Values[K]> : never }[Names]
type UnlabeledValue<Value> = Value extends string ? string : Value extends readonly unknown[] ? Value : never

/** The argument of `partial()`: values, or functions that return them or promises of them. Functions are called in every run. */
export type Partials<Values> = { readonly [K in keyof Values]-?: Values[K] | (() => Values[K] | PromiseLike<Values[K]>) }

/** The kind of value that replaces a variable. */
export type VariableKind = 'text' | 'messages' | 'optional messages'

/** Look-ups for the variables of a prompt in one run. */
export interface RenderValues {
  /** Returns the text of a variable. */
  readonly text: (variable: string) => string
  /** Returns the messages of a placeholder. */
  readonly messages: (variable: string, optional: boolean) => readonly Message[]
}

/** Renders a prompt. It must look up each of its variables in every call: {@link collectVariables} relies on that. */
export type PromptRenderer<T> = (values: RenderValues) => T

/** The fields of a prompt that filling it in reads. */
export interface PartialPrompt<T> {
  readonly name: string
  readonly render: PromptRenderer<T>
  readonly variables: ReadonlyMap<string, VariableKind>
  readonly partials: Readonly<Record<string, unknown>>
}

/** The variables of a prompt: those that its renderer looks up. */
export function collectVariables(render: PromptRenderer<unknown>): ReadonlyMap<string, VariableKind> {
  const variables = new Map<string, VariableKind>()
  const declare = (name: string, kind: VariableKind): void => {
    const known = variables.get(name) ?? kind
    if (known === kind) variables.set(name, kind)
    else throw new ChaintapError('invalid_template', `Variable "${name}" is used both for ${known} and for ${kind}. Use two names.`)
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

/** The variables that an input must contain. */
export function requiredVariables({ variables, partials }: PartialPrompt<unknown>): readonly string[] {
  return [...variables.keys()].filter((name) => variables.get(name) !== 'optional messages' && !Object.hasOwn(partials, name))
}

/** The filled-in values of all prompts together. */
export function mergePartials(prompts: readonly Pick<PartialPrompt<unknown>, 'partials'>[]): Readonly<Record<string, unknown>> {
  const merged: Record<string, unknown> = {}
  for (const [name, value] of prompts.flatMap(({ partials }) => Object.entries(partials))) {
    if (Object.hasOwn(merged, name) && merged[name] !== value)
      throw new ChaintapError('invalid_template', `Variable ${quoteNames([name])} is filled in by two prompts. Use two names.`)
    merged[name] = value
  }
  return merged
}

/** A copy of a prompt with more values filled in. The copy keeps the options that are bound to the prompt. */
export function withPartials(prompt: PartialPrompt<unknown> & Pick<Runnable<never, unknown>, 'withConfig'>, values: object): object {
  return Object.assign(prompt.withConfig({}), { partials: { ...prompt.partials, ...values } })
}

/** Renders a prompt with an input and the values of `partial()`. Input keys that are not variables of the prompt are ignored. */
export async function fillPrompt<T>(prompt: PartialPrompt<T>, input: unknown): Promise<T> {
  const { name, render, partials } = prompt
  const needed = requiredVariables(prompt)
  const given = new Map(Object.entries(inputToValues(name, needed, input)))
  const isGiven = (variable: string): boolean => given.get(variable) !== undefined
  const duplicates = Object.keys(partials).filter(isGiven)
  if (duplicates.length > 0)
    throw invalidPromptInputError(`${name}: ${quoteNames(duplicates)} is already set by partial(). Remove it from the input.`)
  const missing = needed.filter((variable) => !isGiven(variable))
  if (missing.length > 0) {
    const facts = `Expected ${quoteNames(needed)}; received ${quoteNames([...given.keys()].filter(isGiven))}`
    throw new ChaintapError('missing_variable', `${name}: missing variables ${quoteNames(missing)}. ${facts}. ${doubleBraceHint}`)
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
  throw invalidPromptInputError(`${name}: expected an object with ${quoteNames(needed)}, but received ${describeForError(input)}.`)
}

function valueToText(variable: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw invalidPromptInputError(
    `Variable ${quoteNames([variable])}: expected a string, a number or a boolean, but received ${describeForError(value)}. Convert it to text.`,
  )
}

function valueToMessages(variable: string, value: unknown = []): readonly Message[] {
  if (Array.isArray(value)) return toMessages(value as readonly MessageLike[])
  throw invalidPromptInputError(
    `Variable ${quoteNames([variable])}: expected an array of messages, but received ${describeForError(value)}.`,
  )
}

// In quotes, because white space is part of a name.
const quoteNames = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ') || 'nothing'

const invalidPromptInputError = (problem: string): ChaintapError => new ChaintapError('invalid_input', problem)
