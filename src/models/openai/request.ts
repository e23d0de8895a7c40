/** Options of one call, also accepted by `bind`. For an absent option the server's own default applies. */
export interface OpenAICallOptions {
  /**
   * The model's name. The default is OpenAI's last model for completions. Compatible servers have models of their own.
   *
   * @defaultValue 'gpt-3.5-turbo-instruct'
   */
  readonly model?: string
  /**
   * Maximum tokens of the output. The default is LangChain's; OpenAI's own is 16.
   *
   * @defaultValue 256
   */
  readonly maxTokens?: number
  /** Sampling temperature, 0 to 2. */
  readonly temperature?: number
  /** Nucleus sampling: the probability mass of the tokens to sample from, 0 to 1. */
  readonly topP?: number
  /** Stop sequences: the output ends before the first of them. OpenAI accepts up to four. */
  readonly stop?: readonly string[]
  /** Seed of the sampling. The server tries to return the same output for the same seed and input. */
  readonly seed?: number
  /** Penalty of tokens that have occurred, -2 to 2. */
  readonly presencePenalty?: number
  /** Penalty of tokens by how often they have occurred, -2 to 2. */
  readonly frequencyPenalty?: number
  /** An id of the end user, for the provider's abuse detection. */
  readonly user?: string
  /** Further fields of the body in the server's format, which override the others. Visible like all options: put no secrets in them. */
  readonly modelKwargs?: Readonly<Record<string, unknown>>
}

/** The keys of {@link OpenAICallOptions}. */
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

/** Builds the body of a request from the fields that both APIs share and those of one API. JSON.stringify omits undefined fields. */
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
