import { ChatPromptTemplate, Disconnect, type RunEvent, type Runnable, type RunStream, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { encoder } from 'chaintap/json'
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
    // waitUntil keeps the Worker alive until the handlers are done, also where the client has left.
    const run = chainFor(env, url).events({ question }, { signal: request.signal, waitUntil: (work) => ctx.waitUntil(work) })
    return new Response(eventStream(run), {
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        // Compressed, a stream may be held back until it ends: no-transform does not keep the local Worker from that.
        'content-encoding': 'identity',
      },
    })
  },
} satisfies ExportedHandler<Env>

/** The events of a run as server-sent events, one write for what came in one read; the last one is its outcome. */
function eventStream(run: RunStream<RunEvent, string>): ReadableStream<Uint8Array> {
  const encode = encoder()
  const utf8 = new TextEncoder()
  const batches = run.batches().getReader()
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // Proxies close what is silent for long; and where one hides that the client has left, the next write finds out.
      const beat = (): void => {
        if (Number(controller.desiredSize) > 0) controller.enqueue(utf8.encode(': heartbeat\n\n'))
      }
      const heartbeat = setInterval(beat, 15_000)
      void run.outcome.then(() => clearInterval(heartbeat))
    },
    async pull(controller) {
      // A failed run has told its error as an event, and tells it once more as its outcome.
      const { value: batch } = await batches.read().catch(() => ({ value: undefined }))
      if (batch) {
        const frames = batch.map((event) => `id: ${event.seq}\nevent: ${event.type}\ndata: ${encode(event)}\n\n`)
        controller.enqueue(utf8.encode(frames.join('')))
      } else {
        controller.enqueue(utf8.encode(`event: outcome\ndata: ${await outcomeOf(run)}\n\n`))
        controller.close()
      }
    },
    cancel: () => run.stop(new Disconnect()),
  })
}

/** How the run ended. Its output is left out: it has been said. */
async function outcomeOf(run: RunStream<RunEvent, string>): Promise<string> {
  const outcome = await run.outcome
  const { status, usage, firstTokenMs, durationMs } = outcome
  const error = outcome.status === 'complete' ? undefined : messageOf(outcome.error)
  return JSON.stringify({ status, usage, firstTokenMs, durationMs, error })
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
