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

/** Options of {@link replayModel}: which answers are returned, and how. */
export interface ReplayModelOptions extends OwnOptions {
  /**
   * Only answers of this model run; for the id of a root, of all models in its tree.
   *
   * @defaultValue all answers in the log
   */
  readonly runId?: string
  /**
   * Factor of the original pace: 2 is twice as fast, `Infinity` does not wait.
   *
   * @defaultValue 1
   */
  readonly speed?: number
  /**
   * Name of the model's runs.
   *
   * @defaultValue `'ReplayModel'`
   */
  readonly name?: string
  /**
   * Emits token events in `invoke` too, as the option of every model does.
   *
   * @defaultValue false
   */
  readonly streaming?: boolean
}

const MODEL_KINDS: readonly RunKind[] = ['chat_model', 'llm']

/**
 * A chat model that returns the answers of a log, created by {@link replayModel}.
 *
 * @example
 * const runId = '0199aa31-5e1c-7000-8000-000000000001'
 * const recorded = replayModel(log, { runId })
 * const answer = await recorded.invoke('A joke about bears.')
 */
export class ReplayModel extends Runnable<ChatInput, AssistantMessage, Delta> {
  /** The kind of its runs. */
  readonly kind: RunKind = 'chat_model'
  /** The name of its runs. */
  readonly name: string
  /** Whether it emits token events in `invoke`. */
  readonly streaming: boolean
  /** Factor of the original pace. */
  readonly speed: number
  private readonly store: ReadableLog
  /** Returns the start event of the next model run. Shared with the copies that `withConfig` makes. */
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

  /** Returns the model itself: bound call options do not change logged answers. */
  bind(_options: Readonly<Record<string, unknown>>): this {
    return this
  }

  override prepare(input: ChatInput): readonly Message[] {
    return toMessages(input)
  }

  override async open(_messages: readonly Message[], run: RunHandle): Promise<Flow<Delta>> {
    // Like every model, it emits no tokens where a whole answer is requested.
    run.report({ emitsTokens: this.streaming || run.streaming })
    const { at, cursor, event } = await this.nextStart()
    const { id } = event.run
    const events = readEvents(this.store, { runId: id, after: cursor }, (event) => isEndOf(event, id))
    return new Flow(paceEvents(events, { speed: this.speed, signal: run.signal, from: at })).through(eventsToDeltas(), messageFold)
  }
}

/**
 * Creates a chat model that returns the model answers of a log, in the order in which the models were called, streamed at their original pace.
 *
 * The input is ignored. An answer that failed emits the tokens before the failure, then fails again.
 *
 * @throws ChaintapError `invalid_options` if `speed` is not positive
 * @throws ChaintapError `not_in_log`, when the model is called more often than the log has answers
 * @example
 * const runId = '0199aa31-5e1c-7000-8000-000000000001'
 * const recorded = replayModel(log, { runId, speed: Infinity })
 * const answer = await prompt.pipe(recorded).pipe(new StringOutputParser()).invoke({ animal: 'bears' })
 */
export function replayModel(store: ReadableLog, options?: ReplayModelOptions): ReplayModel {
  return new ReplayModel(store, options)
}

/** Returns a function that reads the start events of model runs one after the other. */
function createStartReader(store: ReadableLog, runId: string | undefined): () => Promise<StoredEvent> {
  let count = 0
  let last: Promise<StoredEvent | undefined> = Promise.resolve(undefined)
  const readNext = async (start: StoredEvent | undefined): Promise<StoredEvent> => {
    const query = { kind: MODEL_KINDS, ...(runId !== undefined && { runId }), ...(start && { after: start.cursor }) }
    for await (const record of readRecords(store, query)) {
      if (!('event' in record) || record.event.type !== 'start') continue
      count++
      return record
    }
    const where = runId === undefined ? 'the log' : `run ${runId} of the log`
    throw new ChaintapError('not_in_log', `replayModel: ${where} contains ${count} model answers; another one was requested.`)
  }
  return () => {
    const next = last.then(readNext)
    last = next
    return next
  }
}

/** Converts the events of a model run to Deltas. The output of a run without token and delta events is emitted at its end. */
function eventsToDeltas(): Stage<readonly RunEvent[], Delta> {
  let hasNoDeltas = true
  return {
    transform(batch, controller) {
      for (const event of batch) {
        if (event.type === 'token') controller.enqueue({ type: 'text', text: event.token })
        if (event.type === 'delta') controller.enqueue(event.delta)
        if (event.type === 'end' && hasNoDeltas) for (const delta of outputToDeltas(event)) controller.enqueue(delta)
        if (event.type === 'error') throw event.error
        hasNoDeltas &&= event.type !== 'token' && event.type !== 'delta'
      }
    },
  }
}
