import { type Listener, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type Context, doctor, serve } from 'chaintap/edge'

interface Env {
  readonly PROVIDER: string
  /** One that never comes to its first token. */
  readonly SILENT: string
}

/** What the Worker's own handler heard and did, for the test to ask. */
const told: string[] = []

/** Has tail work: it takes a while, and must not be lost. */
const log: Listener = Object.assign(
  (event: Parameters<Listener>[0]) => {
    if (event.type === 'error' && event.run.parentId === undefined) told.push(`error ${(event.error as Error).name}`)
  },
  {
    flush: async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      told.push('flushed')
    },
  },
)

const chainOn = (baseURL: string) => new ChatAnthropic({ apiKey: 'none', baseURL }).pipe(new StringOutputParser())

const chat = serve<Env>((env) => chainOn(env.PROVIDER), { callbacks: [log] })
const silent = serve<Env>((env) => chainOn(env.SILENT), { callbacks: [log], heartbeatMs: 50 })

export default {
  async fetch(request: Request, env: Env, ctx: Context): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/told') return Response.json(told.splice(0))
    if (pathname === '/doctor') return Response.json(doctor({ ctx }))
    if (pathname === '/silent') return silent(request, env, ctx)
    if (pathname === '/pending') ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 2_000)))
    return chat(request, env, pathname === '/without' ? undefined : ctx)
  },
}
