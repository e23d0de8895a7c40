import { ChaintapError } from '../core/errors.ts'
import type { Message, Part } from '../core/message.ts'
import { type MessageLike, type MessageObject, type RoleName, toMessage } from '../messages/coerce.ts'
import { type Literal, MessagesPlaceholder } from './placeholder.ts'
import { fill, parseTemplate, type Variables, variablesOf } from './template.ts'
import type { Filled, PromptValue, Sort, TextValues } from './values.ts'

/** The template of a message, or a place for some. */
export type ChatTemplate =
  | string
  | readonly [role: RoleName, template: string]
  | readonly [role: 'placeholder', variable: `{${string}}`]
  | MessageObject
  | MessagesPlaceholder<string, boolean>
  | Literal

/** The values that these templates need. */
export type ChatValues<M extends readonly unknown[]> = ValuesOf<TextNames<M[number]>, NeededSlots<M[number]>, OptionalSlots<M[number]>>

// `infer All`: one plain object, as editors and errors are to show it.
type ValuesOf<Text extends string, Needed extends string, Optional extends string> = string extends Text | Needed | Optional
  ? { readonly [name: string]: PromptValue | readonly MessageLike[] }
  : TextValues<Text> & MessageValues<Needed> & Partial<MessageValues<Optional>> extends infer All extends object
    ? { [K in keyof All]: All[K] }
    : never
type MessageValues<Names extends string> = { readonly [Name in Names]: readonly MessageLike[] }

type TextNames<M> = M extends string
  ? Variables<M>
  : M extends readonly ['placeholder', string]
    ? never
    : M extends readonly [string, infer Content] | { readonly content: infer Content }
      ? ContentNames<Content>
      : never
type ContentNames<Content> = Content extends string ? Variables<Content> : Content extends readonly (infer P)[] ? PartNames<P> : never
type PartNames<P> = P extends { readonly type: 'text'; readonly text: infer T extends string } | { readonly url: infer T extends string }
  ? Variables<T>
  : never

type OptionalSlots<M> = M extends MessagesPlaceholder<infer Name, true> | readonly ['placeholder', `{${infer Name}}`] ? Name : never
type NeededSlots<M> = M extends MessagesPlaceholder<infer Name, boolean> ? Exclude<Name, OptionalSlots<M>> : never

/** Makes something of the values of a run. */
export type Render<T> = (values: Filled) => T

interface Compiled {
  readonly variables: ReadonlyMap<string, Sort>
  readonly messages: readonly Render<readonly Message[]>[]
}

/** Takes the templates apart, once. */
export function compile(templates: readonly ChatTemplate[]): Compiled {
  const variables = new Map<string, Sort>()
  const declare = (name: string, sort: Sort): void => {
    const known = variables.get(name) ?? sort
    if (known !== sort) throw invalid(`"${name}" stands for ${known} here and for ${sort} there. Give them two names.`)
    variables.set(name, sort)
  }
  const text = (source: string): Render<string> => {
    const template = parseTemplate(source)
    for (const name of variablesOf(template)) declare(name, 'text')
    return (values) => fill(template, values.text)
  }
  const messages = templates.map((template): Render<readonly Message[]> => {
    if (isLiteral(template)) return () => [template.literal]
    const slot = placeholderOf(template)
    if (!slot) return message(toMessage(template as MessageLike), text)
    declare(slot.variableName, slot.optional ? 'optional messages' : 'messages')
    return (values) => values.messages(slot.variableName)
  })
  return { messages, variables }
}

type RenderText = (source: string) => Render<string>

function message(template: Message, text: RenderText): Render<readonly Message[]> {
  const { content } = template
  if (typeof content === 'string') {
    const filled = text(content)
    return (values) => [{ ...template, content: filled(values) }]
  }
  const parts = content.map((each) => part(each, text))
  return (values) => [{ ...template, content: parts.map((filled) => filled(values)) }]
}

/** Texts and the addresses of images are templates; reasoning is not, for it may be signed. */
function part(template: Part, text: RenderText): Render<Part> {
  if (template.type === 'text') {
    const filled = text(template.text)
    return (values) => ({ ...template, text: filled(values) })
  }
  if (!('url' in template)) return () => template
  const filled = text(template.url)
  return (values) => ({ ...template, url: filled(values) })
}

function placeholderOf(template: ChatTemplate): MessagesPlaceholder<string, boolean> | undefined {
  if (template instanceof MessagesPlaceholder) return template
  if (!Array.isArray(template) || template[0] !== 'placeholder') return
  const [, name] = /^\{([^{}]+)\}$/.exec(String(template[1])) ?? []
  if (name === undefined) {
    throw invalid(`['placeholder', …] takes a variable in braces, such as "{history}", but got ${JSON.stringify(template[1])}.`)
  }
  return new MessagesPlaceholder(name, { optional: true })
}

const isLiteral = (template: ChatTemplate): template is Literal =>
  typeof template === 'object' && template !== null && 'literal' in template

const invalid = (problem: string): ChaintapError => new ChaintapError('invalid_template', problem)
