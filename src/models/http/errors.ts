import { ChaintapError, ModelError, type ModelErrorFacts } from '../../core/errors.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { redactCause } from '../../core/util/secrets.ts'
import type { ProviderError } from '../wire.ts'
import type { Transport } from './transport.ts'

/** A connection that could not be made, or was lost. */
export function networkError(
  { name, displayUrl, checkHint = 'baseURL and, in a page, CORS', redact }: Transport,
  error: unknown,
  isLost = false,
): ChaintapError {
  const cause = redactCause(error, redact)
  const said = errorMessage(cause)
  const told = isLost
    ? `The connection to ${name} was lost in the middle of its answer: ${said}. What arrived before was delivered; ask again.`
    : `Could not reach ${name} at ${displayUrl}: ${said}. Check the network, ${checkHint}.`
  return new ChaintapError('network', told, { cause })
}

/** An answer that is not what the provider's format promises. */
export function protocolError({ name, displayUrl, checkHint = `baseURL: it is ${displayUrl}` }: Transport, what: string): ModelError {
  return new ModelError('wire', `${name} ${what}. Check ${checkHint}.`)
}

/** A failure that the provider told of after it had begun with 200. */
export function providerStreamError(transport: Transport, complaint: ProviderError): ModelError {
  return modelError(transport, complaint, 'failed in its answer', 'What arrived before was delivered.')
}

/** What a provider says is wrong: with a status where it refused, without where it had begun to answer. */
export function modelError(
  { name, redact }: Transport,
  complaint: ProviderError,
  what: string,
  hint: string,
  facts: ModelErrorFacts = {},
): ModelError {
  const clean = (text: string | undefined): string | undefined => text && redact(text).slice(0, 500)
  const [type, said, id] = [complaint.type, complaint.message, complaint.requestId].map(clean)
  const told = `${name} ${what}${type ? ` (${type})` : ''}${said ? `: "${said}"` : ''}.`
  const words = [told, hint, id && `Its request id is ${id}.`].filter(Boolean).join(' ')
  return new ModelError(facts.status ? 'http' : 'wire', words, { ...facts, providerType: type, requestId: id })
}
