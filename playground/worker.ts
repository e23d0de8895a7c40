import { ChatPromptTemplate, lambda, type Runnable, StringOutputParser } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type DurableClass, type DurableNamespace, durable, serveDurable } from 'chaintap/durable'
import { serve } from 'chaintap/edge'
import { ChatOpenAI } from 'chaintap/openai'
import { loadTools } from 'chaintap/tools'
import { offline, paceOf, upstream } from './offline.ts'

interface Env {
  /** From .dev.vars, or a secret of the deployed Worker. Without it, the offline model is used. */
  readonly ANTHROPIC_API_KEY?: string
  /** Set by `OFFLINE=1 npm start`: the offline model is used even if there is a key. */
  readonly OFFLINE?: string
  /** The Durable Objects of {@link Chat}. */
  readonly CHAT?: DurableNamespace
}

const model = 'claude-haiku-4-5'

const prompt = ChatPromptTemplate.fromMessages([
  ['system', 'Answer in plain text, without Markdown, in a few sentences.'],
  ['user', '{question}'],
])

// Errors are shown in full, because the playground's users run it themselves.
const limits = { maxBytes: 16_384, exposeErrors: true }

const isOffline = ({ ANTHROPIC_API_KEY, OFFLINE }: Env): boolean => !ANTHROPIC_API_KEY || Boolean(OFFLINE)

/** The offline model is called as an OpenAI-compatible server, because errors name such a server by its host. */
function modelFor(env: Env, request: Request): ChatAnthropic | ChatOpenAI {
  const maxTokens = 1_024
  if (!isOffline(env)) return new ChatAnthropic({ model, maxTokens, apiKey: env.ANTHROPIC_API_KEY })
  const fetch = offline(paceOf(new URL(request.url)))
  return new ChatOpenAI({ model: 'offline', maxTokens, apiKey: 'offline', baseURL: 'http://offline-model', fetch })
}

/** prompt → model → parser. */
const chainFor = (env: Env, request: Request): Runnable<{ question: string }, string> =>
  prompt.pipe(modelFor(env, request)).pipe(new StringOutputParser())

/** Stops when the page disconnects. */
const chain = serve<Env>(chainFor, limits)

/** The same chain in a Durable Object: it continues without the page, and a reloaded page can resume it. */
export const Chat: DurableClass<Env> = durable<Env>(chainFor, limits)

const resumable = serveDurable<Env>(({ CHAT }) => CHAT)

/** An agent with a calculator. */
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
    if (/^\/api\/resumable(\/|$)/.test(pathname)) return resumable(request, env)
    if (pathname === '/api/model') return Response.json({ name: isOffline(env) ? 'offline' : model, offline: isOffline(env) })
    if (pathname === '/api/upstream' && isOffline(env)) return Response.json(upstream)
    return Response.json({ error: `Not found: ${pathname}.` }, { status: 404 })
  },
} satisfies ExportedHandler<Env>
