/**
 * `chaintap/advanced`: what the author of a runnable needs beside `Runnable`.
 *
 * @module
 */
export { Flow } from './core/flow/flow.ts'
export type { Fold } from './core/flow/fold.ts'
export type { MaybePromise, Stage } from './core/flow/link.ts'
export type { Source, SourceResult } from './core/flow/source.ts'
export type { RunCleanup, RunFacts, RunHandle } from './core/run/run-handle.ts'
