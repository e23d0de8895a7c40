import { AbortReason, ChaintapError, TimeoutError } from '../errors.ts'
import type { ActiveRun } from './run.ts'

/**
 * Whether what a child failed with ends the run that called it too, so that nothing may be tried in its place: the run itself was
 * stopped, somebody stopped something below it (a timeout of the child's own is a failure like others), a handler with `raiseError`
 * threw, or runs called one another too deep.
 */
export function isUnrecoverable(error: unknown, { phase, tree }: ActiveRun): boolean {
  const isStop = error instanceof AbortReason && !(error instanceof TimeoutError)
  const isTooDeep = error instanceof ChaintapError && error.code === 'recursion_limit'
  return phase !== 'open' || isStop || isTooDeep || tree.fatalErrors?.has(error) === true
}
