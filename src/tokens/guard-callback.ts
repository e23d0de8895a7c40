import { ChaintapError } from '../core/errors.ts'
import { reportGlobally } from '../core/util/report-error.ts'

/** Reports the failure of a function that the user passed. Counting continues. */
export const reportCallbackError = (message: string, cause: unknown): void =>
  reportGlobally(new ChaintapError('handler_failed', message, { cause }))

/** Wraps a function that the user passed: if it throws, the wrapper returns undefined. Only the first error is reported. */
export function guardCallback<Args extends readonly unknown[], Result>(
  callback: (...args: Args) => Result,
  message: string,
): (...args: Args) => Result | undefined {
  let isReported = false
  return (...args) => {
    try {
      return callback(...args)
    } catch (cause) {
      if (!isReported) reportCallbackError(message, cause)
      isReported = true
      return undefined
    }
  }
}
