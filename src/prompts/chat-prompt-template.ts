import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Message } from '../core/message.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { type ChatTemplate, type ChatValues, createChatRenderer } from './chat-template.ts'
import type { Variables } from './template.ts'
import {
  collectVariables,
  fillPrompt,
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
 * A conversation with variables (LangChain's ChatPromptTemplate): an object of values in, messages out. A prompt that needs one value
 * takes it alone, too.
 *
 * A template of a message is a string (the user's), `[role, text]`, `{ role, content }`, a {@link MessagesPlaceholder} or its short
 * form `['placeholder', '{history}']`, which is optional. All of them are templates, objects too, whoever made them: `{name}` is a
 * variable, `{{` and `}}` are braces. A message that must stay as it is, braces and all, goes in by `literal(message)` or by a
 * placeholder.
 *
 * @throws ChaintapError `invalid_template` (with the position) and `invalid_message` at construction; `missing_variable`,
 * `invalid_input` and `invalid_message` in a run.
 *
 * @example
 * const prompt = ChatPromptTemplate.fromMessages([
 *   ['system', 'You are a {mood} zoo keeper.'],
 *   new MessagesPlaceholder('history', { optional: true }),
 *   'A joke about {animal}.',
 * ])
 * await prompt.invoke({ mood: 'merry', animal: 'bears', history: [['assistant', 'Which animal?']] })
 */
export class ChatPromptTemplate<Values extends object = ChatValues<readonly ChatTemplate[]>> extends Runnable<
  PromptInput<Values>,
  Message[]
> {
  readonly name = 'ChatPromptTemplate'
  readonly kind: RunKind = 'prompt'
  /** @internal */
  readonly render: PromptRenderer<Message[]>
  /** @internal */
  readonly variables: ReadonlyMap<string, VariableKind>
  /** What {@link ChatPromptTemplate.partial | partial()} has filled in. */
  readonly partials: Readonly<Record<string, unknown>> = {}

  /** {@link ChatPromptTemplate.fromMessages} knows the variables by type. */
  constructor(messages: readonly ChatTemplate[], options: PromptOptions = {}) {
    super(options)
    this.render = createChatRenderer(messages)
    this.variables = collectVariables(this.render)
  }

  /** One message of the user. */
  static fromTemplate<const T extends string>(template: T, options?: PromptOptions): ChatPromptTemplate<TextValues<Variables<T>>> {
    return new ChatPromptTemplate([template], options) as never
  }

  /** A prompt whose variables are those in the templates, by type too. */
  static fromMessages<const M extends readonly ChatTemplate[]>(messages: M, options?: PromptOptions): ChatPromptTemplate<ChatValues<M>> {
    return new ChatPromptTemplate(messages, options) as never
  }

  /** The variables that an input must have: optional placeholders are not among them. */
  get inputVariables(): readonly string[] {
    return requiredVariables(this)
  }

  /**
   * The prompt with some values filled in. A function is called for each run anew, and may return a promise.
   *
   * @example
   * const inFrench = ChatPromptTemplate.fromTemplate('Say {text} in {language}').partial({ language: 'French' })
   */
  partial<Name extends keyof Values>(values: Partials<Pick<Values, Name>>): ChatPromptTemplate<Omit<Values, Name>> {
    return withPartials(this, values) as never
  }

  /** The messages for these values, without a run: nothing is heard. */
  format(input: PromptInput<Values>): Promise<Message[]> {
    return fillPrompt(this, input)
  }

  override async open(input: PromptInput<Values>): Promise<Flow<Message[]>> {
    return Flow.of(await this.format(input))
  }
}
