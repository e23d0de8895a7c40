import { ChatPromptTemplate, type Runnable, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { toResponse } from 'chaintap/edge'
import { offline, paceOf, upstream } from './offline.ts'
import { questionOf, refusal } from './question.ts'

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

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const url = new URL(request.url)
    if (url.pathname === '/api/model') return Response.json({ name: isOffline(env) ? 'offline' : model, offline: isOffline(env) })
    if (url.pathname === '/api/upstream' && isOffline(env)) return Response.json(upstream)
    if (url.pathname !== '/api/chain') return refusal(404, `There is no ${url.pathname} here.`)
    const question = await questionOf(request)
    if (question instanceof Response) return question
    return toResponse(chainFor(env, url).events({ question }), { request, ctx })
  },
} satisfies ExportedHandler<Env>
