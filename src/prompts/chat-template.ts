import { ChaintapError } from '../core/errors.ts'
import type { Message, Part } from '../core/message.ts'
import { type MessageLike, type MessageObject, type RoleName, toMessage } from '../messages/coerce.ts'
import { type Literal, MessagesPlaceholder } from './placeholder.ts'
import { fill, type Variables } from './template.ts'
import type { PromptValue, Render, TextValues } from './values.ts'

/** The template of a message, or a place for some. */
export type ChatTemplate =
  | string
  | readonly [role: RoleName, template: string | readonly Part[]]
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

/** What makes the messages of these templates. */
export function chatRender(templates: readonly ChatTemplate[]): Render<Message[]> {
  const renders = templates.map(renderOf)
  return (values) => renders.flatMap((render) => render(values))
}

function renderOf(template: ChatTemplate): Render<readonly Message[]> {
  if (isLiteral(template)) return () => [template.literal]
  const slot = placeholderOf(template)
  if (slot) return ({ messages }) => messages(slot.variableName, slot.optional)
  const message = toMessage(template as MessageLike)
  return ({ text }) => [withTexts(message, (source) => fill(source, text))]
}

/** Texts and the addresses of images are templates; reasoning is not, for it may be signed. */
function withTexts(message: Message, filled: (source: string) => string): Message {
  const { content } = message
  if (typeof content === 'string') return { ...message, content: filled(content) }
  const parts = content.map((part) => {
    if (part.type === 'text') return { ...part, text: filled(part.text) }
    return 'url' in part ? { ...part, url: filled(part.url) } : part
  })
  return { ...message, content: parts }
}

function placeholderOf(template: ChatTemplate): MessagesPlaceholder<string, boolean> | undefined {
  if (template instanceof MessagesPlaceholder) return template
  if (!Array.isArray(template) || template[0] !== 'placeholder') return
  const [, name] = /^\{([^{}]+)\}$/.exec(String(template[1])) ?? []
  if (name !== undefined) return new MessagesPlaceholder(name, { optional: true })
  throw new ChaintapError(
    'invalid_template',
    `['placeholder', …] takes a variable in braces, such as "{history}", but got ${JSON.stringify(template[1])}.`,
  )
}

const isLiteral = (template: ChatTemplate): template is Literal =>
  typeof template === 'object' && template !== null && 'literal' in template
