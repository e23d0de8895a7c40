import { type MeteredFetch, type MeterOptions, meter, type UsageRecord } from 'chaintap/meter'
import { type FaultyAnswer, type FaultyFetch, type FaultyScript, faultyFetch } from 'chaintap/testing'
import { weigh } from '../../src/tokens/counter/estimate.ts'
import type { Expected, Fixture } from '../support/fixtures.ts'

/** The URL of each recorded answer. */
const urls: Readonly<Record<string, string>> = {
  'anthropic messages': 'https://api.anthropic.com/v1/messages',
  'bedrock converse-stream': 'https://bedrock-runtime.eu-central-1.amazonaws.com/model/eu.amazon.nova-pro-v1%3A0/converse-stream',
  'deepseek chat': 'https://api.deepseek.com/chat/completions',
  'gemini streamGenerateContent':
    'https://generativelanguage.googleapis.com/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse&key=secret',
  'groq chat': 'https://api.groq.com/openai/v1/chat/completions',
  'mistral chat': 'https://api.mistral.ai/v1/chat/completions',
  'ollama chat': 'http://localhost:11434/api/chat',
  'openai chat': 'https://api.openai.com/v1/chat/completions',
  'openai completions': 'https://api.openai.com/v1/completions',
  'openai responses': 'https://api.openai.com/v1/responses',
  'openrouter chat': 'https://openrouter.ai/api/v1/chat/completions',
  'workersai run': 'https://api.cloudflare.com/client/v4/accounts/account/ai/run/@cf/meta/llama-3.1-8b-instruct',
}

/** Models of providers whose answers do not name it. */
const modelsInUrls: Readonly<Record<string, string>> = {
  bedrock: 'eu.amazon.nova-pro-v1:0',
  workersai: '@cf/meta/llama-3.1-8b-instruct',
}

export const urlOf = ({ provider, api }: Expected): string => urls[`${provider} ${api}`] ?? `https://unknown.test/${provider}/${api}`

/** A metered fetch over a scripted one, and its records. */
export interface Metered {
  readonly records: UsageRecord[]
  readonly scripted: FaultyFetch
  readonly fetch: MeteredFetch
}

export function metered(script: FaultyScript, options?: MeterOptions): Metered {
  const records: UsageRecord[] = []
  const scripted = faultyFetch(script)
  return { records, scripted, fetch: meter(scripted, (record) => void records.push(record), { onDiagnostic: () => {}, ...options }) }
}

/** A recorded answer, with the given overrides. */
export const answerOf = ({ bytes, expected }: Fixture, cut: Partial<FaultyAnswer> = {}): FaultyAnswer => ({
  body: bytes,
  headers: { 'content-type': expected.contentType },
  ...cut,
})

/** The expected record of a recorded answer that is read to its end. */
export function recordOf({ bytes, expected }: Fixture): object {
  const { provider, complete, error, usage, text: answer, reasoning = '', toolCalls = [] } = expected
  const text = new TextDecoder().decode(bytes)
  const args = toolCalls.map((call) => JSON.stringify(call.arguments))
  const named = /"model(?:Version)?":"([^"]+)"/.exec(text)?.[1] ?? modelsInUrls[provider]
  const id = /"(?:id|responseId)":"((?:msg|chatcmpl|cmpl|resp|gen|fx)[-_]?\w[^"]*)"/.exec(text)?.[1]
  return {
    url: urlOf(expected).replace(/\?.*/, ''),
    status: 200,
    provider,
    model: named,
    responseId: id,
    ...(usage && { usage: { ...usage, requests: 1, source: complete ? 'provider' : 'partial' } }),
    complete,
    reason: error ? 'error' : complete ? 'end' : 'truncated',
    outputWeight: rounded(weigh(answer + reasoning + args.join(''))),
  }
}

/** A record without its duration, and with a rounded weight. */
export function stable({ durationMs, ...record }: UsageRecord): object {
  if (!(durationMs >= 0)) throw new Error(`It took ${durationMs} ms`)
  return { ...record, ...(record.outputWeight !== undefined && { outputWeight: rounded(record.outputWeight) }) }
}

// Sums of fractions depend on their order.
const rounded = (weight: number): number => Math.round(weight * 1e6) / 1e6

/** Reads a body to its end; returns its chunks. */
export async function read({ body }: Response): Promise<Uint8Array[]> {
  const reader = body?.getReader()
  const chunks: Uint8Array[] = []
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) chunks.push(read.value)
  return chunks
}
