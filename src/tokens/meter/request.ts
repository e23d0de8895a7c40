import { parseJson } from '../../core/util/parse-json.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import { usageTag } from '../usage-tag.ts'

/** What a meter is put around: `fetch`, an SDK's own, or another wrapper of it. */
export type MeteredFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A request, as far as its record tells of it. */
export interface MeteredRequest {
  readonly url: string
  readonly signal: AbortSignal | null | undefined
  readonly tag: unknown
}

export function toMeteredRequest(input: string | URL | Request, init?: RequestInit): MeteredRequest {
  const [url, signal] = isRequest(input) ? [input.url, input.signal] : [String(input)]
  // As null, too, a fetch takes it.
  return { url, signal: init?.signal ?? signal, tag: (init as { readonly [usageTag]?: unknown } | undefined)?.[usageTag] }
}

const isRequest = (input: string | URL | Request): input is Request => typeof input === 'object' && 'url' in input

/** Where models are asked, by the end of the path. */
const MODEL_PATH: RegExp =
  /\/(?:(?:chat\/)?completions|(?:v1|openai)\/(?:messages|responses(?:\/[\w-]+)?)|api\/(?:chat|generate|embed)|embeddings|interactions|ai\/run\/.+|model\/[^/]+\/(?:converse|invoke)[\w-]*)$|:(?:(?:stream)?(?:generateContent|rawPredict))$/i

/** Whether a model is asked there. */
export const isModelUrl = (url: string): boolean => MODEL_PATH.test(stripUrlSecrets(url))

/** Whose server it is, from a URL without a user. Undefined for others: a proxy, a local one. */
export function providerFromUrl(url: string): string | undefined {
  const host = /^\w+:\/\/([^/]*)/.exec(url)?.[1] ?? ''
  const named = /(?:^|\.)(openai|azure|anthropic|groq|deepseek|mistral|openrouter)\.(?:com|ai)$/.exec(host)?.[1]
  if (named) return named
  if (/^bedrock-runtime\..+\.amazonaws\.com/.test(host)) return 'bedrock'
  if (host === 'generativelanguage.googleapis.com') return 'gemini'
  if (host === 'api.cloudflare.com') return 'workersai'
  return host.endsWith(':11434') ? 'ollama' : undefined
}

/** What an answer may leave out, where the URL (without its query) says it: Amazon's and Cloudflare's models, an answer of OpenAI's that is asked for again. */
export function answerInfoFromUrl(url: string): { readonly model: string | undefined; readonly responseId: string | undefined } {
  const [, amazons, cloudflares, googles] = /\/model\/([^/]+)\/(?:converse|invoke)|\/ai\/run\/(.+)$|\/models\/([^/:]+):/.exec(url) ?? []
  const model = amazons ?? cloudflares ?? googles
  return { model: model && decodePathSegment(model), responseId: /\/responses\/([\w-]+)$/.exec(url)?.[1] }
}

function decodePathSegment(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/**
 * The request, asking for usage too, where it asks for a stream of OpenAI's Chat Completions or Completions and does not say whether it
 * wants it. Mistral's answers have it unasked, and its server refuses the field.
 */
export async function withUsageRequested(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<[string | URL | Request, RequestInit?]> {
  const url = toMeteredRequest(input).url
  const asked: [string | URL | Request, RequestInit?] = init === undefined ? [input] : [input, init]
  if (!stripUrlSecrets(url).endsWith('/completions') || providerFromUrl(url) === 'mistral') return asked
  if (typeof init?.body === 'string') {
    const body = addIncludeUsage(init.body)
    return body === undefined ? asked : [input, { ...init, body, ...withoutContentLength(init.headers) }]
  }
  if (init?.body || !isRequest(input) || input.method !== 'POST') return asked
  const body = addIncludeUsage(await input.clone().text())
  if (body === undefined) return asked
  const wanted = new Request(input, { body, ...withoutContentLength(input.headers) })
  return init === undefined ? [wanted] : [wanted, init]
}

function addIncludeUsage(body: string): string | undefined {
  const wanted = parseJson(body)
  const { stream, stream_options } = Object(wanted) as { readonly stream?: unknown; readonly stream_options?: unknown }
  const options = stream_options ?? {}
  if (stream !== true || typeof options !== 'object' || 'include_usage' in options) return
  return JSON.stringify({ ...(wanted as object), stream_options: { ...options, include_usage: true } })
}

/** Headers without a length that is no longer right. */
function withoutContentLength(given: HeadersInit | undefined): { headers?: Headers } {
  const headers = new Headers(given)
  if (!headers.has('content-length')) return {}
  headers.delete('content-length')
  return { headers }
}
