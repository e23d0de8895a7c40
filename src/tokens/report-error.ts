import { ChaintapError } from '../core/errors.ts'

/** Tells of a failure beside the counting, which goes on. */
export function reportUsageError(error: unknown): void {
  if (typeof reportError === 'function') reportError(error)
  // biome-ignore lint/suspicious/noConsole: Node has no reportError
  else console.error(error)
}

/** The same, with what it means. */
export const reportCallbackError = (message: string, cause: unknown): void =>
  reportUsageError(new ChaintapError('handler_failed', message, { cause }))

/** What a user gave, so that its failure harms no count: it is told once, and gives nothing. */
export function guardCallback<Given extends readonly unknown[], Result>(
  work: (...given: Given) => Result,
  message: string,
): (...given: Given) => Result | undefined {
  let isTold = false
  return (...given) => {
    try {
      return work(...given)
    } catch (cause) {
      if (!isTold) reportCallbackError(message, cause)
      isTold = true
      return undefined
    }
  }
}
