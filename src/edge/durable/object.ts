import { UserStop } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { createRefusal } from '../request/body.ts'
import { parseRequest } from '../request/parse-request.ts'
import { type ChainOrFactory, resolveChain } from '../request/resolve-chain.ts'
import { encodeOutcomeFrame, outcomeJson } from '../response/event-frames.ts'
import { createPublicErrorMapper, GENERIC_ERROR_MESSAGE, logFailure } from '../response/public-error.ts'
import { sseHeaders } from '../response/sse.ts'
import { authorizeRun, authorizeStart } from './access.ts'
import { CommitBatcher, pauseUnlessSkipped } from './commit-batcher.ts'
import { EventLog } from './event-log.ts'
import { createEventLogStream } from './event-log-stream.ts'
import { readIdempotencyKey, sha256Hex } from './idempotency.ts'
import { endInterruptedRun } from './interrupted.ts'
import type { DurableOptions } from './options.ts'
import type { DurableContext, DurableStorage } from './platform.ts'
import { RunRecorder } from './recorder.ts'
import { readStoredRun, runStatusResponse, type StoredRun, writeStoredRun } from './stored-run.ts'

const DEFAULT_RETENTION_MS = 86_400_000
const HOUR_MS = 3_600_000
/** How long one alarm keeps the object in memory, in ms; then another goes on. An alarm may take 15 minutes, and 30 s of the processor. */
const ALARM_DURATION_MS = 60_000

/** A Durable Object that does one run, stores its events and answers its readers. Its class is made by `durable`. */
export class DurableRun<Env> {
  readonly #storage: DurableStorage
  readonly #env: Env
  readonly #chain: ChainOrFactory<Env>
  readonly #options: DurableOptions<Env>
  #log: EventLog
  #storedRun: StoredRun | undefined
  #recorder: RunRecorder | undefined
  #closing: Promise<void> | undefined

  constructor({ storage }: DurableContext, env: Env, chain: ChainOrFactory<Env>, options: DurableOptions<Env>) {
    this.#storage = storage
    this.#env = env
    this.#chain = chain
    this.#options = options
    this.#log = new EventLog(storage.sql)
    this.#reloadStoredRun()
    if (this.#storedRun) this.#log.load()
  }

  /** Answers what `serveDurable` hands on. */
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    try {
      return pathname.endsWith('/start')
        ? await this.#start(request, pathname.slice(0, -'/start'.length))
        : await this.#handleRunRequest(request, pathname.slice(pathname.lastIndexOf('/') + 1))
    } catch (error) {
      logFailure(error)
      return createRefusal(500, GENERIC_ERROR_MESSAGE).refusal
    }
  }

  /**
   * Keeps the object in memory while its run goes on: one that nobody calls would be evicted. Where the work has died it ends the run,
   * and after `retain` it deletes all.
   */
  async alarm(): Promise<void> {
    if (this.#activeRecorder) await pauseUnlessSkipped(ALARM_DURATION_MS, this.#activeRecorder.handlersDone)
    if (this.#activeRecorder) return this.#storage.setAlarm(Date.now())
    await this.#endIfInterrupted()
    if (this.#storedRun?.endedAt && Date.now() < this.#deletionTime(this.#storedRun.endedAt))
      return this.#scheduleDeletion(this.#storedRun.endedAt)
    this.#storedRun = undefined
    this.#log.markDeleted()
    this.#log = new EventLog(this.#storage.sql)
    await this.#storage.deleteAll()
  }

  /** What is waited for: handlers that are not done an hour after the run's end may never be. */
  get #activeRecorder(): RunRecorder | undefined {
    return Date.now() > (this.#storedRun?.endedAt ?? Number.POSITIVE_INFINITY) + HOUR_MS ? undefined : this.#recorder
  }

  #deletionTime(endedAt: number): number {
    return endedAt + (this.#options.retain ?? DEFAULT_RETENTION_MS)
  }

  /** Has a run that is over forgotten in time. */
  async #scheduleDeletion(endedAt: number): Promise<void> {
    const due = this.#deletionTime(endedAt)
    if (due < Number.POSITIVE_INFINITY) await this.#storage.setAlarm(due)
  }

  async #start(request: Request, path: string): Promise<Response> {
    const { access, retain = DEFAULT_RETENTION_MS, limits: { age = HOUR_MS } = {}, callbacks = [], events } = this.#options
    const claimed = await authorizeStart(access, request, this.#env, { path, ms: age + retain })
    if ('refusal' in claimed) return claimed.refusal
    const ask = await parseRequest(request, { ...this.#options, formats: ['events'] })
    if ('refusal' in ask) return ask.refusal
    const { headers, owner } = claimed
    const body = readIdempotencyKey(request) && (await sha256Hex(plainJson(ask.body)))
    const id = path.slice(path.lastIndexOf('/') + 1)
    const chain = this.#storedRun ? undefined : await resolveChain(this.#chain, this.#env, request, ask)
    // The same call may have come meanwhile.
    if (!chain || this.#storedRun) return this.#answerRepeatedCall(request, body, headers)
    const run = chain.events(ask.input as never, { ...events, timeout: age, callbacks, runId: id })
    const head: StoredRun = { ...owner, id, startedAt: Date.now(), ...(body && { body }) }
    this.#log.createTable()
    writeStoredRun(this.#storage, head)
    // At once: an alarm that is being handled keeps the object in memory, and comes again where the object was lost.
    const armed = this.#storage.setAlarm(Date.now())
    this.#storedRun = head
    this.#startRecorder(run)
    await armed
    return this.#streamEvents(-1, headers)
  }

  /** Answers a call that is repeated. */
  async #answerRepeatedCall(request: Request, body: string | undefined, headers: Record<string, string>): Promise<Response> {
    const head = this.#storedRun as StoredRun
    const isOpen = await authorizeRun(this.#options.access, request, this.#env, head)
    if (isOpen instanceof Response) return isOpen
    if (!isOpen) return createRefusal(409, 'This Idempotency-Key has been used by another caller: send a new one.').refusal
    if (head.body !== body) return createRefusal(422, 'This Idempotency-Key has been used with another body: send a new one.').refusal
    await this.#endIfInterrupted()
    return this.#streamEvents(-1, headers)
  }

  #startRecorder(run: RunStream<RunEvent, unknown>): void {
    const { limits: { events = 100_000, bytes = 33_554_432 } = {}, commitMs = 100, heartbeatMs = 15_000, exposeErrors } = this.#options
    const recording = new RunRecorder(run, {
      log: this.#log,
      storage: this.#storage,
      limits: { events, bytes },
      commitMs,
      heartbeatMs,
      expose: createPublicErrorMapper(exposeErrors),
      storeOutcome: (outcome) => this.#storeOutcome(outcome),
    })
    this.#recorder = recording
    const over = (): void => {
      if (this.#recorder === recording) this.#recorder = undefined
    }
    recording.ended.then(() => this.#reloadStoredRun()).catch(() => {})
    recording.handlersDone.then(over, over)
  }

  /** Ends a run in the log whose work died with an earlier instance of the object. */
  #endIfInterrupted(): Promise<void> {
    if (!this.#storedRun || this.#storedRun.endedAt || this.#recorder) return Promise.resolve()
    this.#closing ??= this.#endInterrupted().finally(() => {
      this.#closing = undefined
    })
    return this.#closing
  }

  async #endInterrupted(): Promise<void> {
    const { frames, outcome } = endInterruptedRun(this.#log)
    const writer = new CommitBatcher({ log: this.#log, storage: this.#storage, commitMs: 0, onCommit: () => {}, onError: () => {} })
    const last = { seq: this.#log.lastSeq + frames.length + 1, text: encodeOutcomeFrame(outcome) }
    void writer.add(frames)
    await writer.end(last, () => this.#storeOutcome(outcome))
    this.#reloadStoredRun()
  }

  #storeOutcome(outcome: Outcome<unknown>): Promise<void> {
    const endedAt = Date.now()
    writeStoredRun(this.#storage, { ...(this.#storedRun as StoredRun), endedAt, outcome: outcomeJson(outcome) })
    return this.#scheduleDeletion(endedAt)
  }

  /** Only what is durable is believed. */
  #reloadStoredRun(): void {
    this.#storedRun = readStoredRun(this.#storage)
  }

  async #handleRunRequest(request: Request, what: string): Promise<Response> {
    const isOpen = this.#storedRun ? await authorizeRun(this.#options.access, request, this.#env, this.#storedRun) : false
    if (isOpen instanceof Response) return isOpen
    if (!isOpen) return createRefusal(404, 'There is no run of this id here, or it is not yours.').refusal
    await this.#endIfInterrupted()
    if (what === 'stop') {
      this.#recorder?.stop(new UserStop())
      await this.#recorder?.ended
    }
    if (what === 'stop' || what === 'status') return runStatusResponse(this.#storedRun as StoredRun, this.#log.lastSeq)
    const after = request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('after') ?? '-1'
    if (!/^(-1|\d+)$/.test(after)) return createRefusal(400, 'Last-Event-ID, or after, must be the number of an event.').refusal
    return this.#streamEvents(Number(after))
  }

  #streamEvents(after: number, headers: Record<string, string> = {}): Response {
    const recording = this.#recorder
    const body = createEventLogStream(this.#log, after, () => (recording?.isOver ? undefined : recording?.nextChange))
    return new Response(body, { headers: { ...sseHeaders(), 'x-chaintap-run': this.#storedRun?.id ?? '', ...headers } })
  }
}
