import { stripUrlSecrets } from '../../core/util/secrets.ts'
import { connectToProvider, type Provider } from '../http/connection.ts'
import { type SdkClient, type SdkEndpoint, sdkTransport } from '../http/sdk-transport.ts'
import type { ModelConnection } from '../http/transport.ts'
import type { ModelOptions } from '../model.ts'

/**
 * As much of an official client as is used, e.g. of `new OpenAI()` or `new AzureOpenAI()` from `openai`: it carries the request, signs it
 * and gives the raw response. Reading, retries and errors stay ours.
 */
export interface OpenAIClient extends SdkClient {
  readonly chat: { readonly completions: SdkEndpoint }
  readonly completions: SdkEndpoint
}

/** What models of OpenAI and of compatible servers are made with, beside the options of their calls. */
export interface OpenAIModelOptions extends ModelOptions {
  /** Who pays, where the key belongs to several. */
  readonly organization?: string
  readonly project?: string
  /**
   * Asks for the usage of a stream. Default true; a server that refuses it is asked again without, at once, and not asked for it again by
   * this model and its copies.
   */
  readonly streamUsage?: boolean
  /** An official client to send the requests instead of `fetch`; it has the key, the address and the headers then. */
  readonly client?: OpenAIClient
}

/** How to reach a server, and what is known of it. */
export interface OpenAIConnection extends ModelConnection {
  /** What it calls the most tokens of an answer. */
  readonly maxTokensField: 'max_completion_tokens' | 'max_tokens'
  /** What asks for the usage of a stream, where it is wanted and was not refused. */
  streamOptions: object | undefined
}

const openaiProvider: Provider<OpenAIModelOptions> = {
  name: 'OpenAI',
  baseURL: 'https://api.openai.com/v1',
  keyHint: "{ apiKey: env.OPENAI_API_KEY }, or { client: new OpenAI() }; for a server that wants none, any: { apiKey: 'none' }",
  headers: (key, { organization, project }) => ({
    authorization: `Bearer ${key}`,
    ...(organization && { 'openai-organization': organization }),
    ...(project && { 'openai-project': project }),
  }),
}

const includeUsage = { include_usage: true }

/** How the model of that name reaches its server. */
export function createOpenAIConnection(
  model: string,
  options: OpenAIModelOptions,
  selectEndpoint: (client: OpenAIClient) => SdkEndpoint,
): OpenAIConnection {
  const { client, streamUsage = true } = options
  const address = stripUrlSecrets(client?.baseURL ?? options.baseURL ?? openaiProvider.baseURL)
  // A compatible server is told by its own name.
  const name = (address !== openaiProvider.baseURL && /\/\/([^/]+)/.exec(address)?.[1]) || openaiProvider.name
  const connection: OpenAIConnection = {
    ...connectToProvider(model, { ...openaiProvider, name }, options, client && (() => sdkTransport(name, client, selectEndpoint(client)))),
    maxTokensField: /\/\/[^/]*\b(?:openai|azure)\.com\b/.test(address) ? 'max_completion_tokens' : 'max_tokens',
    streamOptions: streamUsage ? includeUsage : undefined,
    canDowngrade(error, { body }) {
      if (!streamUsage || !isStreamUsageRefusal(error)) return false
      const wasAsked = body.stream_options === includeUsage
      // Refused without it too: then it was something else.
      connection.streamOptions = wasAsked ? undefined : includeUsage
      return wasAsked
    },
  }
  return connection
}

/** Servers check what they are sent with Pydantic, mostly: `Extra inputs are not permitted`, or `extra fields` in its first version. */
function isStreamUsageRefusal(error: unknown): boolean {
  const { status, message } = Object(error) as { readonly status?: unknown; readonly message?: unknown }
  return (status === 400 || status === 422) && /stream_options|include_usage|extra (?:fields|inputs)/i.test(String(message))
}
