import type { Delta } from '../../core/delta.ts'
import { ChaintapError } from '../../core/errors.ts'
import type { RunEvent, RunKind } from '../../core/event.ts'
import { Flow } from '../../core/flow/flow.ts'
import type { Stage } from '../../core/flow/link.ts'
import type { AssistantMessage, Message } from '../../core/message.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import type { OwnOptions } from '../../core/run/scope.ts'
import { Runnable } from '../../core/runnable/runnable.ts'
import { type ChatInput, toMessages } from '../../messages/coerce.ts'
import { messageFold } from '../../messages/fold.ts'
import { type ReadableLog, readRecords } from '../read-records.ts'
import type { StoredEvent } from '../record.ts'
import { isEndOf } from '../run-end.ts'
import { outputToDeltas } from './deltas.ts'
import { checkSpeed, paceEvents, readEvents } from './pace.ts'

/** Options of {@link replayModel}: which answers, and how they are given. */
export interface ReplayModelOptions extends OwnOptions {
  /** A run, or the root of a tree, whose models' answers are given. Default: those of the whole log. */
  readonly runId?: string
  /** How many times as fast as it happened; Infinity: at once. Default 1. */
  readonly speed?: number
  /** Default `ReplayModel`. */
  readonly name?: string
  /** Tells its tokens in `invoke` too. Default false, as in every model. */
  readonly streaming?: boolean
}

const MODEL_KINDS: readonly RunKind[] = ['chat_model', 'llm']

/** A chat model that answers from a log. Made by {@link replayModel}. */
export class ReplayModel extends Runnable<ChatInput, AssistantMessage, Delta> {
  readonly kind: RunKind = 'chat_model'
  readonly name: string
  readonly streaming: boolean
  readonly speed: number
  private readonly store: ReadableLog
  /** Gives the start of the next answer's run. Shared with the copies that `withConfig` makes. */
  private readonly nextStart: () => Promise<StoredEvent>

  constructor(store: ReadableLog, { runId, speed = 1, name = 'ReplayModel', streaming = false, ...own }: ReplayModelOptions = {}) {
    super(own)
    checkSpeed(speed)
    this.name = name
    this.streaming = streaming
    this.speed = speed
    this.store = store
    this.nextStart = createStartReader(store, runId)
  }

  /** The same model, whatever is bound: the log says what it answers. */
  bind(_options: Readonly<Record<string, unknown>>): this {
    return this
  }

  override prepare(input: ChatInput): readonly Message[] {
    return toMessages(input)
  }

  override async open(_messages: readonly Message[], run: RunHandle): Promise<Flow<Delta>> {
    // Asked for a whole answer, a model tells no tokens.
    run.report({ emitsTokens: this.streaming || run.streaming })
    const { at, cursor, event } = await this.nextStart()
    const { id } = event.run
    const events = readEvents(this.store, { runId: id, after: cursor }, (event) => isEndOf(event, id))
    return new Flow(paceEvents(events, { speed: this.speed, signal: run.signal, from: at })).through(eventsToDeltas(), messageFold)
  }
}

/**
 * A chat model that gives the answers of a log: what models said then, piece by piece and at the same pace, in the order in which they were
 * asked. What it is asked does not matter. Failures fail again, after what was said before them.
 *
 * Asked more often than the log has answers, it throws.
 *
 * @throws ChaintapError `not_in_log`, when called
 * @example
 * const model = replayModel(store, { runId, speed: Infinity })
 * const answer = await prompt.pipe(model).pipe(new StringOutputParser()).invoke({ animal: 'bears' })
 */
export function replayModel(store: ReadableLog, options?: ReplayModelOptions): ReplayModel {
  return new ReplayModel(store, options)
}

/** What gives the starts of models' runs, one after the other. */
function createStartReader(store: ReadableLog, runId: string | undefined): () => Promise<StoredEvent> {
  let count = 0
  let last: Promise<StoredEvent | undefined> = Promise.resolve(undefined)
  const after = async (start: StoredEvent | undefined): Promise<StoredEvent> => {
    const query = { kind: MODEL_KINDS, ...(runId !== undefined && { runId }), ...(start && { after: start.cursor }) }
    for await (const record of readRecords(store, query)) {
      if (!('event' in record) || record.event.type !== 'start') continue
      count++
      return record
    }
    const which = runId === undefined ? 'This log' : `The run ${runId} of this log`
    throw new ChaintapError('not_in_log', `${which} has ${count} answers of models, and another one was asked for.`)
  }
  return () => {
    const next = last.then(after)
    last = next
    return next
  }
}

/** The events of a model's run as what it says. A whole answer, which told nothing before its end, is said then. */
function eventsToDeltas(): Stage<readonly RunEvent[], Delta> {
  let isSilent = true
  return {
    transform(batch, controller) {
      for (const event of batch) {
        if (event.type === 'token') controller.enqueue({ type: 'text', text: event.token })
        if (event.type === 'delta') controller.enqueue(event.delta)
        if (event.type === 'end' && isSilent) for (const delta of outputToDeltas(event)) controller.enqueue(delta)
        if (event.type === 'error') throw event.error
        isSilent &&= event.type !== 'token' && event.type !== 'delta'
      }
    },
  }
}
