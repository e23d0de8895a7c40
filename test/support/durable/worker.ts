// The Worker of test/edge/durable/durable.node.test.ts: one class for each configuration, and routes for what
// a test must do inside the Worker.

import unsafe from 'workerd:unsafe'
import { lambda, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { type DurableContext, type DurableNamespace, durable, serveDurable } from 'chaintap/durable'
import { type ScriptedModel, scriptedModel } from 'chaintap/testing'

/** Models and counters that live as long as the process. */
const models: ScriptedModel[] = []
const seen = { alarms: 0, handled: 0, failures: 0 }
/** How many of the next writes fail. */
const faults = { left: 0 }

/** Emits as many numbers as the input says, with a pause in ms that the header `x-delay` sets. */
function counting(_env: unknown, { headers }: Request) {
  const model = scriptedModel(
    ([question]) => {
      const [, count, failing] = /(\d+)( fail)?/.exec(JSON.stringify(question?.content)) ?? []
      const tokens = Array.from({ length: Number(count) }, (_, index) => `${index} `)
      return failing ? { tokens, error: new Error('the secret is out') } : tokens
    },
    { delayMs: Number(headers.get('x-delay') ?? 0) },
  )
  models.push(model)
  return model.pipe(new StringOutputParser())
}

/** Creates a value with a number of characters, in parts that the codec does not truncate. */
const bulky = lambda(function bulk(size: number) {
  return Array.from({ length: Math.ceil(size / 100_000) }, (_, index) => `${index}é`.padEnd(100_000, 'x'))
})

/** Calls a model over the network. */
const asking = (_env: unknown, { headers }: Request) =>
  new ChatAnthropic({ apiKey: 'none', baseURL: headers.get('x-provider') ?? '' }).pipe(new StringOutputParser())

const anybody = { access: () => true, commitMs: 10 } as const

export class Chat extends durable(counting) {}
export class Owned extends durable(counting, {
  retain: Number.POSITIVE_INFINITY,
  limits: { age: Number.POSITIVE_INFINITY },
  access: ({ headers }) => headers.get('x-user') ?? headers.has('x-robot'),
}) {}
export class Asking extends durable(asking, anybody) {}
export class Bulky extends durable(bulky, anybody) {}
export class Tight extends durable(counting, { ...anybody, limits: { bytes: 5_000 } }) {}
export class Brief extends durable(counting, { ...anybody, retain: 1 }) {}
export class Few extends durable(counting, { ...anybody, limits: { events: 40 } }) {}
export class Hasty extends durable(counting, { ...anybody, limits: { age: 50 } }) {}
export class Quiet extends durable(counting, { ...anybody, heartbeatMs: 5, events: { include: { types: ['token'] } } }) {}

export class Open extends durable(counting, { ...anybody, callbacks: [() => void seen.handled++] }) {
  readonly #context: DurableContext & { abort(): void }

  constructor(context: DurableContext & { abort(): void }, env: unknown) {
    super(context, env)
    this.#context = context
  }

  override async alarm() {
    await super.alarm()
    seen.alarms++
  }

  override async fetch(request: Request) {
    if (request.url.endsWith('/abort')) this.#context.abort()
    return super.fetch(request)
  }
}

/** A run whose next `faults` writes fail. */
export class Faulty extends durable(counting, anybody) {
  constructor(context: DurableContext, env: unknown) {
    const { storage } = context
    const exec = (query: string, ...bindings: unknown[]) => {
      if (query.startsWith('INSERT') && faults.left > 0) {
        faults.left--
        seen.failures++
        throw new Error('disk I/O error')
      }
      return storage.sql.exec(query, ...bindings)
    }
    const { kv } = storage
    super(
      {
        storage: {
          sql: { exec },
          kv,
          transactionSync: (closure) => storage.transactionSync(closure),
          sync: () => storage.sync(),
          setAlarm: (at) => storage.setAlarm(at),
          deleteAll: () => storage.deleteAll(),
        },
      },
      env,
    )
  }
}

type Env = Readonly<Record<string, DurableNamespace>>

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url)
    const [, name = '', id = ''] = pathname.split('/')
    if (name === 'faults') faults.left = Number(searchParams.get('left'))
    if (name === 'faults' || name === 'seen') {
      const cancels = models.flatMap(({ record }) => record.cancels.map((reason) => (reason as { code?: string }).code ?? String(reason)))
      return Response.json({ ...seen, cancels, calls: models.length })
    }
    const namespace = env[name.toUpperCase()]
    if (pathname.endsWith('/evict')) {
      await unsafe.evict(namespace?.getByName(id), {})
      return new Response()
    }
    if (pathname.endsWith('/abort')) {
      await Promise.allSettled([namespace?.getByName(id).fetch(request)])
      return new Response()
    }
    const cors = { origin: 'https://app.example' }
    return serveDurable<Env>(() => namespace, { cors, rateLimit: ({ headers }) => !headers.has('x-often') })(request, env)
  },
}
