import { lazyConsoleHandler } from '../console/lazy.ts'
import type { Delta } from '../core/delta.ts'
import type { RunContext, RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { type Fold, textFold } from '../core/flow/fold.ts'
import { messagesAsText } from '../core/handler/methods.ts'
import type { AssistantMessage, Message } from '../core/message.ts'
import type { RunOptions } from '../core/options.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { readOutput, startChild } from '../core/run/start.ts'
import { mapAll } from '../core/runnable/batch.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { StringOutputParser } from '../parsers/text.ts'
import type { ChatPromptTemplate } from '../prompts/chat-prompt-template.ts'
import type { PromptTemplate } from '../prompts/prompt-template.ts'
import type { PromptInput, TextValues } from '../prompts/values.ts'

/** A chat model, or a model of texts. */
export type LanguageModel = Runnable<readonly Message[], AssistantMessage, Delta> | Runnable<string, string, string>

/** Options of {@link LLMChain}. */
export interface LLMChainOptions<Values extends object, Key extends string> extends OwnOptions {
  readonly prompt: PromptTemplate<Values> | ChatPromptTemplate<Values>
  readonly llm: LanguageModel
  /** The key of the answer. Default `text`. */
  readonly outputKey?: Key
  /** Prints this chain's own runs to the console. */
  readonly verbose?: boolean
}

/** What a chain gives. */
export type LLMChainOutput<Key extends string> = Readonly<Record<Key, string>>

/** What a chain takes: the prompt's variables, or its only one alone; and where the model should stop, if it can be told. */
export type LLMChainInput<Values extends object> = PromptInput<Values> | (Values & { readonly stop?: readonly string[] })

/**
 * A prompt and a model as one run (LangChain's LLMChain): values in, `{ text }` out. The prompt is no run of its own; the formatted
 * prompt is told as a `text` event. For new programs `prompt.pipe(model).pipe(new StringOutputParser())` says the same.
 *
 * Constructor callbacks hear this chain's own events, as everywhere: tokens are the model's, so hear them on the model or the request.
 *
 * @throws ChaintapError `missing_variable` and `invalid_input` in a run, before the model is asked.
 *
 * @example
 * const chain = new LLMChain({ llm: new OpenAI({ apiKey }), prompt: PromptTemplate.fromTemplate('1 + {number} = ') })
 * await chain.invoke({ number: 2 }) // { text: '3' }
 * await chain.run('2', { callbacks: [handler] }) // '3'
 */
export class LLMChain<Values extends object = TextValues<string>, Key extends string = 'text'> extends Runnable<
  LLMChainInput<Values>,
  LLMChainOutput<Key>
> {
  readonly name = 'LLMChain'
  readonly kind: RunKind = 'chain'
  readonly prompt: PromptTemplate<Values> | ChatPromptTemplate<Values>
  readonly llm: LanguageModel
  readonly outputKey: Key

  constructor({ prompt, llm, outputKey = 'text' as Key, verbose, ...own }: LLMChainOptions<Values, Key>) {
    super(own)
    this.prompt = prompt
    this.llm = llm
    this.outputKey = outputKey
    if (verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /** The variables that an input must have. */
  get inputKeys(): readonly string[] {
    return this.prompt.inputVariables
  }

  /** `invoke`, by LangChain's older name. */
  call(input: LLMChainInput<Values>, options?: RunOptions | RunContext): Promise<LLMChainOutput<Key>> {
    return this.invoke(input, options)
  }

  /** The answer alone. */
  async run(input: LLMChainInput<Values>, options?: RunOptions | RunContext): Promise<string> {
    return (await this.invoke(input, options))[this.outputKey]
  }

  /** One run over a list of inputs, whose models run side by side; `batch` makes a run for each. */
  async apply(inputs: readonly LLMChainInput<Values>[], options?: RunOptions | RunContext): Promise<readonly LLMChainOutput<Key>[]> {
    return (await this.invoke(inputs as never, options)) as never
  }

  override async open(input: LLMChainInput<Values> | readonly LLMChainInput<Values>[], run: RunHandle): Promise<Flow<LLMChainOutput<Key>>> {
    if (!Array.isArray(input)) return openAnswerFlow(this, input as LLMChainInput<Values>, run)
    const one = async (each: LLMChainInput<Values>): Promise<unknown> => readOutput(await openAnswerFlow(this, each, run))
    return Flow.of((await mapAll(input, {}, run.maxConcurrency, one)) as never)
  }
}

/** The flow of one input's answer. */
async function openAnswerFlow<Values extends object, Key extends string>(
  { prompt, llm, outputKey }: LLMChain<Values, Key>,
  input: LLMChainInput<Values>,
  run: RunHandle,
): Promise<Flow<LLMChainOutput<Key>>> {
  const formatted: string | Message[] = await prompt.format(input)
  const said = typeof formatted === 'string' ? formatted : messagesAsText(formatted)
  await run.emit({ type: 'text', text: `Prompt after formatting:\n${said}` })
  const flow = await startChild(bindStopSequences(llm, input), llm.kind === 'llm' ? said : formatted, run)
  return new StringOutputParser().through(flow).through<LLMChainOutput<Key>>(
    {
      transform: (chunk, controller) => controller.enqueue({ [outputKey]: chunk } as LLMChainOutput<Key>),
    },
    () => textKeyFold(outputKey),
  )
}

/** The model with the `stop` of the input, where there is one and the model can be told. */
function bindStopSequences(llm: LanguageModel, input: unknown): Runnable<never, unknown, unknown> {
  const { stop } = Object(input) as { readonly stop?: unknown }
  const { bind } = llm as { readonly bind?: (options: object) => LanguageModel }
  return Array.isArray(stop) && bind ? bind.call(llm, { stop }) : llm
}

function textKeyFold(key: string): Fold<Readonly<Record<string, string>>> {
  const whole = textFold()
  return {
    add: (chunk) => whole.add(chunk[key] ?? ''),
    result: () => ({ [key]: whole.result() }),
  }
}
