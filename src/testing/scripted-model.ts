import type { Delta } from '../core/delta.ts'
import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Source } from '../core/flow/source.ts'
import type { Handler } from '../core/handler/handler.ts'
import type { AssistantMessage, Message } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { sleep } from '../core/util/backoff.ts'
import { type ChatInput, toMessages } from '../messages/coerce.ts'
import { messageFold } from '../messages/fold.ts'
import { answerDeltas, type ModelScript, type ScriptedAnswer, selectScriptedAnswer } from './model-script.ts'

/** Options of {@link scriptedModel}. */
export interface ScriptedModelOptions {
  /**
   * Its name in events.
   *
   * @defaultValue 'ScriptedModel'
   */
  readonly name?: string
  /** Handlers of the model's own runs. */
  readonly callbacks?: readonly Handler[]
  /** Tags of the model's own runs. */
  readonly tags?: readonly string[]
  /** Metadata of the model's own runs. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /**
   * Whether `invoke` emits tokens too.
   *
   * @defaultValue false, as in every model
   */
  readonly streaming?: boolean
  /**
   * The delay before each token, in ms.
   *
   * @defaultValue 0
   */
  readonly delayMs?: number
}

/** The calls of a scripted model and its copies. */
export interface ScriptedRecord {
  /** The messages of each call. */
  readonly inputs: readonly (readonly Message[])[]
  /** The bound options of each call. */
  readonly options: readonly Readonly<Record<string, unknown>>[]
  /** How many times responses were read, over all calls. */
  readonly pulls: number
  /** The reasons of the cancelled responses. */
  readonly cancels: readonly unknown[]
  /** The number of responses that have begun and not ended, failed or been cancelled. */
  readonly open: number
}

/**
 * A chat model that responds from a script. Made by {@link scriptedModel}.
 *
 * @example
 * const fake: ScriptedModel = scriptedModel(['Hello'])
 * await fake.bind({ temperature: 0 }).invoke('Hi')
 * fake.record.options // [{ temperature: 0 }]
 */
export class ScriptedModel extends Runnable<ChatInput, AssistantMessage, Delta> {
  /** Its kind in events. */
  readonly kind: RunKind = 'chat_model'
  /** Its name in events. */
  readonly name: string
  /** Whether `invoke` emits tokens too. */
  readonly streaming: boolean
  /** The delay before each token, in ms. */
  readonly delayMs: number
  /** The options passed to {@link ScriptedModel.bind}. */
  readonly options: Readonly<Record<string, unknown>> = {}
  /** The calls so far, including those of copies made by `withConfig` and `bind`. */
  readonly record: ScriptedRecord
  private readonly script: ModelScript

  constructor(script: ModelScript, { name = 'ScriptedModel', streaming = false, delayMs = 0, ...own }: ScriptedModelOptions = {}) {
    super(own)
    this.name = name
    this.streaming = streaming
    this.delayMs = delayMs
    this.record = { inputs: [], options: [], pulls: 0, cancels: [], open: 0 }
    this.script = script
  }

  /** Returns a copy with call options, as models do. The options are recorded and have no other effect. */
  bind(options: Readonly<Record<string, unknown>>): this {
    return Object.assign(this.withConfig({}), { options: { ...this.options, ...options } })
  }

  /** Converts the input to messages. */
  override prepare(input: ChatInput): readonly Message[] {
    return toMessages(input)
  }

  /** Begins one response. Called by the run. */
  override async open(messages: readonly Message[], run: RunHandle): Promise<Flow<Delta>> {
    // Like any model, it emits no tokens unless the response is streamed.
    run.report({ emitsTokens: this.streaming || run.streaming })
    const record = this.record as MutableScriptedRecord
    const index = record.inputs.push(messages) - 1
    record.options.push(this.options)
    const answer = await selectScriptedAnswer(this.script, messages, index)
    if (answer instanceof Error) throw answer
    return new Flow<Delta>(scriptedSource(answer, this.delayMs, run, record), messageFold)
  }
}

/**
 * A chat model for tests, without a wire format: it returns the responses of its script, one piece per read (LangChain's
 * FakeListChatModel).
 *
 * @throws ChaintapError `invalid_options`, when called, if the script is empty.
 *
 * @example
 * const fake = scriptedModel([['Hel', 'lo'], new Error('no more'), { tokens: ['17', ' sheep'], usage: { outputTokens: 2 } }])
 * await prompt.pipe(fake).pipe(new StringOutputParser()).invoke({ animal: 'bears' }) // 'Hello'
 */
export function scriptedModel(script: ModelScript, options?: ScriptedModelOptions): ScriptedModel {
  return new ScriptedModel(script, options)
}

interface MutableScriptedRecord extends ScriptedRecord {
  inputs: (readonly Message[])[]
  options: Readonly<Record<string, unknown>>[]
  pulls: number
  cancels: unknown[]
  open: number
}

function scriptedSource(
  answer: Exclude<ScriptedAnswer, Error>,
  delayMs: number,
  run: RunHandle,
  record: MutableScriptedRecord,
): Source<Delta> {
  const pieces = answerDeltas(answer)
  let isOpen = true
  const close = (): void => {
    if (isOpen) record.open--
    isOpen = false
  }
  record.open++
  return {
    async next() {
      record.pulls++
      if (delayMs > 0) await sleep(delayMs, run.signal)
      try {
        const piece = pieces.next()
        if (piece.done) close()
        return piece.done ? { done: true } : { done: false, value: piece.value }
      } catch (error) {
        close()
        throw error
      }
    },
    cancel(reason) {
      if (isOpen) record.cancels.push(reason)
      close()
    },
  }
}
