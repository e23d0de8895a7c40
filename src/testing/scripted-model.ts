import type { Delta } from '../core/delta.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Source } from '../core/flow/source.ts'
import type { Handler } from '../core/handler/handler.ts'
import type { AssistantMessage, Message } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import type { Usage } from '../core/usage.ts'
import { sleep } from '../core/util/backoff.ts'
import { type ChatInput, toMessages } from '../messages/coerce.ts'
import { messageFold } from '../messages/fold.ts'

/**
 * One answer of the script: text in one token or in several, anything that a model can say as Deltas, or a failure. An Error alone is
 * a refusal; `error` comes after the tokens. Nothing is added: what reports no usage has none, and no reason to stop.
 */
export type ScriptedAnswer =
  | string
  | Error
  | readonly (string | Delta)[]
  | { readonly tokens: readonly (string | Delta)[]; readonly usage?: Usage; readonly error?: Error }

/** An answer for each call, of which the last one repeats, or a function of the messages. */
export type ModelScript =
  | readonly ScriptedAnswer[]
  | ((messages: readonly Message[], index: number) => ScriptedAnswer | Promise<ScriptedAnswer>)

/** How a scripted model is named, heard and paced. */
export interface ScriptedModelOptions {
  /** Default `ScriptedModel`. */
  readonly name?: string
  readonly callbacks?: readonly Handler[]
  readonly tags?: readonly string[]
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Tells its tokens in `invoke` too. Default false, as in every model. */
  readonly streaming?: boolean
  /** Before each token, in ms. Default 0. */
  readonly delayMs?: number
}

/** What was done with a scripted model and its copies. */
export interface ScriptedRecord {
  /** The messages of each call. */
  readonly inputs: readonly (readonly Message[])[]
  /** What was bound for each call. */
  readonly options: readonly Readonly<Record<string, unknown>>[]
  /** How often an answer was asked for its next piece, over all calls. */
  readonly pulls: number
  /** The reasons of the answers that were cancelled. */
  readonly cancels: readonly unknown[]
  /** Answers that have begun and neither ended, failed nor been cancelled. */
  readonly open: number
}

/** A chat model that answers from a script. Made by {@link scriptedModel}. */
export class ScriptedModel extends Runnable<ChatInput, AssistantMessage, Delta> {
  readonly kind: RunKind = 'chat_model'
  readonly name: string
  readonly streaming: boolean
  readonly delayMs: number
  /** What {@link ScriptedModel.bind} was given. */
  readonly options: Readonly<Record<string, unknown>> = {}
  /** Shared with the copies that `withConfig` and `bind` make. */
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

  /** A copy with options for its calls, as models have it. They change nothing of what the script says, and are recorded. */
  bind(options: Readonly<Record<string, unknown>>): this {
    return Object.assign(this.withConfig({}), { options: { ...this.options, ...options } })
  }

  override prepare(input: ChatInput): readonly Message[] {
    return toMessages(input)
  }

  override async open(messages: readonly Message[], run: RunHandle): Promise<Flow<Delta>> {
    // Asked for a whole answer, a model tells no tokens.
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
 * A chat model for tests, without a wire: it says what its script says, a piece per pull (LangChain's FakeListChatModel).
 *
 * @throws {ChaintapError} `invalid_options`, when called, where the script has no answer.
 *
 * @example
 * const model = scriptedModel([['Hel', 'lo'], new Error('no more'), { tokens: ['17', ' sheep'], usage: { outputTokens: 2 } }])
 * const chain = prompt.pipe(model).pipe(new StringOutputParser())
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

function selectScriptedAnswer(script: ModelScript, messages: readonly Message[], index: number): ScriptedAnswer | Promise<ScriptedAnswer> {
  if (typeof script === 'function') return script(messages, index)
  const answer = script[Math.min(index, script.length - 1)]
  if (answer === undefined)
    throw new ChaintapError('invalid_options', "A scripted model was given no answers. Give at least one: scriptedModel(['Hello']).")
  return answer
}

/** What an answer says, one piece at a time, and how it ends. */
function* answerDeltas(answer: Exclude<ScriptedAnswer, Error>): Generator<Delta, void> {
  const { tokens, usage, error } = typeof answer === 'string' ? { tokens: [answer] } : 'tokens' in answer ? answer : { tokens: answer }
  for (const token of tokens) yield typeof token === 'string' ? { type: 'text', text: token } : token
  if (usage) yield { type: 'usage', usage }
  if (error) throw error
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
