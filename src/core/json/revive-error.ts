import { AbortReason, BudgetExceeded, ChaintapError, Disconnect, ModelError, TimeoutError, TruncatedError, UserStop } from '../errors.ts'

type ErrorClass = { readonly prototype: Error }

/** What comes back as its class; any other name as an Error of that name. By keys, as minifiers rename classes. */
const errorClasses: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>(
  Object.entries({
    AggregateError,
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    AbortReason,
    BudgetExceeded,
    ChaintapError,
    Disconnect,
    ModelError,
    TimeoutError,
    TruncatedError,
    UserStop,
  }),
)

/** An error from what was written of it. */
export function reviveError(fields: ReadonlyMap<string, unknown>): Error {
  const name = stringOr(fields.get('name'), 'Error')
  const message = stringOr(fields.get('message'), '')
  const error = createErrorNamed(name, message, fields.get('code'))
  if (error.name !== name) defineErrorProperty(error, 'name', name, true)
  // Its own would tell where it was read.
  defineErrorProperty(error, 'stack', `${name}: ${message}`, false)
  for (const [key, value] of fields) {
    if (key === 'name' || key === 'message' || key === 'stack') continue
    defineErrorProperty(error, key, value, key !== 'cause' && key !== 'errors')
  }
  return error
}

const stringOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)

function createErrorNamed(name: string, message: string, code: unknown): Error {
  const isOurs = name === 'TimeoutError' && code === 'timeout'
  if (name === 'AbortError' || (name === 'TimeoutError' && !isOurs)) return new DOMException(message, name)
  // No constructor is called: each takes something else, and an error made by Error() is one for debuggers too.
  const error = new Error(message)
  const found = errorClasses.get(name)
  return found ? Object.setPrototypeOf(error, found.prototype) : error
}

// Not by assignment, which would take `__proto__` for an order.
function defineErrorProperty(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
}
