interface Call {
  readonly inputs: { readonly messages: readonly { readonly content: string }[]; readonly stream: boolean }
  readonly options: object
}

const state = { calls: [] as object[], left: [] as string[] }
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const events = (...data: readonly string[]): string => data.map((each) => `data: ${each}\n\n`).join('')
const streamed = (body: string | ReadableStream): Response => new Response(body, { headers: { 'content-type': 'text/event-stream' } })

const refused = (code: string, status: number): Response => {
  const headers = { 'content-type': 'application/json', 'cf-ai-req-id': 'req-1', 'retry-after-ms': code === '3040' ? '1' : '' }
  return new Response(JSON.stringify({ internalCode: Number(code), name: 'AiError', description: `It is ${code}` }), { status, headers })
}

/** Known responses of Workers AI, selected by the question. */
function answerTo(question: string, isFirst: boolean): Response | Promise<Response> {
  const usage = '{"response":"","usage":{"prompt_tokens":3,"completion_tokens":2},"p":"abc"}'
  switch (question) {
    case 'native':
      return streamed(events('{"response":"Hel","p":"ab"}', '{"response":"lo","p":"abcd"}', usage, '[DONE]'))
    case 'truncated':
      return streamed(events('{"response":"Hel"}'))
    case 'json':
      return Response.json({ response: 'Hello' })
    case 'stalls':
      return streamed(new ReadableStream({ start: (controller) => controller.enqueue(bytes(events('{"response":"Hel"}'))) }))
    case 'never':
      return new Promise(() => setTimeout(() => {}, 60_000))
    case '3040':
      return isFirst ? refused('3040', 429) : streamed(events('{"response":"Hello"}', '[DONE]'))
    case '3036':
      return refused('3036', 429)
    default:
      return refused('5007', 400)
  }
}

/** Replaces Cloudflare behind the AI binding. */
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    if (pathname === '/state') return Response.json(state)
    const { inputs, options } = (await request.json()) as Call
    const question = inputs.messages[0]?.content ?? ''
    const isFirst = !state.calls.some((call) => JSON.stringify(call).includes(`"${question}"`))
    state.calls.push({ question, path: pathname + search, model: request.headers.get('cf-consn-model-id'), options })
    request.signal.addEventListener('abort', () => state.left.push(question))
    const usage = { prompt_tokens: 3, completion_tokens: 2 }
    return inputs.stream ? answerTo(question, isFirst) : Response.json({ response: 'Hello', usage })
  },
}
