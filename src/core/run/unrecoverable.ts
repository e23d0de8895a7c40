import { AbortReason, ChaintapError, TimeoutError } from '../errors.ts'
import type { RunContext } from '../event.ts'
import { closeRun } from './close.ts'
import { isActiveRun } from './run.ts'

/**
 * Whether a child's error also ends the run that called it, so that nothing may be tried instead. That is so if
 *
 * - the run itself was stopped, or something below it was (a child's own timeout is an ordinary failure),
 * - a handler with `raiseError` threw,
 * - or runs called one another deeper than `recursionLimit`.
 */
export function isUnrecoverable(error: unknown, context: RunContext): boolean {
  if (!isActiveRun(context)) return false
  const isStop = error instanceof AbortReason && !(error instanceof TimeoutError)
  const isTooDeep = error instanceof ChaintapError && error.code === 'recursion_limit'
  return context.phase !== 'open' || isStop || isTooDeep || context.tree.fatalErrors?.has(error) === true
}

/** Fails the run that called a child if the child's error ends that run too. For callers that cannot throw the error. */
export function failIfUnrecoverable(error: unknown, context: RunContext): void {
  if (isActiveRun(context) && isUnrecoverable(error, context)) closeRun(context.tree, context, error)
}
