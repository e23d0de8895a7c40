import { ChatPromptTemplate, lambda, type Runnable, StringOutputParser } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { serve } from 'chaintap/edge'
import { loadTools } from 'chaintap/tools'
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

const limits = { maxBytes: 16_384 }

const isOffline = ({ ANTHROPIC_API_KEY, OFFLINE }: Env): boolean => !ANTHROPIC_API_KEY || Boolean(OFFLINE)

/** The offline model speaks the provider's wire format, so everything below is the same with and without a key. */
function modelFor(env: Env, request: Request): ChatAnthropic {
  const answers = isOffline(env) ? { apiKey: 'offline', fetch: offline(paceOf(new URL(request.url))) } : { apiKey: env.ANTHROPIC_API_KEY }
  return new ChatAnthropic({ model, maxTokens: 1_024, ...answers })
}

/** prompt → model → parser. */
const chain = serve<Env>((env, request) => prompt.pipe(modelFor(env, request)).pipe(new StringOutputParser()), limits)

/** An agent that leaves sums to a calculator. */
function agentFor(env: Env, request: Request): Runnable<{ question: string }, unknown, string> {
  const llm = modelFor(env, request)
  return lambda(({ question }: { question: string }) => question, { name: 'Question' }).pipe(
    initializeAgent(loadTools(['llm-math'], { llm }), llm),
  )
}

const agent = serve<Env>(agentFor, limits)

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/api/chain') return chain(request, env, ctx)
    if (pathname === '/api/agent') return agent(request, env, ctx)
    if (pathname === '/api/model') return Response.json({ name: isOffline(env) ? 'offline' : model, offline: isOffline(env) })
    if (pathname === '/api/upstream' && isOffline(env)) return Response.json(upstream)
    return Response.json({ error: `There is no ${pathname} here.` }, { status: 404 })
  },
} satisfies ExportedHandler<Env>
