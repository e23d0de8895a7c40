import { ChaintapError, invalidOptionsError, ModelError } from '../../core/errors.ts'
import { sendWithinOrigin } from '../../core/util/same-origin.ts'
import { createRedactor, headerSecrets, redactCause } from '../../core/util/secrets.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import type { ModelOptions } from '../model.ts'
import type { ModelConnection, Transport } from './transport.ts'

/** What differs between providers that are reached by `fetch`. */
export interface Provider<Options extends ModelOptions> {
  readonly name: string
  readonly baseURL: string
  /** The library's own headers, by lower-case name. */
  headers(key: string, options: Options): Readonly<Record<string, string>>
  /** What to pass if the key is missing: the end of the error message. */
  readonly keyHint: string
}

/**
 * Connects the model with this name to its provider: by `client` if there is one, otherwise by `fetch`.
 *
 * @throws ChaintapError `missing_key`, `key_in_browser` or `invalid_options`.
 */
export function connectToProvider<Options extends ModelOptions>(
  model: string,
  provider: Provider<Options>,
  options: Options,
  client?: ModelConnection['transport'],
): ModelConnection {
  return createModelConnection(client ?? fetchTransportFactory(model, provider, options), options)
}

/**
 * Creates a connection that uses this transport.
 *
 * @throws ChaintapError `invalid_options`.
 */
export function createModelConnection(
  transport: ModelConnection['transport'],
  { maxRetries = 2, onTruncated = 'error', streaming = false }: Pick<ModelOptions, 'maxRetries' | 'onTruncated' | 'streaming'>,
): ModelConnection {
  if (!Number.isInteger(maxRetries) || maxRetries < 0)
    throw invalidOptionsError(`maxRetries must be a whole number of at least 0, but is ${maxRetries}.`)
  return { transport, maxRetries, onTruncated, streaming }
}

// Returns a closure because it holds the key: neither a console nor JSON shows the variables of a closure.
function fetchTransportFactory<Options extends ModelOptions>(
  model: string,
  provider: Provider<Options>,
  options: Options,
): ModelConnection['transport'] {
  const { apiKey, dangerouslyAllowBrowser } = options
  if (!dangerouslyAllowBrowser && 'window' in globalThis && 'document' in globalThis) throw keyInBrowserError()
  const transportWithKey = (key: string | undefined): Transport =>
    fetchTransport(validateApiKey(key, model, provider.keyHint), provider, options)
  if (typeof apiKey === 'function') return async () => transportWithKey(await resolveApiKey(apiKey))
  const transport = transportWithKey(apiKey)
  return () => transport
}

/** A transport by `fetch`. The user's headers override the library's, regardless of case. */
function fetchTransport<Options extends ModelOptions>(key: string, provider: Provider<Options>, options: Options): Transport {
  const { baseURL = provider.baseURL, headers: userHeaders = {}, fetch } = options
  const headers: Record<string, string> = { 'content-type': 'application/json', ...provider.headers(key, options) }
  for (const [name, value] of Object.entries(userHeaders)) headers[name.toLowerCase()] = value
  const [address = '', query = ''] = baseURL.split(/\/*(\?.*)?$/s)
  return {
    name: provider.name,
    displayUrl: stripUrlSecrets(baseURL),
    // fetch quotes a URL that it rejects, e.g. one with a password.
    redact: createRedactor([
      query,
      ...(address.match(/[^/]*@/) ?? []),
      ...headerSecrets({ ...Object.fromEntries(new URLSearchParams(query)), ...headers }),
    ]),
    post({ path, json }, signal) {
      // Called as a plain function: engines reject a fetch whose `this` is another object.
      const send = fetch ?? globalThis.fetch
      const init = { method: 'POST', headers, body: json, signal, redirect: 'manual' } as const
      const refuse = (what: string, status: number | undefined): ModelError =>
        new ModelError('http', `${this.name} ${this.redact(what)}. Check baseURL: it is ${this.displayUrl}.`, { status })
      return sendWithinOrigin(address + path + query, init, send, refuse)
    },
  }
}

async function resolveApiKey(getKey: () => string | Promise<string>): Promise<string> {
  try {
    return await getKey()
  } catch (error) {
    throw new ChaintapError('missing_key', 'The apiKey function failed: see the cause.', { cause: redactCause(error, createRedactor([])) })
  }
}

function validateApiKey(value = '', model: string, hint: string): string {
  // Files that hold a key often end with a line break.
  const key = value.trim()
  if (/[^!-~]/.test(key)) throw invalidOptionsError('The API key contains spaces or other characters that an HTTP header cannot hold.')
  if (key !== '') return key
  throw new ChaintapError('missing_key', `${model} requires an API key. Environment variables are not read: pass ${hint}.`)
}

const keyInBrowserError = (): ChaintapError =>
  new ChaintapError(
    'key_in_browser',
    'In a web page every visitor can read the API key. Run the chain in a Worker, behind a RemoteRunnable. ' +
      "If the key is the visitor's own, pass dangerouslyAllowBrowser: true.",
  )
