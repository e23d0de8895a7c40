// The Worker of bench/durable.mjs: runs with the requested number of tokens, at 80 tokens per second.
import { StringOutputParser } from 'chaintap'
import { type DurableContext, type DurableNamespace, durable, serveDurable } from 'chaintap/durable'
import { serve } from 'chaintap/edge'
import { scriptedModel } from 'chaintap/testing'

const chain = scriptedModel(
  ([question]) => Array.from({ length: Number(JSON.stringify(question?.content).replaceAll('"', '')) }, () => 'token '),
  {
    delayMs: 12,
  },
).pipe(new StringOutputParser())

type Storage = DurableContext & { storage: { sql: { readonly databaseSize: number } } }

export class Chat extends durable(chain, { access: () => true }) {
  readonly #storage: Storage['storage']

  constructor(context: Storage, env: unknown) {
    super(context, env)
    this.#storage = context.storage
  }

  override async fetch(request: Request) {
    if (!request.url.endsWith('/rows')) return super.fetch(request)
    const [rows] = this.#storage.sql.exec('SELECT count(*) AS rows, sum(length(bytes)) AS bytes FROM chaintap_frames')
    return Response.json({ ...rows, disk: this.#storage.sql.databaseSize })
  }
}

interface Env {
  readonly CHAT: DurableNamespace
}

const stored = serveDurable((env: Env) => env.CHAT)
const plain = serve(chain)

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    const [, id = ''] = /([^/]*)\/rows$/.exec(request.url) ?? []
    if (id) return env.CHAT.getByName(id).fetch(request)
    return request.url.endsWith('/plain') ? plain(request, env) : stored(request, env)
  },
}
