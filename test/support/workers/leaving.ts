import { type Listener, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type Context, doctor, serve } from 'chaintap/edge'

interface Env {
  readonly PROVIDER: string
  /** URL of a provider that never sends a token. */
  readonly SILENT: string
}

/** What the Worker's handler received and did. The test fetches it. */
const reports: string[] = []

/** A handler with slow work after the run, which must not be lost. */
const log: Listener = Object.assign(
  (event: Parameters<Listener>[0]) => {
    if (event.type === 'error' && event.run.parentId === undefined) reports.push(`error ${(event.error as Error).name}`)
  },
  {
    flush: async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      reports.push('flushed')
    },
  },
)

const chainOn = (baseURL: string) => new ChatAnthropic({ apiKey: 'none', baseURL }).pipe(new StringOutputParser())

const chat = serve<Env>((env) => chainOn(env.PROVIDER), { callbacks: [log] })
const silent = serve<Env>((env) => chainOn(env.SILENT), { callbacks: [log], heartbeatMs: 50 })

export default {
  async fetch(request: Request, env: Env, ctx: Context): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/reports') return Response.json(reports.splice(0))
    if (pathname === '/doctor') return Response.json(doctor({ ctx }))
    if (pathname === '/silent') return silent(request, env, ctx)
    if (pathname === '/pending') ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 2_000)))
    return chat(request, env, pathname === '/without' ? undefined : ctx)
  },
}
