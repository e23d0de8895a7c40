import type { EventPayload, Run, RunEvent, RunKind } from '../../core/event.ts'
import { type Handler, isThenable, type ResolvedHandler, raisesErrors, reportHandlerError, toListener } from '../../core/handler/handler.ts'
import type { ModelRequest } from '../../core/model-request.ts'
import { freezeRun } from '../../core/run/scope.ts'
import { isRecord } from '../../core/util/is-record.ts'

/** LangChain never ends some runs, e.g. those of a stream that is left early. Beyond this number, the oldest open runs are forgotten. */
const MAX_OPEN_RUNS = 10_000

/** The arguments with which LangChain describes a run. */
export interface RunDescription {
  readonly kind: RunKind
  /** The serialized object: the last part of its id is its name. */
  readonly object: unknown
  readonly id: unknown
  readonly parentId: unknown
  readonly tags: unknown
  readonly metadata: unknown
  readonly name: unknown
}

/** The number of events of a tree so far. */
interface TreeClock {
  seq: number
}

interface OpenRun {
  readonly run: Run
  readonly clock: TreeClock
  readonly request: ModelRequest | undefined
}

/** Passes the events of LangChain's runs to a handler: one at a time and in order, as chaintap's own. */
export class HandlerFeed {
  readonly #handler: Handler
  readonly #resolved: ResolvedHandler
  /** Open runs by id, in the order of their start. */
  readonly #runs = new Map<unknown, OpenRun>()
  /** Settles when the events so far are handled; undefined if they are. */
  #pending: Promise<void> | undefined

  constructor(handler: Handler) {
    this.#handler = handler
    this.#resolved = toListener(handler)
  }

  start(description: RunDescription, input: unknown, request?: ModelRequest): Promise<void> {
    const parent = this.#runs.get(description.parentId)
    const run = describe(description, parent?.run)
    this.#runs.set(run.id, { run, clock: parent?.clock ?? { seq: 0 }, request })
    if (this.#runs.size > MAX_OPEN_RUNS) this.#runs.delete(this.#runs.keys().next().value)
    return this.emit(run.id, { type: 'start', input, ...(request && { request }) })
  }

  /** What the model of an open run was asked for. */
  requestOf(id: unknown): ModelRequest | undefined {
    return this.#runs.get(id)?.request
  }

  /** Ends a run. After the end of a root run, the handler is flushed. */
  async end(id: unknown, payload: EventPayload & { readonly type: 'end' | 'error' }): Promise<void> {
    const isRoot = this.#runs.get(id)?.run.rootId === id
    const handled = this.emit(id, payload)
    this.#runs.delete(id)
    await handled
    const { handler } = this.#resolved
    if (isRoot && 'flush' in handler) await handler.flush?.()
  }

  /** Ignores events of runs that have not started, or have ended. */
  async emit(id: unknown, payload: EventPayload): Promise<void> {
    const open = this.#runs.get(id)
    if (!open) return
    const event: RunEvent = { run: open.run, at: Date.now(), seq: open.clock.seq++, ...payload }
    const handled = this.#pending ? this.#pending.then(() => this.#deliver(event)) : this.#deliver(event)
    if (!handled) return
    const settled = handled.then(
      () => {},
      () => {},
    )
    this.#pending = settled
    await handled.finally(() => {
      if (this.#pending === settled) this.#pending = undefined
    })
  }

  /** LangChain only logs what a handler throws, unless it raises errors: so report it as for chaintap's runs. */
  #deliver(event: RunEvent): Promise<void> | undefined {
    const fail = (error: unknown): void => {
      if (raisesErrors(this.#handler)) throw error
      reportHandlerError(error, event, this.#handler)
    }
    try {
      const result = this.#resolved.listener(event)
      return isThenable(result) ? Promise.resolve(result).then(() => {}, fail) : undefined
    } catch (error) {
      fail(error)
    }
  }
}

function describe({ kind, object, id, parentId, tags, metadata, name }: RunDescription, parent: Run | undefined): Run {
  const { id: path, name: ownName } = isRecord(object) ? object : {}
  const lastOfPath: unknown = Array.isArray(path) ? path.at(-1) : undefined
  return freezeRun({
    id: String(id),
    parentId: typeof parentId === 'string' ? parentId : undefined,
    rootId: parent?.rootId ?? String(id),
    name: [name, lastOfPath, ownName].find((candidate) => typeof candidate === 'string') ?? kind,
    kind,
    tags: Array.isArray(tags) ? tags.map(String) : [],
    metadata: isRecord(metadata) ? { ...metadata } : {},
  })
}
