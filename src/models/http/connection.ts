import { ChaintapError, invalidOptionsError } from '../../core/errors.ts'
import { createRedactor, headerSecrets, redactCause, stripUrlSecrets } from '../../core/util/secrets.ts'
import type { ModelOptions } from '../model.ts'
import type { ModelConnection, Transport } from './transport.ts'

/** What is particular to a provider. */
export interface Provider<Options extends ModelOptions> {
  readonly name: string
  readonly baseURL: string
  /** The library's own headers, by lower-case name. */
  headers(key: string, options: Options): Readonly<Record<string, string>>
  /** What to write where the key is missing. */
  readonly keyHint: string
}

/**
 * How the model of that name reaches its provider: by `client` where there is one, else by `fetch`.
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
 * A connection by that transport.
 *
 * @throws ChaintapError `invalid_options`.
 */
export function createModelConnection(
  transport: ModelConnection['transport'],
  { maxRetries = 2, onTruncated = 'error', streaming = false }: Pick<ModelOptions, 'maxRetries' | 'onTruncated' | 'streaming'>,
): ModelConnection {
  if (!Number.isInteger(maxRetries) || maxRetries < 0) throw invalidOptionsError(`maxRetries must be a whole number, but is ${maxRetries}.`)
  return { transport, maxRetries, onTruncated, streaming }
}

// A closure, which no console and no JSON shows: it holds the key.
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

/** A line by `fetch`. Headers that the user has given win over our own, whatever their case. */
function fetchTransport<Options extends ModelOptions>(key: string, provider: Provider<Options>, options: Options): Transport {
  const { baseURL = provider.baseURL, headers: given = {}, fetch } = options
  const headers: Record<string, string> = { 'content-type': 'application/json', ...provider.headers(key, options) }
  for (const [name, value] of Object.entries(given)) headers[name.toLowerCase()] = value
  const [address = '', query = ''] = baseURL.split(/\/*(\?.*)?$/s)
  return {
    name: provider.name,
    displayUrl: stripUrlSecrets(baseURL),
    // fetch names a URL that it does not take, such as one with a password.
    redact: createRedactor([
      query,
      ...(address.match(/[^/]*@/) ?? []),
      ...headerSecrets({ ...Object.fromEntries(new URLSearchParams(query)), ...headers }),
    ]),
    post({ path, body }, signal) {
      // Called as a plain function: engines refuse a fetch whose `this` is another object.
      const send = fetch ?? globalThis.fetch
      return send(address + path + query, { method: 'POST', headers, body: JSON.stringify(body), signal })
    },
  }
}

async function resolveApiKey(ask: () => string | Promise<string>): Promise<string> {
  try {
    return await ask()
  } catch (error) {
    throw new ChaintapError('missing_key', 'The function given as apiKey failed.', { cause: redactCause(error, createRedactor([])) })
  }
}

function validateApiKey(given = '', model: string, hint: string): string {
  // Files of keys end with a line break.
  const key = given.trim()
  if (/[^!-~]/.test(key)) throw invalidOptionsError('The API key has blanks or other characters that no header can have.')
  if (key !== '') return key
  throw new ChaintapError('missing_key', `${model} needs an API key, and reads no environment. Write ${hint}.`)
}

const keyInBrowserError = (): ChaintapError =>
  new ChaintapError(
    'key_in_browser',
    'In a page everyone can read the API key. Run the chain in a Worker, behind a RemoteRunnable; ' +
      "or, for the visitor's own key, write dangerouslyAllowBrowser: true.",
  )
