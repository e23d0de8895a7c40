import { UserStop } from '../core/errors.ts'
import type { RunEvent } from '../core/event.ts'
import type { Outcome } from '../core/outcome.ts'
import { Runnable } from '../core/runnable.ts'
import type { RunStream } from '../core/stream.ts'
import { askOf } from './ask.ts'
import { claim, type Owner, opens } from './durable-access.ts'
import { interrupted } from './durable-interrupted.ts'
import { FrameLog } from './durable-log.ts'
import type { DurableChain, DurableOptions } from './durable-options.ts'
import type { DurableContext, DurableStorage } from './durable-platform.ts'
import { readerOf } from './durable-reader.ts'
import { Recording } from './durable-recording.ts'
import { LogWriter, pause } from './durable-writer.ts'
import { exposing, logFailure } from './public-error.ts'
import { refuse } from './request.ts'
import { outcomeFrame, outcomeJson, sseHeaders } from './sse.ts'

/** What is stored of a run beside its frames. */
interface Head extends Owner {
  readonly id: string
  readonly startedAt: number
  readonly endedAt?: number
  /** JSON of how it ended. */
  readonly outcome?: string
}

const HEAD = 'chaintap'
const DAY = 86_400_000
const HOUR = 3_600_000
/** How long one alarm keeps the object in memory, in ms; then another goes on. An alarm may take 15 minutes, and 30 s of the processor. */
const SHIFT = 60_000

/** A Durable Object that does one run, stores its events and answers its readers. Its class is made by `durable`. */
export class DurableRun<Env> {
  readonly #storage: DurableStorage
  readonly #env: Env
  readonly #chain: DurableChain<Env>
  readonly #options: DurableOptions<Env>
  readonly #log: FrameLog
  #head: Head | undefined
  #recording: Recording | undefined
  #closing: Promise<void> | undefined

  constructor({ storage }: DurableContext, env: Env, chain: DurableChain<Env>, options: DurableOptions<Env>) {
    this.#storage = storage
    this.#env = env
    this.#chain = chain
    this.#options = options
    this.#log = new FrameLog(storage.sql)
    this.#reload()
    if (this.#head) this.#log.open()
  }

  /** Answers what `serveDurable` hands on. */
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    try {
      return pathname.endsWith('/start')
        ? await this.#start(request, pathname.slice(0, -'/start'.length))
        : await this.#show(request, pathname.slice(pathname.lastIndexOf('/') + 1))
    } catch (error) {
      logFailure(error)
      return refuse(500, 'Something went wrong on the server.').refusal
    }
  }

  /**
   * Keeps the object in memory while its run goes on: one that nobody calls would be evicted. Where the work has died it ends the run,
   * and after `retain` it deletes all.
   */
  async alarm(): Promise<void> {
    if (this.#recording) await pause(SHIFT, this.#recording.done)
    if (this.#recording) return this.#storage.setAlarm(Date.now())
    await this.#close()
    if (this.#head?.endedAt && Date.now() < this.#dueAfter(this.#head.endedAt)) return this.#arm(this.#head.endedAt)
    this.#head = undefined
    await this.#storage.deleteAll()
  }

  #dueAfter(endedAt: number): number {
    return endedAt + (this.#options.retain ?? DAY)
  }

  /** Has a run that is over forgotten in time. */
  async #arm(endedAt: number): Promise<void> {
    const due = this.#dueAfter(endedAt)
    if (due < Number.POSITIVE_INFINITY) await this.#storage.setAlarm(due)
  }

  async #start(request: Request, path: string): Promise<Response> {
    const { access, retain = DAY, limits: { age = HOUR } = {}, callbacks = [], events } = this.#options
    const claimed = await claim(access, request, this.#env, { path, ms: age + retain })
    if ('refusal' in claimed) return claimed.refusal
    const ask = await askOf(request, { ...this.#options, formats: ['events'] })
    if ('refusal' in ask) return ask.refusal
    if (this.#head) return refuse(409, 'A run of this id has been started.').refusal
    const { headers, owner } = claimed
    const id = path.slice(path.lastIndexOf('/') + 1)
    const chain = this.#chain instanceof Runnable ? this.#chain : this.#chain(this.#env, request, ask)
    // A timer takes 24 days at most.
    const timeout = age < 2 ** 31 ? { timeout: age } : {}
    const run = chain.events(ask.input as never, { ...ask.options, ...events, ...timeout, callbacks, runId: id })
    const head: Head = { ...owner, id, startedAt: Date.now() }
    this.#log.create()
    this.#storage.kv.put(HEAD, head)
    // At once: an alarm that is being handled keeps the object in memory, and comes again where the object was lost.
    const armed = this.#storage.setAlarm(Date.now())
    this.#head = head
    this.#record(run)
    await armed
    return this.#read(-1, headers)
  }

  #record(run: RunStream<RunEvent, unknown>): void {
    const { limits: { events = 100_000, bytes = 33_554_432 } = {}, commitMs = 100, heartbeatMs = 15_000, exposeErrors } = this.#options
    const recording = new Recording(run, {
      log: this.#log,
      storage: this.#storage,
      limits: { events, bytes },
      commitMs,
      heartbeatMs,
      expose: exposing(exposeErrors),
      finish: (outcome) => this.#finish(outcome),
    })
    this.#recording = recording
    const over = (): void => {
      this.#recording = undefined
    }
    recording.ended.then(() => this.#reload()).catch(() => {})
    recording.done.then(over, over)
  }

  /** Ends a run in the log whose work died with an earlier instance of the object. */
  #close(): Promise<void> {
    if (!this.#head || this.#head.endedAt || this.#recording) return Promise.resolve()
    this.#closing ??= this.#closeInterrupted().finally(() => {
      this.#closing = undefined
    })
    return this.#closing
  }

  async #closeInterrupted(): Promise<void> {
    const { frames, outcome } = interrupted(this.#log)
    const writer = new LogWriter({ log: this.#log, storage: this.#storage, commitMs: 0, committed: () => {}, failed: () => {} })
    const last = { seq: this.#log.last + frames.length + 1, text: outcomeFrame(outcome) }
    void writer.add(frames)
    await writer.end(last, () => this.#finish(outcome))
    this.#reload()
  }

  #finish(outcome: Outcome<unknown>): Promise<void> {
    const endedAt = Date.now()
    this.#storage.kv.put(HEAD, { ...this.#head, endedAt, outcome: outcomeJson(outcome) })
    return this.#arm(endedAt)
  }

  /** Only what is durable is believed. */
  #reload(): void {
    this.#head = this.#storage.kv.get(HEAD) as Head | undefined
  }

  async #show(request: Request, what: string): Promise<Response> {
    const isOpen = this.#head ? await opens(this.#options.access, request, this.#env, this.#head) : false
    if (isOpen instanceof Response) return isOpen
    if (!isOpen) return refuse(404, 'There is no run of this id here, or it is not yours.').refusal
    await this.#close()
    if (what === 'stop') {
      this.#recording?.stop(new UserStop())
      await this.#recording?.ended
    }
    if (what === 'stop' || what === 'status') return this.#status()
    const after = request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('after') ?? '-1'
    if (!/^(-1|\d+)$/.test(after)) return refuse(400, 'Last-Event-ID, or after, must be the number of an event.').refusal
    // The outcome is for everybody.
    return this.#read(this.#head?.endedAt ? Math.min(Number(after), this.#events - 1) : Number(after))
  }

  #read(after: number, headers: Record<string, string> = {}): Response {
    const recording = this.#recording
    const body = readerOf(this.#log, after, () => (recording?.isOver ? undefined : recording?.changed))
    return new Response(body, { headers: { ...sseHeaders(), 'x-chaintap-run': this.#head?.id ?? '', ...headers } })
  }

  /** How many events there are; the outcome's frame is none. */
  get #events(): number {
    return this.#log.last + (this.#head?.endedAt ? 0 : 1)
  }

  #status(): Response {
    const { id, startedAt, endedAt, outcome = '{"status":"running"}' } = this.#head as Head
    return Response.json({ id, startedAt, ...(endedAt && { endedAt }), events: this.#events, ...(JSON.parse(outcome) as object) })
  }
}
