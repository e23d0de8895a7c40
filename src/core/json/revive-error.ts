import { AbortReason, BudgetExceeded, ChaintapError, Disconnect, ModelError, TimeoutError, TruncatedError, UserStop } from '../errors.ts'

type ErrorClass = { readonly prototype: Error }

/** Classes of restored errors, by name: minifiers rename the classes themselves. An error of another name becomes an Error of that name. */
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

/** Creates an error from its written fields. */
export function reviveError(fields: ReadonlyMap<string, unknown>): Error {
  const name = stringOr(fields.get('name'), 'Error')
  const message = stringOr(fields.get('message'), '')
  const error = createErrorNamed(name, message, fields.get('code'))
  if (error.name !== name) defineErrorProperty(error, 'name', name, true)
  // Its own stack would show where it was parsed.
  defineErrorProperty(error, 'stack', `${name}: ${message}`, false)
  for (const [key, value] of fields) {
    if (key === 'name' || key === 'message' || key === 'stack') continue
    defineErrorProperty(error, key, value, key !== 'cause' && key !== 'errors')
  }
  return error
}

const stringOr = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise)

function createErrorNamed(name: string, message: string, code: unknown): Error {
  const isChaintapTimeout = name === 'TimeoutError' && code === 'timeout'
  if (name === 'AbortError' || (name === 'TimeoutError' && !isChaintapTimeout)) return new DOMException(message, name)
  // The class's constructor is not called, as the parameters differ; an object made by Error() is an error for debuggers, too.
  const error = new Error(message)
  const found = errorClasses.get(name)
  return found ? Object.setPrototypeOf(error, found.prototype) : error
}

// Not by assignment: `__proto__` would set the prototype.
function defineErrorProperty(error: Error, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(error, key, { value, enumerable, writable: true, configurable: true })
}
