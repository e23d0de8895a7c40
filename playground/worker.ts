import { ChatPromptTemplate, type Runnable, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { serve } from 'chaintap/edge'
import { offline, paceOf, upstream } from './offline.ts'

interface Env {
  /** From .dev.vars, or a secret of the deployed Worker. Without it the offline model answers. */
  readonly ANTHROPIC_API_KEY?: string
  /** Set by `OFFLINE=1 npm start`: the offline model answers though there is a key. */
  readonly OFFLINE?: string
}

const model = 'claude-haiku-4-5'

const prompt = ChatPromptTemplate.fromMessages([
  ['system', 'Answer in plain text, without Markdown, in a few sentences.'],
  ['user', '{question}'],
])

const isOffline = ({ ANTHROPIC_API_KEY, OFFLINE }: Env): boolean => !ANTHROPIC_API_KEY || Boolean(OFFLINE)

/** prompt → model → parser. The offline model speaks the provider's wire format, so the chain is the same one with and without a key. */
function chainFor(env: Env, url: URL): Runnable<{ question: string }, string> {
  const answers = isOffline(env) ? { apiKey: 'offline', fetch: offline(paceOf(url)) } : { apiKey: env.ANTHROPIC_API_KEY }
  return prompt.pipe(new ChatAnthropic({ model, maxTokens: 1_024, ...answers })).pipe(new StringOutputParser())
}

const answer = serve<Env>((env, request) => chainFor(env, new URL(request.url)), { maxBytes: 16_384 })

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/api/chain') return answer(request, env, ctx)
    if (pathname === '/api/model') return Response.json({ name: isOffline(env) ? 'offline' : model, offline: isOffline(env) })
    if (pathname === '/api/upstream' && isOffline(env)) return Response.json(upstream)
    return Response.json({ error: `There is no ${pathname} here.` }, { status: 404 })
  },
} satisfies ExportedHandler<Env>
