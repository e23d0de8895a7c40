import type { FaultyFetch } from 'chaintap/testing'
import type { WorkersAIBinding } from 'chaintap/workers-ai'
import type { WireAnswer } from '../contracts/wire.ts'

/** The binding of workerd (src/cloudflare/internal/ai-api.ts): one request per run, whose raw response is returned on request. */
export const bindingOver = (fetch: FaultyFetch): WorkersAIBinding => ({
  async run(model, inputs, { signal, returnRawResponse, ...options } = {}) {
    const response = await fetch(`https://workers-binding.ai/run?version=3&model=${model}`, {
      method: 'POST',
      body: JSON.stringify({ inputs, options }),
      ...(signal && { signal }),
    })
    if (returnRawResponse) return response
    if (!response.ok) throw upstreamError(await response.text())
    return response.headers.get('content-type') === 'application/json' ? response.json() : response.body
  },
})

/** The binding before it supported signals and raw responses, and as wrappers of it still are. */
export function oldBindingOver(fetch: FaultyFetch): WorkersAIBinding {
  const { run } = bindingOver(fetch)
  return { run: (model, inputs) => run(model, inputs) }
}

function upstreamError(body: string): Error {
  const { internalCode, description, name, errors } = JSON.parse(body)
  const [first] = errors ?? []
  const error = new Error(internalCode ? `${internalCode}: ${description}` : `${first.code}: ${first.message}`)
  return Object.assign(error, { name: name ?? 'InferenceUpstreamError' })
}

const usageOf = ({ usage }: WireAnswer): object | undefined =>
  usage && {
    prompt_tokens: usage.inputTokens,
    completion_tokens: usage.outputTokens,
    total_tokens: (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0),
    prompt_tokens_details: { cached_tokens: usage.cacheReadTokens, cache_write_tokens: usage.cacheWriteTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  }

const callsOf = ({ toolCalls }: WireAnswer): readonly object[] | undefined =>
  toolCalls?.map(({ id, name, args }) => ({ id, type: 'function', function: { name, arguments: JSON.stringify(args) } }))

/** A streamed response in Workers AI's own format, one event per item; `p` is padding. */
export function workersAISse(answer: WireAnswer): string[] {
  const calls = callsOf(answer)
  const usage = usageOf(answer)
  const events = [
    ...answer.text.map((response) => ({ response })),
    ...(calls ?? []).map((call, index) => ({ response: '', tool_calls: [{ index, ...call }] })),
    ...(usage ? [{ response: '', usage }] : []),
  ]
  const data = events.map((event, i) => JSON.stringify({ ...event, p: 'abdefghijklmnopqrstuvwxyz'.slice(0, (i * 7) % 25) }))
  return [...data, '[DONE]'].map((event) => `data: ${event}\n\n`)
}

/** The same response as a whole. */
export const workersAIJson = (answer: WireAnswer): object => ({
  response: answer.text.join(''),
  ...(answer.toolCalls && { tool_calls: callsOf(answer) }),
  usage: usageOf(answer),
})
