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

/** What is heard of a run elsewhere. */
export interface RemoteEventStageOptions {
  /** Where it is, for messages. */
  readonly address: string
  /** Heard as it happens, not from a log. */
  readonly isLive: boolean
}

/** Tells what comes over a line as events below `run`, and gives the root's chunks. */
export class RemoteEventStage implements Stage<EventSourceMessage, unknown> {
  readonly fold: ReturnType<typeof remoteOutputFold> = remoteOutputFold()
  readonly #source: ResumableEventSource
  readonly #run: RunHandle
  readonly #options: RemoteEventStageOptions
  readonly #decode: (json: string) => RunEvent = decoder()
  readonly #replica: RunTreeReplica
  /** From its first event on: then its events tell what it used, else the outcome does. */
  readonly #isFromStart: boolean
  readonly #openedAt = Date.now()
  #rootId = ''
  #hasToken = false
  #rootEnd: EndEvent | undefined

  constructor(line: ResumableEventSource, run: RunHandle, options: RemoteEventStageOptions) {
    this.#source = line
    this.#run = run
    this.#options = options
    this.#isFromStart = line.seq < 0
    this.#replica = new RunTreeReplica(run, this.#isFromStart)
  }

  transform({ event: type, data }: EventSourceMessage, controller: TransformStreamDefaultController<unknown>): MaybePromise {
    // The outcome is the last that is said.
    if (this.#source.isOver) return
    if (type === 'outcome') return this.#onOutcome(Object(parse(data)) as Outcome<unknown>)
    if (type === undefined)
      throw new RemoteError('wire', `${this.#options.address} sends events of another kind. Is the url that of serve()?`)
    // A newer server may have more to tell.
    if (!Object.hasOwn(eventFields, type)) return
    const event = this.#decode(data)
    const line = this.#source
    // Repeated by a connection that was made anew.
    if (event.seq <= line.seq) return
    if (!this.#rootId) this.#onFirstEvent(event)
    line.seq = event.seq
    if (event.type === 'chunk') return controller.enqueue(event.chunk)
    if (event.type === 'end' || event.type === 'error') this.#onRootEnd(event)
    else if (this.#options.isLive && (event.type === 'token' || event.type === 'delta')) this.#onToken()
    return this.#replica.apply(event) as MaybePromise
  }

  /** The answer may end behind the root's last event, without the outcome. */
  flush(): MaybePromise {
    if (this.#source.isOver) return
    if (this.#rootEnd?.type === 'error') throw this.#rootEnd.error
    return this.#finishReplica()
  }

  #onFirstEvent({ run, at }: RunEvent): void {
    this.#rootId = this.#source.id || run.rootId
    // Clocks differ: what happens now cannot have begun before it was asked for, nor be yet to come.
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
    throw error ?? new RemoteError('wire', `${this.#options.address} did not say how the run ended.`)
  }

  #finishReplica(): MaybePromise {
    return this.#replica.finish(Date.now() - this.#replica.clockOffsetMs) as MaybePromise
  }
}
