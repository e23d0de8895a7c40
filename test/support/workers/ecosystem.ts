import { type Delta, StringOutputParser, textOf } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type Context, serve } from 'chaintap/edge'
import { offlineFetch, scriptedModel } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { z } from 'zod'

const cors = { origin: '*' }

/** Progress of the responses that clients leave. The test fetches it. */
const slow = scriptedModel([Array.from({ length: 10_000 }, (_, index) => `${index} `)], { delayMs: 10 })

const model = new ChatAnthropic({ apiKey: 'offline', fetch: offlineFetch() })

const weather = tool(({ city }) => ({ city, degrees: 18 }), {
  name: 'weather',
  description: 'The weather in a city.',
  schema: z.object({ city: z.string() }),
})

const asking: Delta = { type: 'tool-call', index: 0, id: 'call_1', name: 'weather', args: '{"city":"Paris"}' }
const forecaster = () =>
  initializeAgent(
    [weather],
    scriptedModel((_, index) => (index === 0 ? [asking] : ['It is ', '18 °C.'])),
    { agentType: 'tool-calling' },
  )

/** Responds with the number of messages, and calls the client's tool on request. */
const caller = scriptedModel((messages) => {
  const last = messages.at(-1)
  if (last?.role === 'tool') return [`The tool says ${textOf(last)}.`, { type: 'stop', reason: 'end_turn' }]
  return [{ type: 'reasoning', text: 'Hm.' }, asking, { type: 'stop', reason: 'tool_use' }]
})

const routes: Readonly<Record<string, ReturnType<typeof serve>>> = {
  '/chat': serve(model.pipe(new StringOutputParser()), { cors }),
  '/agent': serve(forecaster, { cors, fromMessages: (messages) => messages.map(textOf).join('') }),
  '/tools': serve(caller, { cors }),
  '/text': serve(model.pipe(new StringOutputParser()), { cors, formats: ['text'] }),
  '/failing': serve(scriptedModel([{ tokens: ['Hel'], error: new Error('secret') }]), { cors }),
  '/slow': serve(slow, { cors }),
  '/beating': serve(scriptedModel([['Hel', 'lo']], { delayMs: 60 }), { cors, heartbeatMs: 10 }),
  '/v1/chat/completions': serve(caller, { cors, access: ({ headers }) => headers.get('authorization') === 'Bearer right' }),
}

export default {
  async fetch(request: Request, env: unknown, ctx: Context): Promise<Response> {
    const { pathname } = new URL(request.url)
    if (pathname === '/open') return Response.json(slow.record.open)
    return routes[pathname]?.(request, env, ctx) ?? new Response('There is no such route.', { status: 404 })
  },
}
