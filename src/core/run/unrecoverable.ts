import { AbortReason, ChaintapError, TimeoutError } from '../errors.ts'
import type { OpenRun } from './run.ts'

/**
 * Whether what a child failed with ends the run that called it too, so that nothing may be tried in its place: the run itself was
 * stopped, somebody stopped something below it (a timeout of the child's own is a failure like others), a handler with `raiseError`
 * threw, or runs called one another too deep.
 */
export function isFinal(error: unknown, { phase, tree }: OpenRun): boolean {
  const isStop = error instanceof AbortReason && !(error instanceof TimeoutError)
  const isTooDeep = error instanceof ChaintapError && error.code === 'recursion_limit'
  return phase !== 'open' || isStop || isTooDeep || tree.raised?.has(error) === true
}
