import { ChaintapError, ModelError, type ModelErrorFacts } from '../../core/errors.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { redactCause } from '../../core/util/secrets.ts'
import type { ProviderError } from '../wire.ts'
import type { Transport } from './transport.ts'

/** The error of a connection that could not be made, or was lost. */
export function networkError(
  { name, displayUrl, checkHint = 'baseURL and, in a page, CORS', redact }: Transport,
  error: unknown,
  isLost = false,
): ChaintapError {
  const cause = redactCause(error, redact)
  const reason = errorMessage(cause)
  const text = isLost
    ? `The connection to ${name} was lost during the response: ${reason}. What had arrived was delivered. Retry the call.`
    : `Could not reach ${name} at ${displayUrl}: ${reason}. Check the network, ${checkHint}.`
  return new ChaintapError('network', text, { cause })
}

/** The error of a response that does not follow the provider's format. */
export function protocolError({ name, displayUrl, checkHint = `baseURL: it is ${displayUrl}` }: Transport, what: string): ModelError {
  return new ModelError('wire', `${name} ${what}. Check ${checkHint}.`)
}

/** The error of a response that was to be a stream, and has this content type and no events. */
export const unexpectedTypeError = (transport: Transport, contentType: string): ModelError =>
  protocolError(transport, `was asked for a stream (text/event-stream), but returned ${transport.redact(contentType)}`)

/** The error of an event whose fields have other types than the provider's format says: decoders do not check each of them. */
export const malformedEventError = (transport: Transport, error: unknown): ModelError =>
  protocolError(transport, `sent an event that is not of its format (${transport.redact(errorMessage(error))})`)

/** The error of a response that began with status 200 and then reported a failure. */
export function providerStreamError(transport: Transport, providerError: ProviderError): ModelError {
  return modelError(transport, providerError, 'failed during its response', 'What had arrived was delivered.')
}

/** Errors of an account without money: OpenAI's and Azure's, Moonshot's, and those of gateways. A limit per minute has another name. */
const EXHAUSTED_QUOTA = /insufficient_(?:quota|balance|credits)|exceeded_current_quota/

/** The error that a provider reported: `http` with a status if it refused the request, `wire` if its response had begun. */
export function modelError(
  { name, redact }: Transport,
  providerError: ProviderError,
  what: string,
  hint: string,
  facts: ModelErrorFacts = {},
): ModelError {
  // Not checked before: bodies of refusals are not of the provider's format if a proxy wrote them.
  const clean = (text: unknown): string | undefined => (typeof text === 'string' && text ? redact(text).slice(0, 500) : undefined)
  const [type, message, id] = [providerError.type, providerError.message, providerError.requestId].map(clean)
  const problem = `${name} ${what}${type ? ` (${type})` : ''}${message ? `: "${message}"` : ''}.`
  const text = [problem, hint, id && `Request id: ${id}.`].filter(Boolean).join(' ')
  const isRetryable = facts.isRetryable ?? (EXHAUSTED_QUOTA.test(type ?? '') ? false : undefined)
  return new ModelError(facts.status ? 'http' : 'wire', text, { ...facts, isRetryable, providerType: type, requestId: id })
}
