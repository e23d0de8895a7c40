/** What a model's run asks of its provider, as far as it is known when it starts. */
export interface ModelRequest {
  /** The name of the model. */
  readonly model?: string
  /** Sampling temperature. */
  readonly temperature?: number
  /** Maximum tokens of the output. */
  readonly maxTokens?: number
  /** Nucleus sampling: the probability mass of the tokens to sample from, 0 to 1. */
  readonly topP?: number
  /** Stop sequences. */
  readonly stop?: readonly string[]
}
