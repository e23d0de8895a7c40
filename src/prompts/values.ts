import { describe } from '../core/describe.ts'
import { ChaintapError } from '../core/errors.ts'
import type { Message } from '../core/message.ts'
import type { Own } from '../core/scope.ts'
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

/** What a prompt must have to be filled in. */
export interface Blank {
  readonly name: string
  readonly variables: ReadonlyMap<string, Sort>
  readonly partials: Readonly<Record<string, unknown>>
}

/** A value for each variable. */
export interface Filled {
  readonly text: (variable: string) => string
  readonly messages: (variable: string) => readonly Message[]
}

/** The variables that an input must have. */
export function neededBy({ variables, partials }: Blank): readonly string[] {
  return [...variables].flatMap(([name, sort]) => (sort === 'optional messages' || Object.hasOwn(partials, name) ? [] : [name]))
}

/** The values of an input and of what was filled in before it, each of its sort. What the prompt has no variable for is ignored. */
export async function gather(blank: Blank, input: unknown): Promise<Filled> {
  const given = new Map(Object.entries(recordOf(blank, input)))
  const twice = Object.keys(blank.partials).filter((name) => given.get(name) !== undefined)
  if (twice.length > 0) {
    throw new ChaintapError('invalid_input', `${blank.name} has ${quoted(twice)} from partial() already. Leave it out of the input.`)
  }
  const missing = neededBy(blank).filter((name) => given.get(name) === undefined)
  if (missing.length > 0) throw missingError(blank, missing, [...given.keys()])
  await Promise.all(
    Object.entries(blank.partials).map(async ([name, value]) => {
      given.set(name, typeof value === 'function' ? await value() : value)
    }),
  )
  return {
    text: (variable) => textOf(variable, given.get(variable)),
    messages: (variable) => messagesOf(variable, given.get(variable)),
  }
}

function recordOf(blank: Blank, input: unknown): object {
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input
  const needed = neededBy(blank)
  const [sole] = needed
  if (sole !== undefined && needed.length === 1) return { [sole]: input }
  throw new ChaintapError('invalid_input', `${blank.name} takes an object with ${quoted(needed)}, but got ${describe(input)}.`)
}

function missingError(blank: Blank, missing: readonly string[], given: readonly string[]): ChaintapError {
  return new ChaintapError(
    'missing_variable',
    `${blank.name} misses ${quoted(missing)}: it takes ${quoted(neededBy(blank))}, and was given ${quoted(given)}. ${doubleBraces}`,
  )
}

function textOf(variable: string, value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw new ChaintapError(
    'invalid_input',
    `The variable ${quoted([variable])} takes a string, a number or a boolean, but got ${describe(value)}. Make text of it first.`,
  )
}

function messagesOf(variable: string, value: unknown): readonly Message[] {
  if (value === undefined) return []
  if (Array.isArray(value)) return toMessages(value as readonly MessageLike[])
  throw new ChaintapError('invalid_input', `The placeholder ${quoted([variable])} takes a list of messages, but got ${describe(value)}.`)
}

// In quotes, for white space is part of a name.
const quoted = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ') || 'nothing'
