import { isRecord } from '../../core/util/is-record.ts'
import type { JsonObject } from '../../core/util/parse-json.ts'

/** An error that a server reports instead of an answer, or within one. */
export interface ReportedError {
  /** The server's own name or number of the error. */
  readonly type?: string | undefined
  /** The server's words. */
  readonly message?: string | undefined
}

/**
 * Reads the error in a body or an event; undefined if it reports none. Servers with OpenAI's API have many forms of it:
 *
 * - `error`, an object or a text, at the top, in `x_groq` or in a choice (OpenRouter), in a list (Gemini), and `errors` (Cloudflare)
 * - a choice that ended by an error: `finish_reason: 'error'`
 * - `base_resp` with a status other than 0 (MiniMax)
 * - without choices: `message` (vLLM), `detail` (FastAPI, Mistral), `error_msg` (Baidu), `{ code, msg }`, problem details (RFC 9457)
 */
export function reportedError(body: unknown): ReportedError | undefined {
  const event = Object(Array.isArray(body) ? body[0] : body) as JsonObject
  const { error, errors, x_groq, base_resp, choices } = event
  const found =
    error ||
    (Array.isArray(errors) && errors[0]) ||
    Object(x_groq).error ||
    (isRecord(base_resp) && !successCodes.includes(base_resp.status_code ?? 0) && base_resp) ||
    (Array.isArray(choices) ? choiceError(choices) : isBareError(event) && event)
  if (!found) return
  try {
    return { type: errorType(found), message: errorText(found) }
  } catch {
    // Its values are nested deeper than the stack.
    return {}
  }
}

/** Reasons to stop that are failures: of OpenRouter and Mistral, Zhipu, DeepSeek, SGLang. */
const failures = /^(error|network_error|model_error|server_error|insufficient_system_resource|abort(ed)?|failed)$/i

function choiceError(choices: readonly unknown[]): unknown {
  for (const choice of choices) {
    const { error, finish_reason: reason } = Object(choice) as JsonObject
    const type: unknown = isRecord(reason) ? reason.type : reason
    if (error || (typeof type === 'string' && failures.test(type))) return error || { ...(isRecord(reason) && reason), type }
  }
}

/** Fields whose text is an error if nothing beside them is an answer. */
const messageFields = ['message', 'detail', 'error_msg', 'error_message', 'errorMessage', 'Message'] as const
/** Fields whose text is an error if a code beside them says so. */
const wordFields = ['msg', 'status_msg', 'description', 'faultstring', 'fault', 'title', 'error'] as const
const codeFields = ['code', 'error_code', 'errorCode', 'status_code', 'statusCode', 'status'] as const

const successCodes: readonly unknown[] = [0, 200, '0', '200', 'ok', 'OK', 'success', 'Success', 'SUCCESS']

/** Whether an object without choices is an error itself. */
function isBareError(event: JsonObject): boolean {
  const code = firstOf(event, codeFields)
  if (event.success === true || successCodes.includes(code)) return false
  const message = firstOf(event, messageFields)
  // Ollama's own format has a message of the assistant there.
  if (message) return !isRecord(message) || message.role === undefined
  return (code !== undefined || event.success === false) && firstOf(event, wordFields) !== undefined
}

const firstOf = (object: JsonObject, fields: readonly string[]): unknown =>
  fields.map((field) => object[field]).find((value) => value || value === 0)

function errorType(error: unknown): string | undefined {
  if (Array.isArray(error)) return errorType(error[0])
  if (!isRecord(error)) return
  const name = error.type || firstOf(error, codeFields) || errorType(error.error)
  return typeof name === 'string' || name === undefined ? name : JSON.stringify(name)
}

/** Returns the words of an error, or the error as JSON if they are in no known field. OpenRouter has the provider's words in `metadata`. */
function errorText(error: unknown): string | undefined {
  if (typeof error === 'string') return error
  if (Array.isArray(error)) return error.map(errorText).join('; ')
  if (!isRecord(error)) return JSON.stringify(error)
  const words = firstOf(error, messageFields) ?? firstOf(error, wordFields)
  const { raw } = Object(error.metadata) as JsonObject
  if (words === undefined) return Object.keys(error).every((key) => key === 'type') ? undefined : JSON.stringify(error)
  return [errorText(words), typeof raw === 'string' && raw].filter(Boolean).join(': ')
}
