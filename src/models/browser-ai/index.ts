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

export type { ChatGeneration, Generation, LLMResult } from '../model.ts'
export type { Availability, Expected, LanguageModelFactory, LanguageModelSession, PromptMessage, PromptTool } from './api.ts'
export type { BrowserAICallOptions, BrowserAIOptions, DownloadOptions } from './request.ts'
export type { Download } from './session.ts'

/**
 * The browser's own model, by the Prompt API (`LanguageModel` in Chrome and Edge): messages in, an assistant message out, Deltas while it
 * streams. Nothing leaves the device, and no key is needed. System messages and what was said before are the session's initial prompts,
 * the last message is asked; the session is destroyed however the run ends. Usage is what the browser counts; it costs nothing.
 *
 * Where there is no model a call fails at once, before it has said anything: give another one beside it.
 *
 * @throws ChaintapError `invalid_message`, `invalid_options` or `network` (a failed download), and ModelError in a run: `model_unavailable`;
 *   `model_download` where it waits for a download that it may not begin; `context_overflow`; `wire` for what the model itself failed with,
 *   the exception's name as `providerType`.
 *
 * @see https://webmachinelearning.github.io/prompt-api/
 *
 * @example
 * const remote = new RemoteRunnable<ChatInput, AssistantMessage, Delta>('/api/chat')
 * const model = fallback(new BrowserAI({ expectedOutputs: [{ type: 'text', languages: ['en'] }] }), remote)
 * for await (const delta of model.stream('Why is the sky blue?')) if (delta.type === 'text') write(delta.text)
 */
export class BrowserAI extends ChatModel<BrowserAICallOptions> {
  readonly name = 'BrowserAI'
  private readonly sessionOptions: BrowserAIOptions

  constructor(options: BrowserAIOptions = {}) {
    super(options, browserAICallKeys)
    this.sessionOptions = options
  }

  /**
   * Whether the browser's model can be used with these options, for a page that wants to show it: `available`; `downloading` or
   * `downloadable`, see {@link BrowserAI.download}; `unavailable`.
   */
  static availability({
    languageModel,
    ...options
  }: BrowserAICallOptions & Pick<BrowserAIOptions, 'languageModel'> = {}): Promise<Availability> {
    return checkAvailability(toCreateCoreOptions(options, false), languageModel)
  }

  /**
   * Has the browser download its model, some gigabytes, and waits for it. To be called when the visitor clicks.
   *
   * @throws ModelError, ChaintapError as a run; the signal's reason.
   *
   * @example
   * button.onclick = () => BrowserAI.download({ onDownload: (progress) => (bar.value = progress) })
   */
  static async download({ onDownload = () => {}, languageModel, signal, ...options }: DownloadOptions = {}): Promise<void> {
    const making = { languageModel, download: 'always', onProgress: onDownload, ...(signal && { signal }) } as const
    const session = await createLanguageModelSession(toCreateCoreOptions(options, false), making)
    session.destroy()
  }

  open(messages: readonly Message[], run: RunHandle): Flow<Delta> {
    const streaming = run.streaming || this.sessionOptions.streaming === true
    run.report({ emitsTokens: streaming })
    let asked: PreparedPrompt | undefined
    const answer = lazySource(async () => {
      asked = await preparePrompt(this.options, this.sessionOptions, messages, run)
      return promptSession(asked, streaming)
    })
    const flow = new Flow<string>(answer, messageFold)
    const stops = this.options.stop?.filter(Boolean) ?? []
    if (stops.length > 0) flow.through(stopSequenceStage(stops))
    return flow.through(textToDeltaStage(async (said) => asked && measurePromptUsage(asked, said)))
  }
}
