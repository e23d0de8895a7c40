import type { Usage } from './usage.ts'

/**
 * How a run ended. Every run has an outcome.
 *
 * - `complete`: the run has an output.
 * - `aborted`: the run was stopped from outside, by `stop`, a signal, `break`, a timeout, a budget or a disconnect; `error` is the reason.
 * - `failed`: the provider, a step or a handler with `raiseError` failed.
 * - `truncated`: the response body ended without the provider's end marker.
 */
export type Outcome<Out> = {
  /** The tokens that the models of the run tree reported; undefined if none did. */
  readonly usage: Usage | undefined
  /** The time from the first read to the first token of a model, in ms; undefined if there was none. */
  readonly firstTokenMs: number | undefined
  /** The time from the first read to the end, in ms. */
  readonly durationMs: number
} & (
  | {
      /** How the run ended. */
      readonly status: 'complete'
      /** The run's output. */
      readonly output: Out
    }
  | {
      readonly status: 'aborted' | 'truncated' | 'failed'
      /** The error, or the reason of the abort. */
      readonly error: unknown
      /** The output until then. */
      readonly partial: unknown
    }
)
