import type { Delta } from '../../core/delta.ts'
import { Flow } from '../../core/flow/flow.ts'
import { lazySource } from '../../core/flow/lazy-source.ts'
import type { Message } from '../../core/message.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import { messageFold } from '../../messages/fold.ts'
import { ChatModel } from '../chat-model.ts'
import type { Availability } from './api.ts'
import { measurePromptUsage, type PreparedPrompt, preparePrompt, promptSession, textToDeltaStage } from './prompt.ts'
import {
  type BrowserAICallOptions,
  type BrowserAIOptions,
  browserAICallKeys,
  type DownloadOptions,
  toCreateCoreOptions,
} from './request.ts'
import { checkAvailability, createLanguageModelSession } from './session.ts'
import { stopSequenceStage } from './stop-sequences.ts'

export type { ChatModel } from '../chat-model.ts'
export type { ChatGeneration, Generation, LLMResult } from '../model.ts'
export type {
  Availability,
  Expected,
  LanguageModelCreateCoreOptions,
  LanguageModelCreateOptions,
  LanguageModelFactory,
  LanguageModelPromptOptions,
  LanguageModelSession,
  PromptMessage,
  PromptPart,
  PromptTool,
} from './api.ts'
export type { BrowserAICallOptions, BrowserAIOptions, DownloadOptions } from './request.ts'
export type { Download } from './session.ts'

/**
 * The browser's own model, by the Prompt API (`LanguageModel` in Chrome and Edge): takes messages, returns an assistant message and streams
 * Deltas. No data leaves the device, and no API key is needed. System messages and all messages but the last become the session's initial
 * prompts; the last message is the prompt. The session is destroyed when the run ends. Usage is what the browser counts; the cost is 0.
 *
 * If there is no model, a call fails before its first token, so that a `fallback` can answer.
 *
 * @throws Runs fail with ChaintapError `invalid_message`, `invalid_options` or `network` (a failed download), or with ModelError:
 *   `model_unavailable`; `model_download` if a download is needed that the call may not start; `context_overflow`; `wire` for errors of the
 *   model itself, with the exception's name as `providerType`.
 *
 * @see https://webmachinelearning.github.io/prompt-api/
 *
 * @example
 * const remote = new RemoteRunnable<ChatInput, AssistantMessage, Delta>('/api/chat')
 * const model = fallback(new BrowserAI({ expectedOutputs: [{ type: 'text', languages: ['en'] }] }), remote)
 * for await (const delta of model.stream('Why is the sky blue?')) if (delta.type === 'text') show(delta.text)
 */
export class BrowserAI extends ChatModel<BrowserAICallOptions> {
  /** Its name in events and errors. */
  readonly name = 'BrowserAI'
  private readonly sessionOptions: BrowserAIOptions

  constructor(options: BrowserAIOptions = {}) {
    super(options, browserAICallKeys)
    this.sessionOptions = options
  }

  /**
   * Resolves with whether the browser's model can be used with these options: `available`, `unavailable`, or `downloading` or
   * `downloadable`, see {@link BrowserAI.download}.
   *
   * @example
   * if ((await BrowserAI.availability()) === 'available') show('The model runs on this device.')
   */
  static availability({
    languageModel,
    ...options
  }: BrowserAICallOptions & Pick<BrowserAIOptions, 'languageModel'> = {}): Promise<Availability> {
    return checkAvailability(toCreateCoreOptions(options, false), languageModel)
  }

  /**
   * Starts the download of the browser's model, some gigabytes, and resolves when it is complete. Call it when the visitor clicks, because
   * browsers require that.
   *
   * @throws The errors of a run, or the signal's reason.
   *
   * @example
   * await BrowserAI.download({ onDownload: (progress) => show(`${Math.round(progress * 100)} %`) })
   */
  static async download({ onDownload = () => {}, languageModel, signal, ...options }: DownloadOptions = {}): Promise<void> {
    const init = { languageModel, download: 'always', onProgress: onDownload, ...(signal && { signal }) } as const
    const session = await createLanguageModelSession(toCreateCoreOptions(options, false), init)
    session.destroy()
  }

  /** Prompts a new session. Called by the run. */
  open(messages: readonly Message[], run: RunHandle): Flow<Delta> {
    const streaming = run.streaming || this.sessionOptions.streaming === true
    run.report({ emitsTokens: streaming })
    let prepared: PreparedPrompt | undefined
    const answer = lazySource(async () => {
      prepared = await preparePrompt(this.options, this.sessionOptions, messages, run)
      return promptSession(prepared, streaming)
    })
    const flow = new Flow<string>(answer, messageFold)
    const stops = this.options.stop?.filter(Boolean) ?? []
    if (stops.length > 0) flow.through(stopSequenceStage(stops))
    return flow.through(textToDeltaStage(async (output) => prepared && measurePromptUsage(prepared, output)))
  }
}
