import type { EventSourceMessage } from 'eventsource-parser'
import type { TruncatedError } from '../core/errors.ts'
import type { EndEvent, RunEvent } from '../core/event.ts'
import type { MaybePromise, Stage } from '../core/flow/link.ts'
import { eventFields } from '../core/json/event-fields.ts'
import { decoder, parse } from '../core/json/index.ts'
import type { Outcome } from '../core/outcome.ts'
import { RunTreeReplica } from '../core/run/replica.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { RemoteError } from './errors.ts'
import { remoteOutputFold } from './output-fold.ts'
import type { ResumableEventSource } from './resumable-source.ts'

/** Options of a {@link RemoteEventStage}. */
export interface RemoteEventStageOptions {
  /** The server's address, for error messages. */
  readonly address: string
  /** Whether the events are received as they happen, rather than replayed. */
  readonly isLive: boolean
}

/** Emits the events of a remote run as events of children of `run`, and the chunks of its root. */
export class RemoteEventStage implements Stage<EventSourceMessage, unknown> {
  readonly fold: ReturnType<typeof remoteOutputFold> = remoteOutputFold()
  readonly #source: ResumableEventSource
  readonly #run: RunHandle
  readonly #options: RemoteEventStageOptions
  readonly #decode: (json: string) => RunEvent = decoder()
  readonly #replica: RunTreeReplica
  /** Whether the first event was received. Then the events contain the usage; otherwise the outcome does. */
  readonly #isFromStart: boolean
  readonly #openedAt = Date.now()
  #rootId = ''
  #hasToken = false
  #rootEnd: EndEvent | undefined

  constructor(source: ResumableEventSource, run: RunHandle, options: RemoteEventStageOptions) {
    this.#source = source
    this.#run = run
    this.#options = options
    this.#isFromStart = source.seq < 0
    this.#replica = new RunTreeReplica(run, this.#isFromStart)
  }

  transform({ event: type, data }: EventSourceMessage, controller: TransformStreamDefaultController<unknown>): MaybePromise {
    const source = this.#source
    // Nothing follows the outcome.
    if (source.isOver) return
    if (type === 'outcome') return this.#onOutcome(Object(parse(data)) as Outcome<unknown>)
    if (type === undefined)
      throw new RemoteError('wire', `${this.#options.address} sent an event without a type. Check that its URL is that of serve().`)
    // A newer server may send types that are not known here.
    if (!Object.hasOwn(eventFields, type)) return
    const event = this.#decode(data)
    // Repeated after a reconnect.
    if (event.seq <= source.seq) return
    if (!this.#rootId) this.#onFirstEvent(event)
    source.seq = event.seq
    if (event.type === 'chunk') return controller.enqueue(event.chunk)
    if (event.type === 'end' || event.type === 'error') this.#onRootEnd(event)
    else if (this.#options.isLive && (event.type === 'token' || event.type === 'delta')) this.#onToken()
    return this.#replica.apply(event) as MaybePromise
  }

  /** Called at the end of the response, which may lack the outcome if the root's last event was received. */
  flush(): MaybePromise {
    if (this.#source.isOver) return
    if (this.#rootEnd?.type === 'error') throw this.#rootEnd.error
    return this.#finishReplica()
  }

  #onFirstEvent({ run, at }: RunEvent): void {
    this.#rootId = this.#source.id || run.rootId
    // Clocks differ. A live event cannot be earlier than the request nor later than now.
    const earliest = this.#options.isLive ? this.#openedAt : at
    this.#replica.clockOffsetMs = Math.min(Math.max(at, earliest), Date.now()) - at
  }

  #onToken(): void {
    if (this.#hasToken) return
    this.#hasToken = true
    this.#run.report({ firstTokenAt: Date.now() })
  }

  #onRootEnd(event: EndEvent): void {
    if (event.run.id !== this.#rootId) return
    this.#rootEnd = event
    this.#source.isEnding = true
    this.fold.end(event.type === 'end' ? event.output : event.partial, this.#isFromStart)
  }

  #onOutcome({ status, usage, firstTokenMs, ...rest }: Outcome<unknown>): MaybePromise {
    const run = this.#run
    this.#source.isOver = true
    if (!this.#isFromStart) run.report({ externalUsage: usage })
    if (!this.#options.isLive && firstTokenMs !== undefined) run.report({ firstTokenAt: this.#openedAt + firstTokenMs })
    const error = this.#rootEnd?.type === 'error' ? this.#rootEnd.error : 'error' in rest ? rest.error : undefined
    const isAccepted = status === 'truncated' && this.#rootEnd?.type === 'end'
    if (isAccepted) run.report({ truncated: error as TruncatedError })
    if (status === 'complete' || isAccepted) return this.#finishReplica()
    run.report({ isAborted: status === 'aborted' })
    throw error ?? new RemoteError('wire', `${this.#options.address} reported status ${status} without an error.`)
  }

  #finishReplica(): MaybePromise {
    return this.#replica.finish(Date.now() - this.#replica.clockOffsetMs) as MaybePromise
  }
}
