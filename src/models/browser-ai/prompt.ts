import type { Delta } from '../../core/delta.ts'
import { invalidOptionsError } from '../../core/errors.ts'
import type { Stage } from '../../core/flow/link.ts'
import { fromStream, fromValue, type Source } from '../../core/flow/source.ts'
import type { Message } from '../../core/message.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import type { Usage } from '../../core/usage.ts'
import type { LanguageModelCreateCoreOptions, LanguageModelPromptOptions, LanguageModelSession, PromptMessage } from './api.ts'
import { promptError } from './errors.ts'
import { hasImages, toSessionPrompts } from './messages.ts'
import { type BrowserAICallOptions, type BrowserAIOptions, toCreateCoreOptions } from './request.ts'
import { createLanguageModelSession } from './session.ts'

/** One prompt of a session. */
export interface PreparedPrompt {
  readonly session: LanguageModelSession
  readonly input: readonly PromptMessage[]
  readonly options: LanguageModelPromptOptions
  /** Tokens of the session before the prompt; `undefined` if unknown, or if usage cannot be counted. */
  readonly tokensBefore: number | undefined
}

/** Creates the session of one call. It is destroyed when the run ends. */
export async function preparePrompt(
  options: BrowserAICallOptions,
  { session: base, languageModel, download = 'activated', onDownload }: BrowserAIOptions,
  messages: readonly Message[],
  run: RunHandle,
): Promise<PreparedPrompt> {
  const { signal } = run
  const { responseConstraint, omitResponseConstraintInput } = options
  const prompts = await toSessionPrompts(messages, signal)
  const { initialPrompts, input } = prompts
  const onProgress = (progress: number): void => {
    onDownload?.(progress)
    void run.emit({ type: 'custom', name: 'download', data: { progress } })
  }
  const core = toCreateCoreOptions(options, hasImages(prompts), run)
  if (base) refuseSessionOptions({ ...core, expectedInputs: options.expectedInputs })
  const session = base
    ? await withPromptErrors(() => base.clone({ signal }))
    : await createLanguageModelSession(core, { languageModel, download, onProgress, initialPrompts, signal })
  // If the run was stopped while the session was being created, this destroys it at once.
  run.onEnd(() => session.destroy())
  signal.throwIfAborted()
  return {
    session,
    // A clone holds only the prompts of its original.
    input: base ? [...initialPrompts, ...input] : input,
    options: { responseConstraint, omitResponseConstraintInput, signal },
    // The session counts tool results as output, so usage is unknown if there are tools.
    tokensBefore: core.tools ? undefined : contextTokens(session),
  }
}

/**
 * The API takes these options where a session is created, and not for a clone of it.
 *
 * @throws ChaintapError `invalid_options`.
 */
function refuseSessionOptions(options: LanguageModelCreateCoreOptions): void {
  const names = Object.entries(options).flatMap(([name, value]) => (value === undefined ? [] : name))
  if (names.length > 0)
    throw invalidOptionsError(
      `BrowserAI with a session cannot set ${names.join(', ')}. Pass them to LanguageModel.create(), which makes it.`,
    )
}

/** Prompts the session and returns the texts of its response: one text unless `streaming`. */
export function promptSession({ session, input, options }: PreparedPrompt, streaming: boolean): Promise<Source<string>> {
  return withPromptErrors(async () =>
    streaming
      ? { ...fromStream(session.promptStreaming(input, options)), explain: (error) => promptError(error) }
      : fromValue(await session.prompt(input, options)),
  )
}

/** The browser's model is free. */
const zeroCost: Usage = { cost: 0 }

/** Converts text to Deltas and adds the usage after the last text. */
export function textToDeltaStage(measureUsage: (output: string) => Promise<Usage | undefined>): Stage<string, Delta> {
  let output = ''
  return {
    transform(text, controller) {
      // Emitted with the first text, not before: until then a fallback may take over. An interrupted response has its cost then, too.
      if (output === '') controller.enqueue({ type: 'usage', usage: zeroCost })
      output += text
      controller.enqueue({ type: 'text', text })
    },
    async flush(controller) {
      const usage = await measureUsage(output)
      if (usage) controller.enqueue({ type: 'usage', usage })
    },
  }
}

/** Tokens of the conversation, by the new or the old name of the property. */
const contextTokens = ({ contextUsage, inputUsage }: LanguageModelSession): number | undefined => contextUsage ?? inputUsage

/**
 * Measures the usage of a response with the browser's own counts: the growth of the session, which Chrome reports, or otherwise the
 * measured output without the control tokens of an empty text. `undefined` if the browser cannot count (P8).
 */
export async function measurePromptUsage(
  { session, input, options, tokensBefore }: PreparedPrompt,
  output: string,
): Promise<Usage | undefined> {
  const measure = (session.measureContextUsage ?? session.measureInputUsage)?.bind(session)
  if (!measure || tokensBefore === undefined) return
  try {
    const inputTokens = tokensBefore + (await measure(input, options))
    const grown = (contextTokens(session) ?? 0) - inputTokens
    const outputTokens = grown > 0 ? grown : Math.max(0, (await measure(output)) - (await measure('')))
    return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens }
  } catch {
    return undefined
  }
}

/** Converts errors of the Prompt API to the library's errors. */
async function withPromptErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw promptError(error)
  }
}
