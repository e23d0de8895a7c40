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

/** A chat model or a text completion model. */
export type LanguageModel = Runnable<readonly Message[], AssistantMessage, Delta> | Runnable<string, string, string>

/** Options of {@link LLMChain}. */
export interface LLMChainOptions<Values extends object, Key extends string> extends OwnOptions {
  /** Formats the input. */
  readonly prompt: PromptTemplate<Values> | ChatPromptTemplate<Values>
  /** Receives the formatted prompt: text for a completion model, messages for a chat model. */
  readonly llm: LanguageModel
  /**
   * The key of the answer in the output.
   *
   * @defaultValue 'text'
   */
  readonly outputKey?: Key
  /**
   * Prints this chain's own runs to the console.
   *
   * @defaultValue false
   */
  readonly verbose?: boolean
}

/** The output of an {@link LLMChain}. */
export type LLMChainOutput<Key extends string> = Readonly<Record<Key, string>>

/** The input of an {@link LLMChain}: the prompt's variables, or the value of its only one. */
export type LLMChainInput<Values extends object> =
  | PromptInput<Values>
  | (Values & {
      /** Stop sequences, passed to models that have `bind()`. */
      readonly stop?: readonly string[]
    })

/**
 * A prompt and a model in one run (LangChain's LLMChain). Input: values. Output: `{ text }`. The prompt has no run of its own; the
 * formatted prompt is a `text` event. New programs should use `prompt.pipe(model).pipe(new StringOutputParser())`.
 *
 * Constructor callbacks receive only this chain's own events, which do not include tokens. Pass token handlers to the model or to the call.
 *
 * @throws ChaintapError `missing_variable` or `invalid_input` in a run, before the model is called.
 *
 * @example
 * const sum = new LLMChain({ llm: new OpenAI({ apiKey }), prompt: PromptTemplate.fromTemplate('1 + {number} = ') })
 * await sum.invoke({ number: 2 }) // { text: '3' }
 * await sum.run('2', { callbacks: [{ onLlmNewToken: (token) => console.log(token) }] }) // '3'
 */
export class LLMChain<Values extends object = TextValues<string>, Key extends string = 'text'> extends Runnable<
  LLMChainInput<Values>,
  LLMChainOutput<Key>
> {
  /** The name of its runs in events. */
  readonly name = 'LLMChain'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'chain'
  /** Formats the input. */
  readonly prompt: PromptTemplate<Values> | ChatPromptTemplate<Values>
  /** Receives the formatted prompt. */
  readonly llm: LanguageModel
  /** The key of the answer in the output. */
  readonly outputKey: Key

  constructor({ prompt, llm, outputKey = 'text' as Key, verbose, ...own }: LLMChainOptions<Values, Key>) {
    super(own)
    this.prompt = prompt
    this.llm = llm
    this.outputKey = outputKey
    if (verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /** The variables that an input must contain. */
  get inputKeys(): readonly string[] {
    return this.prompt.inputVariables
  }

  /** Same as `invoke`; LangChain's older name. */
  call(input: LLMChainInput<Values>, options?: RunOptions | RunContext): Promise<LLMChainOutput<Key>> {
    return this.invoke(input, options)
  }

  /** Runs the chain and returns only the answer. */
  async run(input: LLMChainInput<Values>, options?: RunOptions | RunContext): Promise<string> {
    return (await this.invoke(input, options))[this.outputKey]
  }

  /** Starts one run for a list of inputs; their models run concurrently. `batch` starts a run for each input instead. */
  async apply(inputs: readonly LLMChainInput<Values>[], options?: RunOptions | RunContext): Promise<readonly LLMChainOutput<Key>[]> {
    return (await this.invoke(inputs as never, options)) as never
  }

  override async open(input: LLMChainInput<Values> | readonly LLMChainInput<Values>[], run: RunHandle): Promise<Flow<LLMChainOutput<Key>>> {
    if (!Array.isArray(input)) return openAnswerFlow(this, input as LLMChainInput<Values>, run)
    const runInput = async (values: LLMChainInput<Values>): Promise<unknown> => readOutput(await openAnswerFlow(this, values, run))
    return Flow.of((await mapAll(input, {}, run.maxConcurrency, runInput)) as never)
  }
}

/** Opens the flow of the answer to one input. */
async function openAnswerFlow<Values extends object, Key extends string>(
  { prompt, llm, outputKey }: LLMChain<Values, Key>,
  input: LLMChainInput<Values>,
  run: RunHandle,
): Promise<Flow<LLMChainOutput<Key>>> {
  const formatted: string | Message[] = await prompt.format(input)
  const promptText = typeof formatted === 'string' ? formatted : messagesAsText(formatted)
  await run.emit({ type: 'text', text: `Prompt after formatting:\n${promptText}` })
  const flow = await startChild(bindStopSequences(llm, input), llm.kind === 'llm' ? promptText : formatted, run)
  return new StringOutputParser().through(flow).through<LLMChainOutput<Key>>(
    {
      transform: (chunk, controller) => controller.enqueue({ [outputKey]: chunk } as LLMChainOutput<Key>),
    },
    () => textKeyFold(outputKey),
  )
}

/** The model, with the input's `stop` bound if there is one and the model has `bind()`. */
function bindStopSequences(llm: LanguageModel, input: unknown): Runnable<never, unknown, unknown> {
  const { stop } = Object(input) as { readonly stop?: unknown }
  const { bind } = llm as { readonly bind?: (options: object) => LanguageModel }
  return Array.isArray(stop) && bind ? bind.call(llm, { stop }) : llm
}

function textKeyFold(key: string): Fold<Readonly<Record<string, string>>> {
  const text = textFold()
  return {
    add: (chunk) => text.add(chunk[key] ?? ''),
    result: () => ({ [key]: text.result() }),
  }
}
