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
 * A text with variables (LangChain's PromptTemplate): an object of values in, a string out. A template with one variable takes the
 * string alone, too. `{name}` is a variable, `{{` and `}}` are braces.
 *
 * @throws ChaintapError `invalid_template` at construction, with the position; `missing_variable` and `invalid_input` in a run.
 *
 * @example
 * const prompt = PromptTemplate.fromTemplate('A joke about {animal}.')
 * await prompt.invoke({ animal: 'bears' }) // 'A joke about bears.'
 */
export class PromptTemplate<Values extends object = TextValues<string>> extends Runnable<PromptInput<Values>, string> {
  readonly name = 'PromptTemplate'
  readonly kind: RunKind = 'prompt'
  /** @internal */
  readonly render: PromptRenderer<string>
  /** @internal */
  readonly variables: ReadonlyMap<string, VariableKind>
  /** What {@link PromptTemplate.partial | partial()} has filled in. */
  readonly partials: Readonly<Record<string, unknown>> = {}

  /** {@link PromptTemplate.fromTemplate} knows the variables by type. */
  constructor(template: string, options: PromptOptions = {}) {
    super(options)
    this.render = ({ text }) => fillTemplate(template, text)
    this.variables = collectVariables(this.render)
  }

  /** A prompt whose variables are those in the template, by type too. */
  static fromTemplate<const T extends string>(template: T, options?: PromptOptions): PromptTemplate<TextValues<Variables<T>>> {
    return new PromptTemplate(template, options)
  }

  /** The variables that an input must have. */
  get inputVariables(): readonly string[] {
    return requiredVariables(this)
  }

  /**
   * The prompt with some values filled in. A function is called for each run anew, and may return a promise.
   *
   * @example
   * const dated = PromptTemplate.fromTemplate('{date}: {question}').partial({ date: () => new Date().toDateString() })
   */
  partial<Name extends keyof Values>(values: Partials<Pick<Values, Name>>): PromptTemplate<Omit<Values, Name>> {
    return withPartials(this, values) as never
  }

  /** The text for these values, without a run: nothing is heard. */
  format(input: PromptInput<Values>): Promise<string> {
    return fillPrompt(this, input)
  }

  override async open(input: PromptInput<Values>): Promise<Flow<string>> {
    return Flow.of(await this.format(input))
  }
}
