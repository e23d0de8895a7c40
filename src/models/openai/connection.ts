import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import { connectToProvider, type Provider } from '../http/connection.ts'
import { type SdkClient, type SdkEndpoint, sdkTransport } from '../http/sdk-transport.ts'
import type { ModelConnection } from '../http/transport.ts'
import type { ModelOptions } from '../model.ts'

/**
 * The part of an official client that the models use, e.g. of `new OpenAI()` or `new AzureOpenAI()` from `openai`. It signs and sends the
 * request and returns the raw response. Reading, retries and errors stay in this library.
 */
export interface OpenAIClient extends SdkClient {
  /** The Chat Completions API. */
  readonly chat: { readonly completions: SdkEndpoint }
  /** The Completions API. */
  readonly completions: SdkEndpoint
}

/** Constructor options of models at OpenAI and compatible servers, beside the options of their calls. */
export interface OpenAIModelOptions extends ModelOptions {
  /** The organization that is billed, if the API key belongs to several. Sent as `openai-organization`. */
  readonly organization?: string
  /** The project that is billed, if the API key belongs to several. Sent as `openai-project`. */
  readonly project?: string
  /**
   * Requests the usage of streams. If a server refuses that, the request is repeated at once without it, and this model and its copies do
   * not ask the server again.
   *
   * @defaultValue true
   */
  readonly streamUsage?: boolean
  /**
   * An official client that sends the requests instead of `fetch`. It provides the API key, URL and headers.
   *
   * The client follows redirects, also to other origins, and reads refusals with its own time limit. Create it with
   * `fetchOptions: { redirect: 'error' }` (in Workers `'manual'`) to follow none.
   */
  readonly client?: OpenAIClient
}

/** How to reach a server, and what is known about it. */
export interface OpenAIConnection extends ModelConnection {
  /** The server's field for the maximum tokens of the output. */
  readonly maxTokensField: 'max_completion_tokens' | 'max_tokens'
  /** The ids of tool calls that the server accepts: Mistral's have 9 letters and digits, all others have at most 40 characters. */
  readonly acceptedIds: RegExp
  /** Requests the usage of streams. `undefined` if that is not wanted or the server refused it. */
  streamOptions: object | undefined
}

const openaiProvider: Provider<OpenAIModelOptions> = {
  name: 'OpenAI',
  baseURL: 'https://api.openai.com/v1',
  keyHint: "{ apiKey: env.OPENAI_API_KEY }, or { client: new OpenAI() }; for a server without keys { apiKey: 'none' }",
  headers: (key, { organization, project }) => ({
    authorization: `Bearer ${key}`,
    ...(organization && { 'openai-organization': organization }),
    ...(project && { 'openai-project': project }),
  }),
}

const includeUsage = { include_usage: true }

/** Connects the model with this name to its server. */
export function createOpenAIConnection(
  model: string,
  options: OpenAIModelOptions,
  selectEndpoint: (client: OpenAIClient) => SdkEndpoint,
): OpenAIConnection {
  const { client, streamUsage = true } = options
  const address = stripUrlSecrets(client?.baseURL ?? options.baseURL ?? openaiProvider.baseURL)
  // Errors name a compatible server by its host.
  const name = (address !== openaiProvider.baseURL && /\/\/([^/]+)/.exec(address)?.[1]) || openaiProvider.name
  const connection: OpenAIConnection = {
    ...connectToProvider(model, { ...openaiProvider, name }, options, client && (() => sdkTransport(name, client, selectEndpoint(client)))),
    maxTokensField: /\/\/[^/]*\b(?:openai|azure)\.com\b/.test(address) ? 'max_completion_tokens' : 'max_tokens',
    acceptedIds: /\/\/[^/]*\bmistral\.ai\b/.test(address) ? /^[a-zA-Z0-9]{9}$/ : /^.{1,40}$/s,
    streamOptions: streamUsage ? includeUsage : undefined,
    canDowngrade(error, { body }) {
      if (!streamUsage || !isStreamUsageRefusal(error)) return false
      const wasAsked = body.stream_options === includeUsage
      // If the server refuses the request without `stream_options` too, they were not the cause.
      connection.streamOptions = wasAsked ? undefined : includeUsage
      return wasAsked
    },
  }
  return connection
}

/** Most servers validate requests with Pydantic: `Extra inputs are not permitted`, or `extra fields` in its first version. */
function isStreamUsageRefusal(error: unknown): boolean {
  const { status, message } = Object(error) as { readonly status?: unknown; readonly message?: unknown }
  return (status === 400 || status === 422) && /stream_options|include_usage|extra (?:fields|inputs)/i.test(String(message))
}
