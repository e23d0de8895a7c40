import { invalidOptionsError } from '../../core/errors.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { wellFormedJson } from '../../core/util/well-formed-json.ts'
import type { WireRequest } from '../wire.ts'

/** A request with its body as JSON text. */
export interface EncodedRequest extends WireRequest {
  readonly json: string
}

/**
 * Encodes a request.
 *
 * @throws ChaintapError `invalid_options` for a body that JSON has no form for.
 */
export function encodeRequest({ path, body }: WireRequest): EncodedRequest {
  try {
    const json = wellFormedJson(body)
    return { path, body: json.includes('\ufffd') ? (JSON.parse(json) as WireRequest['body']) : body, json }
  } catch (error) {
    throw invalidOptionsError(`The request has no form as JSON: ${errorMessage(error)}.`)
  }
}
