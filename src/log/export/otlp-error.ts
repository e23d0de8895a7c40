import { isStopError } from '../../console/text.ts'

/** The `error.type` of a span: the provider's own type, else the HTTP status, the code of a ChaintapError, or the class name. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return '_OTHER'
  const { providerType, status, code } = error as { providerType?: unknown; status?: unknown; code?: unknown }
  const words = [providerType, typeof status === 'number' ? `${status}` : '', code, error.name]
  const word = words.find((word) => typeof word === 'string' && word !== '')
  return typeof word === 'string' ? word.slice(0, 128) : '_OTHER'
}

/** Why a run was stopped; `undefined` for a failure. Timeouts and exceeded budgets are failures. */
export function stopCode(error: unknown): string | undefined {
  if (!isStopError(error)) return undefined
  const code = errorType(error)
  if (code === 'AbortError') return 'aborted'
  return code === 'timeout' || code === 'budget_exceeded' ? undefined : code
}
