import { UserStop } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { refuse } from '../request/body.ts'
import { askOf } from '../request/parse-request.ts'
import { type ChainFor, chainFor } from '../request/resolve-chain.ts'
import { exposing, logFailure, UNTOLD } from '../response/public-error.ts'
import { outcomeFrame, outcomeJson, sseHeaders } from '../response/sse.ts'
import { claim, opens } from './access.ts'
import { LogWriter, pause } from './commit-batcher.ts'
import { FrameLog } from './event-log.ts'
import { readerOf } from './event-log-stream.ts'
import { hash, keyOf } from './idempotency.ts'
import { interrupted } from './interrupted.ts'
import type { DurableOptions } from './options.ts'
import type { DurableContext, DurableStorage } from './platform.ts'
import { Recording } from './recorder.ts'
import { type Head, headIn, putHead, statusOf } from './stored-run.ts'

const DAY = 86_400_000
const HOUR = 3_600_000
/** How long one alarm keeps the object in memory, in ms; then another goes on. An alarm may take 15 minutes, and 30 s of the processor. */
const SHIFT = 60_000

/** A Durable Object that does one run, stores its events and answers its readers. Its class is made by `durable`. */
export class DurableRun<Env> {
  readonly #storage: DurableStorage
  readonly #env: Env
  readonly #chain: ChainFor<Env>
  readonly #options: DurableOptions<Env>
  #log: FrameLog
  #head: Head | undefined
  #recording: Recording | undefined
  #closing: Promise<void> | undefined

  constructor({ storage }: DurableContext, env: Env, chain: ChainFor<Env>, options: DurableOptions<Env>) {
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
      return refuse(500, UNTOLD).refusal
    }
  }

  /**
   * Keeps the object in memory while its run goes on: one that nobody calls would be evicted. Where the work has died it ends the run,
   * and after `retain` it deletes all.
   */
  async alarm(): Promise<void> {
    if (this.#work) await pause(SHIFT, this.#work.done)
    if (this.#work) return this.#storage.setAlarm(Date.now())
    await this.#close()
    if (this.#head?.endedAt && Date.now() < this.#dueAfter(this.#head.endedAt)) return this.#arm(this.#head.endedAt)
    this.#head = undefined
    this.#log.forget()
    this.#log = new FrameLog(this.#storage.sql)
    await this.#storage.deleteAll()
  }

  /** What is waited for: handlers that are not done an hour after the run's end may never be. */
  get #work(): Recording | undefined {
    return Date.now() > (this.#head?.endedAt ?? Number.POSITIVE_INFINITY) + HOUR ? undefined : this.#recording
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
    const { headers, owner } = claimed
    const body = keyOf(request) && (await hash(plainJson(ask.body)))
    const id = path.slice(path.lastIndexOf('/') + 1)
    const chain = this.#head ? undefined : await chainFor(this.#chain, this.#env, request, ask)
    // The same call may have come meanwhile.
    if (!chain || this.#head) return this.#join(request, body, headers)
    const run = chain.events(ask.input as never, { ...events, timeout: age, callbacks, runId: id })
    const head: Head = { ...owner, id, startedAt: Date.now(), ...(body && { body }) }
    this.#log.create()
    putHead(this.#storage, head)
    // At once: an alarm that is being handled keeps the object in memory, and comes again where the object was lost.
    const armed = this.#storage.setAlarm(Date.now())
    this.#head = head
    this.#record(run)
    await armed
    return this.#read(-1, headers)
  }

  /** Answers a call that is repeated. */
  async #join(request: Request, body: string | undefined, headers: Record<string, string>): Promise<Response> {
    const head = this.#head as Head
    const isOpen = await opens(this.#options.access, request, this.#env, head)
    if (isOpen instanceof Response) return isOpen
    if (!isOpen) return refuse(409, 'This Idempotency-Key has been used by another caller: send a new one.').refusal
    if (head.body !== body) return refuse(422, 'This Idempotency-Key has been used with another body: send a new one.').refusal
    await this.#close()
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
      if (this.#recording === recording) this.#recording = undefined
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
    putHead(this.#storage, { ...(this.#head as Head), endedAt, outcome: outcomeJson(outcome) })
    return this.#arm(endedAt)
  }

  /** Only what is durable is believed. */
  #reload(): void {
    this.#head = headIn(this.#storage)
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
    if (what === 'stop' || what === 'status') return statusOf(this.#head as Head, this.#log.last)
    const after = request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('after') ?? '-1'
    if (!/^(-1|\d+)$/.test(after)) return refuse(400, 'Last-Event-ID, or after, must be the number of an event.').refusal
    return this.#read(Number(after))
  }

  #read(after: number, headers: Record<string, string> = {}): Response {
    const recording = this.#recording
    const body = readerOf(this.#log, after, () => (recording?.isOver ? undefined : recording?.changed))
    return new Response(body, { headers: { ...sseHeaders(), 'x-chaintap-run': this.#head?.id ?? '', ...headers } })
  }
}
