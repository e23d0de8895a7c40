/** What one call may be asked with; `bind` takes them too. Where a field is left out, the server's own default holds. */
export interface OpenAICallOptions {
  /** Default `gpt-3.5-turbo-instruct`, OpenAI's last model for completions. Compatible servers have others. */
  readonly model?: string
  /** Most tokens of the answer. Default 256, as in LangChain; OpenAI's own would be 16. */
  readonly maxTokens?: number
  /** 0 to 2. */
  readonly temperature?: number
  /** 0 to 1. */
  readonly topP?: number
  /** The answer ends before any of these; OpenAI takes up to four. */
  readonly stop?: readonly string[]
  /** The same seed and the same question shall give the same answer, as far as the server can. */
  readonly seed?: number
  /** -2 to 2. */
  readonly presencePenalty?: number
  /** -2 to 2. */
  readonly frequencyPenalty?: number
  /** Who asks, for the provider's watch on abuse. */
  readonly user?: string
  /** Fields of the body as the server writes them, over all others: what OpenAI has beside these, and what compatible servers add. */
  readonly modelKwargs?: Readonly<Record<string, unknown>>
}

export const openaiCallKeys: readonly (keyof OpenAICallOptions)[] = [
  'model',
  'maxTokens',
  'temperature',
  'topP',
  'stop',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'user',
  'modelKwargs',
]

/** The body of a call, as far as both APIs write it alike. JSON leaves out what is undefined. */
export const openaiRequestBody = (
  { model, temperature, topP, stop, seed, presencePenalty, frequencyPenalty, user, modelKwargs }: OpenAICallOptions,
  apiFields: Readonly<Record<string, unknown>>,
  streaming: boolean,
  streamOptions: object | undefined,
): Readonly<Record<string, unknown>> => ({
  model,
  temperature,
  top_p: topP,
  stop,
  seed,
  presence_penalty: presencePenalty,
  frequency_penalty: frequencyPenalty,
  user,
  ...apiFields,
  stream: streaming,
  stream_options: streaming ? streamOptions : undefined,
  ...modelKwargs,
})
