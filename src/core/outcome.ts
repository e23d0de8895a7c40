import type { Usage } from './usage.ts'

/**
 * How a run ended, on every path.
 *
 * - `complete` with its output
 * - `aborted` stopped from outside: stop, signal, `break`, timeout, budget, disconnect; `error` says which
 * - `failed` from within: the provider, a step, a handler that raises
 * - `truncated` the body ended without the provider's own end
 */
export type Outcome<Out> = {
  /** What the models of the tree reported; undefined where none did. */
  readonly usage: Usage | undefined
  /** From the first read until a model first said something, in ms. */
  readonly firstTokenMs: number | undefined
  readonly durationMs: number
} & (
  | { readonly status: 'complete'; readonly output: Out }
  | { readonly status: 'aborted' | 'truncated' | 'failed'; readonly error: unknown; readonly partial: unknown }
)
