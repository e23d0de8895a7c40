import { UserStop } from '../../core/errors.ts'
import type { RunEvent } from '../../core/event.ts'
import { plainJson } from '../../core/json/plain.ts'
import type { Outcome } from '../../core/outcome.ts'
import type { RunStream } from '../../core/run/run-stream.ts'
import { createRefusal, refuseUnlessJson } from '../request/body.ts'
import { parseRequest } from '../request/parse-request.ts'
import { type ChainOrFactory, resolveChain } from '../request/resolve-chain.ts'
import { encodeOutcomeFrame, outcomeJson } from '../response/event-frames.ts'
import { MessageMask } from '../response/message-mask.ts'
import { GENERIC_ERROR_MESSAGE, logFailure } from '../response/public-error.ts'
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
/** How long one alarm keeps the object in memory, in ms; then another takes over. An alarm may take 15 minutes, and 30 s of CPU time. */
const ALARM_DURATION_MS = 60_000

/** A Durable Object that executes one run, stores its events and serves its readers. {@link durable} creates its class. */
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

  /** Handles a request from `serveDurable`. */
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
   * Keeps the object in memory while its run is in progress: an object without requests is evicted. Ends a run whose process was lost, and
   * deletes everything after `retain`.
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

  /** The recorder to wait for. Handlers that are not done one hour after the run's end are ignored. */
  get #activeRecorder(): RunRecorder | undefined {
    return Date.now() > (this.#storedRun?.endedAt ?? Number.POSITIVE_INFINITY) + HOUR_MS ? undefined : this.#recorder
  }

  #deletionTime(endedAt: number): number {
    return endedAt + (this.#options.retain ?? DEFAULT_RETENTION_MS)
  }

  /** Schedules the deletion of a run that has ended. */
  async #scheduleDeletion(endedAt: number): Promise<void> {
    const due = this.#deletionTime(endedAt)
    if (due < Number.POSITIVE_INFINITY) await this.#storage.setAlarm(due)
  }

  async #start(request: Request, path: string): Promise<Response> {
    const { access, retain = DEFAULT_RETENTION_MS, limits: { age = HOUR_MS } = {}, callbacks = [], events } = this.#options
    const authorized = await authorizeStart(access, request, this.#env, { path, ms: age + retain })
    if ('refusal' in authorized) return authorized.refusal
    const parsed = await parseRequest(request, { ...this.#options, formats: ['events'] })
    if ('refusal' in parsed) return parsed.refusal
    const { headers, owner } = authorized
    const [id = '', body] = [path.split('/').at(-1), readIdempotencyKey(request) && (await sha256Hex(plainJson(parsed.body)))]
    const chain = this.#storedRun ? undefined : await resolveChain(this.#chain, this.#env, request, parsed)
    // The same request may have started the run meanwhile.
    if (!chain || this.#storedRun) return this.#answerRepeatedCall(request, body, headers)
    const mask = new MessageMask(this.#options.exposeErrors)
    const run = chain.events(parsed.input as never, { ...events, timeout: age, callbacks: mask.extend(callbacks, events), runId: id })
    const storedRun: StoredRun = { ...owner, id, startedAt: Date.now(), ...(body && { body }) }
    this.#log.createTable()
    writeStoredRun(this.#storage, storedRun)
    // An alarm that is being handled keeps the object in memory, and is repeated if the object is lost.
    const alarmSet = this.#storage.setAlarm(Date.now())
    this.#storedRun = storedRun
    this.#startRecorder(run, mask)
    await alarmSet
    return this.#streamEvents(-1, headers)
  }

  /** Responds to a repeated request with the run that the first one started. */
  async #answerRepeatedCall(request: Request, body: string | undefined, headers: Record<string, string>): Promise<Response> {
    const storedRun = this.#storedRun as StoredRun
    const isAllowed = await authorizeRun(this.#options.access, request, this.#env, storedRun)
    if (isAllowed instanceof Response) return isAllowed
    if (!isAllowed) return createRefusal(409, 'This Idempotency-Key was used by another caller: send a new one.').refusal
    if (storedRun.body !== body) return createRefusal(422, 'This Idempotency-Key was used with another body: send a new one.').refusal
    await this.#endIfInterrupted()
    return this.#streamEvents(-1, headers)
  }

  #startRecorder(run: RunStream<RunEvent, unknown>, mask: MessageMask): void {
    const { limits: { events = 100_000, bytes = 33_554_432 } = {}, commitMs = 100, heartbeatMs = 15_000 } = this.#options
    const recorder = new RunRecorder(run, {
      log: this.#log,
      storage: this.#storage,
      limits: { events, bytes },
      commitMs,
      heartbeatMs,
      mask,
      storeOutcome: (outcome) => this.#storeOutcome(outcome),
    })
    this.#recorder = recorder
    const release = (): void => {
      if (this.#recorder === recorder) this.#recorder = undefined
    }
    recorder.ended.then(() => this.#reloadStoredRun()).catch(() => {})
    recorder.handlersDone.then(release, release)
  }

  /** Ends a run in the log that an earlier instance of the object was executing. */
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

  /** Reads the stored run again: a failed commit may have left other values in memory. */
  #reloadStoredRun(): void {
    this.#storedRun = readStoredRun(this.#storage)
  }

  async #handleRunRequest(request: Request, action: string): Promise<Response> {
    const isAllowed = this.#storedRun ? await authorizeRun(this.#options.access, request, this.#env, this.#storedRun) : false
    if (isAllowed instanceof Response) return isAllowed
    if (!isAllowed) return createRefusal(404, 'No run has this id, or the caller may not read it.').refusal
    // Like a start: the cookie alone would let a page of another origin of the same site stop the run.
    const { refusal } = (action === 'stop' && refuseUnlessJson(request)) || {}
    if (refusal) return refusal
    await this.#endIfInterrupted()
    if (action === 'stop') {
      this.#recorder?.stop(new UserStop())
      await this.#recorder?.ended
    }
    if (action === 'stop' || action === 'status') return runStatusResponse(this.#storedRun as StoredRun, this.#log.lastSeq)
    const after = request.headers.get('last-event-id') ?? new URL(request.url).searchParams.get('after') ?? '-1'
    if (!/^(-1|\d+)$/.test(after)) return createRefusal(400, 'Last-Event-ID or ?after= must be the sequence number of an event.').refusal
    return this.#streamEvents(Number(after))
  }

  #streamEvents(after: number, headers: Record<string, string> = {}): Response {
    const recorder = this.#recorder
    const body = createEventLogStream(this.#log, after, () => (recorder?.isOver ? undefined : recorder?.nextChange))
    return new Response(body, { headers: { ...sseHeaders(), 'x-chaintap-run': this.#storedRun?.id ?? '', ...headers } })
  }
}
