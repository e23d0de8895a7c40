import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Message } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { type ChatTemplate, type ChatValues, createMessageRenderer, type FilledNames } from './chat-template.ts'
import type { Variables } from './template.ts'
import {
  collectVariables,
  fillPrompt,
  mergePartials,
  type Partials,
  type PromptInput,
  type PromptOptions,
  type PromptRenderer,
  requiredVariables,
  type TextValues,
  type VariableKind,
  withPartials,
} from './values.ts'

/**
 * A chat template (LangChain's ChatPromptTemplate). Input: an object with the values, or the value itself if the prompt needs exactly
 * one. Output: messages.
 *
 * Each message template is a string (a user message), `[role, text]`, `{ role, content }`, a {@link MessagesPlaceholder}, or its short
 * form `['placeholder', '{history}']`, which is optional. All texts, image URLs and image data are templates, those of message objects
 * included: `{name}` is a variable; `{{` and `}}` are literal braces. To insert a message unchanged, use `literal(message)` or a
 * placeholder.
 *
 * A chat prompt among them stands for its messages, and what its {@link ChatPromptTemplate.partial | partial()} has filled in is filled in
 * for the whole prompt. It has no run of its own.
 *
 * @throws ChaintapError `invalid_template` (with the position) or `invalid_message` at construction. Runs reject with
 *   `missing_variable`, `invalid_input` or `invalid_message`.
 *
 * @example
 * const prompt = ChatPromptTemplate.fromMessages([
 *   ['system', 'You are a {mood} zoo keeper.'],
 *   new MessagesPlaceholder('history', { optional: true }),
 *   'A joke about {animal}.',
 * ])
 * await prompt.invoke({ mood: 'merry', animal: 'bears', history: [['assistant', 'Which animal?']] })
 */
export class ChatPromptTemplate<
  Values extends object = ChatValues<readonly ChatTemplate[]>,
  Filled extends PropertyKey = PropertyKey,
> extends Runnable<PromptInput<Values>, Message[]> {
  /** The name of its runs in events. */
  readonly name = 'ChatPromptTemplate'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'prompt'
  /** @internal Renders the messages from the values of one run. */
  readonly render: PromptRenderer<Message[]>
  /** @internal All variables, those that are filled in included. */
  readonly variables: ReadonlyMap<string, VariableKind>
  /** The values that {@link ChatPromptTemplate.partial | partial()} has filled in. */
  readonly partials: Readonly<Record<string, unknown>>
  /** Type parameters for the compiler, which infers the values of a prompt that contains this one. Never set. */
  declare readonly valueTypes?: (values: Values) => Filled

  /** {@link ChatPromptTemplate.fromMessages} infers the types of the variables; this constructor does not. */
  constructor(messages: readonly ChatTemplate[], options: PromptOptions = {}) {
    super(options)
    const renders = messages.map((message) =>
      message instanceof ChatPromptTemplate ? message.render : createMessageRenderer(message as never),
    )
    this.render = (values) => renders.flatMap((render) => render(values))
    this.variables = collectVariables(this.render)
    this.partials = mergePartials(messages.filter((message) => message instanceof ChatPromptTemplate))
  }

  /** Creates a prompt of one user message. */
  static fromTemplate<const T extends string>(template: T, options?: PromptOptions): ChatPromptTemplate<TextValues<Variables<T>>> {
    return new ChatPromptTemplate([template], options) as never
  }

  /**
   * Creates a prompt and infers its variables from the templates' literal types.
   *
   * @throws ChaintapError `invalid_template` (with the position) or `invalid_message`.
   */
  static fromMessages<const M extends readonly ChatTemplate[]>(
    messages: M,
    options?: PromptOptions,
  ): ChatPromptTemplate<ChatValues<M>, FilledNames<M[number]>> {
    return new ChatPromptTemplate(messages, options) as never
  }

  /** The variables that an input must contain. Optional placeholders are not included. */
  get inputVariables(): readonly string[] {
    return requiredVariables(this)
  }

  /**
   * Returns a copy with some values filled in. A function is called in every run and may return a promise. Unlike LangChain's, it is
   * synchronous.
   *
   * @example
   * const inFrench = ChatPromptTemplate.fromTemplate('Say {text} in {language}').partial({ language: 'French' })
   */
  partial<Name extends keyof Values>(
    values: Partials<Pick<Values, Name>>,
  ): ChatPromptTemplate<Omit<Values, Name>, (PropertyKey extends Filled ? never : Filled) | Name> {
    return withPartials(this, values) as never
  }

  /** Returns the messages for these values without starting a run: no events are emitted. */
  format(input: PromptInput<Values>): Promise<Message[]> {
    return fillPrompt(this, input)
  }

  override async open(input: PromptInput<Values>): Promise<Flow<Message[]>> {
    return Flow.of(await this.format(input))
  }
}
