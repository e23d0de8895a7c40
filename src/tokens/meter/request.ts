import { parseJson } from '../../core/util/parse-json.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import { usageTag } from '../usage-tag.ts'

/**
 * A `fetch` function: the global one, an SDK's own, or a wrapper of one.
 *
 * @example
 * const logged: MeteredFetch = (input, init) => {
 *   console.log(String(input))
 *   return fetch(input, init)
 * }
 */
export type MeteredFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** The parts of a request that its record needs. */
export interface MeteredRequest {
  readonly url: string
  readonly isPost: boolean
  readonly signal: AbortSignal | null | undefined
  readonly tag: unknown
}

export function toMeteredRequest(input: string | URL | Request, init?: RequestInit): MeteredRequest {
  const { url, signal, method } = isRequest(input) ? input : { url: String(input) }
  // fetch accepts null as a signal too.
  return {
    url,
    isPost: /^post$/i.test(init?.method ?? method ?? ''),
    signal: init?.signal ?? signal,
    tag: (init as { readonly [usageTag]?: unknown } | undefined)?.[usageTag],
  }
}

const isRequest = (input: string | URL | Request): input is Request => typeof input === 'object' && 'url' in input

/** The path endings of models' URLs. */
const MODEL_PATH: RegExp =
  /\/(?:(?:chat\/)?completions|(?:v1|openai)\/(?:messages|responses(?:\/[\w-]+)?)|api\/(?:chat|generate|embed)|(?:[\w-]+\.)*cohere\.(?:com|ai)\/v\d\/(?:chat|generate|embed)|embeddings|interactions|ai\/run\/.+|model\/[^/]+\/(?:converse|invoke)[\w-]*)$|:(?:(?:stream)?(?:generateContent|rawPredict))$/i

/** Whether a URL is that of a model. */
export const isModelUrl = (url: string): boolean => MODEL_PATH.test(stripUrlSecrets(url))

/** Returns the provider of a URL without a user name; undefined for other servers, e.g. a proxy or a local one. */
export function providerFromUrl(url: string): string | undefined {
  const host = /^\w+:\/\/([^/]*)/.exec(url)?.[1] ?? ''
  const named = /(?:^|\.)(openai|azure|anthropic|cohere|groq|deepseek|mistral|openrouter)\.(?:com|ai)$/.exec(host)?.[1]
  if (named) return named
  if (/^bedrock-runtime\..+\.amazonaws\.com/.test(host)) return 'bedrock'
  if (host === 'generativelanguage.googleapis.com') return 'gemini'
  if (host === 'api.cloudflare.com') return 'workersai'
  return host.endsWith(':11434') ? 'ollama' : undefined
}

/**
 * Returns facts that an answer may omit, from the URL without its query: the model for Amazon, Cloudflare and Google, the id of an OpenAI
 * answer
 * that is requested again.
 */
export function answerInfoFromUrl(url: string): { readonly model: string | undefined; readonly responseId: string | undefined } {
  const [, bedrockModel, workersAIModel, geminiModel] =
    /\/model\/([^/]+)\/(?:converse|invoke)|\/ai\/run\/(.+)$|\/models\/([^/:]+):/.exec(url) ?? []
  const model = bedrockModel ?? workersAIModel ?? geminiModel
  return { model: model && decodePathSegment(model), responseId: /\/responses\/([\w-]+)$/.exec(url)?.[1] }
}

function decodePathSegment(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/**
 * Returns the arguments of `fetch` with usage requested, for a stream of OpenAI's Chat Completions or Completions that does not set it.
 * Mistral's answers contain usage without it, and its server rejects the field.
 */
export async function withUsageRequested(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<[string | URL | Request, RequestInit?]> {
  const url = toMeteredRequest(input).url
  const unchanged: [string | URL | Request, RequestInit?] = init === undefined ? [input] : [input, init]
  if (!stripUrlSecrets(url).endsWith('/completions') || providerFromUrl(url) === 'mistral') return unchanged
  if (typeof init?.body === 'string') {
    const body = addIncludeUsage(init.body)
    return body === undefined ? unchanged : [input, { ...init, body, ...withoutContentLength(init.headers) }]
  }
  if (init?.body || !isRequest(input) || input.method !== 'POST') return unchanged
  const body = addIncludeUsage(await input.clone().text())
  if (body === undefined) return unchanged
  const request = new Request(input, { body, ...withoutContentLength(input.headers) })
  return init === undefined ? [request] : [request, init]
}

function addIncludeUsage(body: string): string | undefined {
  const fields = parseJson(body)
  const { stream, stream_options } = Object(fields) as { readonly stream?: unknown; readonly stream_options?: unknown }
  const options = stream_options ?? {}
  if (stream !== true || typeof options !== 'object' || 'include_usage' in options) return
  return JSON.stringify({ ...(fields as object), stream_options: { ...options, include_usage: true } })
}

/** Returns the headers without `content-length`, which no longer fits the body. */
function withoutContentLength(init: HeadersInit | undefined): { headers?: Headers } {
  const headers = new Headers(init)
  if (!headers.has('content-length')) return {}
  headers.delete('content-length')
  return { headers }
}
