import { WorkersAI, type WorkersAIBinding } from 'chaintap/workers-ai'
import { readAll } from '../sources.ts'

interface Env {
  readonly AI: WorkersAIBinding
  readonly CLOUD: { fetch(url: string): Promise<Response> }
}

/** An error as JSON. */
const errorJson = (error: unknown): object | undefined => {
  if (!(error instanceof Error)) return
  const { name, message, code, status, providerType, requestId } = error as Error & Readonly<Record<string, unknown>>
  return { name, message, code, status, providerType, requestId }
}

/** Calls a model by the real binding. The path selects the test case; `ask` is the question. */
export default {
  async fetch(request: Request, { AI, CLOUD }: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/cloud') return CLOUD.fetch('https://cloud/state')
    const model = new WorkersAI({ binding: AI, model: '@cf/a/b', maxRetries: 1, gateway: { id: searchParams.get('gateway') ?? '' } })
    const ask = searchParams.get('ask') ?? ''
    if (pathname === '/whole') return Response.json(await model.invoke(ask))
    if (pathname === '/leave') {
      for await (const chunk of model.stream(ask)) return Response.json(chunk)
    }
    const abort = new AbortController()
    if (pathname === '/abort') setTimeout(() => abort.abort(new Error('mine')), 20)
    const { chunks, error } = await readAll(model.stream(ask, { signal: abort.signal }))
    return Response.json({ chunks, error: errorJson(error) })
  },
}
