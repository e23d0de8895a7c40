import { ChaintapError } from '../core/errors.ts'
import type { Message, Part } from '../core/message.ts'
import { type MessageLike, type MessageObject, type RoleName, toMessage } from '../messages/coerce.ts'
import { type Literal, MessagesPlaceholder } from './placeholder.ts'
import { fillTemplate, type Variables } from './template.ts'
import type { PromptRenderer, PromptValue, TextValues } from './values.ts'

/** A message template, a placeholder for messages, a literal message, or a chat prompt. */
export type ChatTemplate =
  | string
  | readonly [role: RoleName, template: string | readonly Part[]]
  | readonly [role: 'placeholder', variable: `{${string}}`]
  | MessageObject
  | MessagesPlaceholder<string, boolean>
  | Literal
  | NestedChatPrompt<never>

/** A chat prompt among the templates of another, as the compiler sees it. */
export interface NestedChatPrompt<in Values, out Filled = unknown> {
  /** The name of a chat prompt's runs. */
  readonly name: 'ChatPromptTemplate'
  /** The values that `partial()` has filled in. */
  readonly partials: Readonly<Record<string, unknown>>
  /** Type parameters for the compiler. Never set. */
  readonly valueTypes?: (values: Values) => Filled
}

/** The object of values that these templates need: their own and those of nested prompts, without those that a nested prompt has filled in. */
export type ChatValues<M extends readonly unknown[]> = [NestedValues<M[number]>] extends [never]
  ? OwnValues<M[number]>
  : OwnValues<M[number]> & AllOf<NestedValues<M[number]>> extends infer All
    ? { [K in keyof All as Exclude<K, FilledNames<M[number]>>]: All[K] }
    : never
type OwnValues<M> = TemplateValues<TextNames<M>, RequiredPlaceholders<M>, OptionalPlaceholders<M>>

/** The values of nested prompts, each in a function, so that {@link AllOf} can intersect them. */
type NestedValues<M> = M extends NestedChatPrompt<infer Values> ? ([Values] extends [never] ? never : (values: Values) => void) : never
type AllOf<Functions> = [Functions] extends [(values: infer Values) => void] ? Values : never

/** The names that nested prompts among these templates have filled in. */
export type FilledNames<M> = M extends NestedChatPrompt<never, infer Filled> ? (string extends Filled ? never : Filled) : never

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
  : P extends { readonly data: infer D extends string; readonly mediaType: infer T extends string }
    ? Variables<D> | Variables<T>
    : never

type OptionalPlaceholders<M> = M extends MessagesPlaceholder<infer Name, true> | readonly ['placeholder', `{${infer Name}}`] ? Name : never
type RequiredPlaceholders<M> = M extends MessagesPlaceholder<infer Name, boolean> ? Exclude<Name, OptionalPlaceholders<M>> : never

/** Creates the renderer of a template that is not a prompt. It is parsed once. */
export function createMessageRenderer(template: Exclude<ChatTemplate, NestedChatPrompt<never>>): PromptRenderer<readonly Message[]> {
  if (isLiteral(template)) return () => [template.literal]
  const slot = parsePlaceholder(template)
  if (slot) return ({ messages }) => messages(slot.variableName, slot.optional)
  const message = toMessage(template as MessageLike)
  return ({ text }) => [fillMessage(message, (source) => fillTemplate(source, text))]
}

/** Texts and images are templates. Reasoning is not, because it may be signed. */
function fillMessage(message: Message, fillText: (source: string) => string): Message {
  const { content } = message
  if (typeof content === 'string') return { ...message, content: fillText(content) }
  const parts = content.map((part) => {
    if (part.type === 'text') return { ...part, text: fillText(part.text) }
    if (part.type !== 'image') return part
    return 'url' in part
      ? { ...part, url: fillText(part.url) }
      : { ...part, data: fillText(part.data), mediaType: fillText(part.mediaType) }
  })
  return { ...message, content: parts }
}

function parsePlaceholder(template: unknown): MessagesPlaceholder<string, boolean> | undefined {
  if (template instanceof MessagesPlaceholder) return template
  if (!Array.isArray(template) || template[0] !== 'placeholder') return
  const [, name] = /^\{([^{}]+)\}$/.exec(String(template[1])) ?? []
  if (name !== undefined) return new MessagesPlaceholder(name, { optional: true })
  throw new ChaintapError(
    'invalid_template',
    `['placeholder', …]: expected a variable in braces, such as "{history}", but received ${JSON.stringify(template[1])}.`,
  )
}

const isLiteral = (template: unknown): template is Literal => typeof template === 'object' && template !== null && 'literal' in template
