import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { fillTemplate, type Variables } from './template.ts'
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
 * A text template (LangChain's PromptTemplate). Input: an object with the values, or the string itself if the template has one variable.
 * Output: the text. `{name}` is a variable; `{{` and `}}` are literal braces.
 *
 * @throws ChaintapError `invalid_template` at construction, with the position. Runs reject with `missing_variable` or `invalid_input`.
 *
 * @example
 * const prompt = PromptTemplate.fromTemplate('A joke about {animal}.')
 * await prompt.invoke({ animal: 'bears' }) // 'A joke about bears.'
 */
export class PromptTemplate<Values extends object = TextValues<string>> extends Runnable<PromptInput<Values>, string> {
  /** The name of its runs in events. */
  readonly name = 'PromptTemplate'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'prompt'
  /** @internal Renders the text from the values of one run. */
  readonly render: PromptRenderer<string>
  /** @internal All variables, those that are filled in included. */
  readonly variables: ReadonlyMap<string, VariableKind>
  /** The values that {@link PromptTemplate.partial | partial()} has filled in. */
  readonly partials: Readonly<Record<string, unknown>> = {}

  /** {@link PromptTemplate.fromTemplate} infers the types of the variables; this constructor does not. */
  constructor(template: string, options: PromptOptions = {}) {
    super(options)
    this.render = ({ text }) => fillTemplate(template, text)
    this.variables = collectVariables(this.render)
  }

  /**
   * Creates a prompt and infers its variables from the template's literal type.
   *
   * @throws ChaintapError `invalid_template`, with the position.
   */
  static fromTemplate<const T extends string>(template: T, options?: PromptOptions): PromptTemplate<TextValues<Variables<T>>> {
    return new PromptTemplate(template, options)
  }

  /** The variables that an input must contain. */
  get inputVariables(): readonly string[] {
    return requiredVariables(this)
  }

  /**
   * Returns a copy with some values filled in. A function is called in every run and may return a promise. Unlike LangChain's, it is
   * synchronous.
   *
   * @example
   * const dated = PromptTemplate.fromTemplate('{date}: {question}').partial({ date: () => new Date().toDateString() })
   */
  partial<Name extends keyof Values>(values: Partials<Pick<Values, Name>>): PromptTemplate<Omit<Values, Name>> {
    return withPartials(this, values) as never
  }

  /** Returns the text for these values without starting a run: no events are emitted. */
  format(input: PromptInput<Values>): Promise<string> {
    return fillPrompt(this, input)
  }

  override async open(input: PromptInput<Values>): Promise<Flow<string>> {
    return Flow.of(await this.format(input))
  }
}
