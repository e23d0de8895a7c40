import { ChaintapError } from '../core/errors.ts'
import type { Message, Part } from '../core/message.ts'
import { type MessageLike, type MessageObject, type RoleName, toMessage } from '../messages/coerce.ts'
import { type Literal, MessagesPlaceholder } from './placeholder.ts'
import { fillTemplate, type Variables } from './template.ts'
import type { PromptRenderer, PromptValue, TextValues } from './values.ts'

/** A message template, a placeholder for messages, or a literal message. */
export type ChatTemplate =
  | string
  | readonly [role: RoleName, template: string | readonly Part[]]
  | readonly [role: 'placeholder', variable: `{${string}}`]
  | MessageObject
  | MessagesPlaceholder<string, boolean>
  | Literal

/** The object of values that these templates need. */
export type ChatValues<M extends readonly unknown[]> = TemplateValues<
  TextNames<M[number]>,
  RequiredPlaceholders<M[number]>,
  OptionalPlaceholders<M[number]>
>

// `infer All` makes one plain object type, which editors and compiler errors show expanded.
type TemplateValues<Text extends string, Needed extends string, Optional extends string> = string extends Text | Needed | Optional
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

type OptionalPlaceholders<M> = M extends MessagesPlaceholder<infer Name, true> | readonly ['placeholder', `{${infer Name}}`] ? Name : never
type RequiredPlaceholders<M> = M extends MessagesPlaceholder<infer Name, boolean> ? Exclude<Name, OptionalPlaceholders<M>> : never

/** Creates the renderer of these templates. Each is parsed once. */
export function createChatRenderer(templates: readonly ChatTemplate[]): PromptRenderer<Message[]> {
  const renders = templates.map(createMessageRenderer)
  return (values) => renders.flatMap((render) => render(values))
}

function createMessageRenderer(template: ChatTemplate): PromptRenderer<readonly Message[]> {
  if (isLiteral(template)) return () => [template.literal]
  const slot = parsePlaceholder(template)
  if (slot) return ({ messages }) => messages(slot.variableName, slot.optional)
  const message = toMessage(template as MessageLike)
  return ({ text }) => [fillMessage(message, (source) => fillTemplate(source, text))]
}

/** Texts and image URLs are templates. Reasoning is not, because it may be signed. */
function fillMessage(message: Message, fillText: (source: string) => string): Message {
  const { content } = message
  if (typeof content === 'string') return { ...message, content: fillText(content) }
  const parts = content.map((part) => {
    if (part.type === 'text') return { ...part, text: fillText(part.text) }
    return 'url' in part ? { ...part, url: fillText(part.url) } : part
  })
  return { ...message, content: parts }
}

function parsePlaceholder(template: ChatTemplate): MessagesPlaceholder<string, boolean> | undefined {
  if (template instanceof MessagesPlaceholder) return template
  if (!Array.isArray(template) || template[0] !== 'placeholder') return
  const [, name] = /^\{([^{}]+)\}$/.exec(String(template[1])) ?? []
  if (name !== undefined) return new MessagesPlaceholder(name, { optional: true })
  throw new ChaintapError(
    'invalid_template',
    `['placeholder', …]: expected a variable in braces, such as "{history}", but received ${JSON.stringify(template[1])}.`,
  )
}

const isLiteral = (template: ChatTemplate): template is Literal =>
  typeof template === 'object' && template !== null && 'literal' in template
