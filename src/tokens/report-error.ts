import { ChaintapError } from '../core/errors.ts'

/** Tells of a failure beside the counting, which goes on. */
export function report(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  // biome-ignore lint/suspicious/noConsole: Node has no reportError
  else console.error(error)
}

/** The same, with what it means. */
export const reportAs = (message: string, cause: unknown): void => report(new ChaintapError('handler_failed', message, { cause }))

/** What a user gave, so that its failure harms no count: it is told once, and gives nothing. */
export function harmless<Given extends readonly unknown[], Result>(
  work: (...given: Given) => Result,
  message: string,
): (...given: Given) => Result | undefined {
  let isTold = false
  return (...given) => {
    try {
      return work(...given)
    } catch (cause) {
      if (!isTold) reportAs(message, cause)
      isTold = true
      return undefined
    }
  }
}
