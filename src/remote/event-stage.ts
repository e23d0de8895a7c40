import type { EventSourceMessage } from 'eventsource-parser'
import type { TruncatedError } from '../core/errors.ts'
import type { RunEvent } from '../core/event.ts'
import type { Settled, Stage } from '../core/flow/link.ts'
import { shapes } from '../core/json/event-fields.ts'
import { decoder, parse } from '../core/json/index.ts'
import type { Outcome } from '../core/outcome.ts'
import { Relay } from '../core/run/replica.ts'
import type { OpenRun } from '../core/run/run.ts'
import { RemoteError } from './errors.ts'
import { answerFold } from './output-fold.ts'
import type { Line } from './resumable-source.ts'

/** How the remote root ended. */
type End = Extract<RunEvent, { readonly type: 'end' | 'error' }>

/** What is heard of a run elsewhere. */
export interface HearingOptions {
  /** Where it is, for messages. */
  readonly where: string
  /** Heard as it happens, not from a log. */
  readonly isLive: boolean
}

/** Tells what comes over a line as events below `run`, and gives the root's chunks. */
export class Hearing implements Stage<EventSourceMessage, unknown> {
  readonly fold: ReturnType<typeof answerFold> = answerFold()
  readonly #line: Line
  readonly #run: OpenRun
  readonly #options: HearingOptions
  readonly #decode: (json: string) => RunEvent = decoder()
  readonly #relay: Relay
  /** From its first event on: then its events tell what it used, else the outcome does. */
  readonly #isWhole: boolean
  readonly #openedAt = Date.now()
  #rootId = ''
  #end: End | undefined

  constructor(line: Line, run: OpenRun, options: HearingOptions) {
    this.#line = line
    this.#run = run
    this.#options = options
    this.#isWhole = line.seq < 0
    this.#relay = new Relay(run, this.#isWhole)
  }

  transform({ event: type, data }: EventSourceMessage, controller: TransformStreamDefaultController<unknown>): Settled {
    // The outcome is the last that is said.
    if (this.#line.isOver) return
    if (type === 'outcome') return this.#over(Object(parse(data)) as Outcome<unknown>)
    if (type === undefined)
      throw new RemoteError('wire', `${this.#options.where} sends events of another kind. Is the url that of serve()?`)
    // A newer server may have more to tell.
    if (!Object.hasOwn(shapes, type)) return
    const event = this.#decode(data)
    const line = this.#line
    // Repeated by a connection that was made anew.
    if (event.seq <= line.seq) return
    if (!this.#rootId) this.#begin(event)
    line.seq = event.seq
    if (event.type === 'chunk') return controller.enqueue(event.chunk)
    if (event.type === 'end' || event.type === 'error') this.#note(event)
    else if (this.#options.isLive && (event.type === 'token' || event.type === 'delta')) this.#run.tree.firstTokenAt ??= Date.now()
    return this.#relay.tell(event) as Settled
  }

  /** The answer may end behind the root's last event, without the outcome. */
  flush(): Settled {
    if (this.#line.isOver) return
    if (this.#end?.type === 'error') throw this.#end.error
    return this.#finish()
  }

  #begin({ run, at }: RunEvent): void {
    this.#rootId = this.#line.id || run.rootId
    // Clocks differ: what happens now cannot have begun before it was asked for, nor be yet to come.
    const earliest = this.#options.isLive ? this.#openedAt : at
    this.#relay.shift = Math.min(Math.max(at, earliest), Date.now()) - at
  }

  #note(event: End): void {
    if (event.run.id !== this.#rootId) return
    this.#end = event
    this.#line.isEnding = true
    this.fold.end(event.type === 'end' ? event.output : event.partial, this.#isWhole)
  }

  #over({ status, usage, firstTokenMs, ...rest }: Outcome<unknown>): Settled {
    const run = this.#run
    this.#line.isOver = true
    if (!this.#isWhole && usage) run.addUp(usage)
    if (!this.#options.isLive && firstTokenMs !== undefined) run.tree.firstTokenAt ??= this.#openedAt + firstTokenMs
    const error = this.#end?.type === 'error' ? this.#end.error : 'error' in rest ? rest.error : undefined
    const isAccepted = status === 'truncated' && this.#end?.type === 'end'
    if (isAccepted) run.markTruncated(error as TruncatedError)
    if (status === 'complete' || isAccepted) return this.#finish()
    run.stopped = status === 'aborted'
    throw error ?? new RemoteError('wire', `${this.#options.where} did not say how the run ended.`)
  }

  #finish(): Settled {
    return this.#relay.finish(Date.now() - this.#relay.shift) as Settled
  }
}
