import type { Delta } from '../../core/delta.ts'
import type { Stage } from '../../core/flow/link.ts'
import { fromStream, fromValue, type Source } from '../../core/flow/source.ts'
import type { Message } from '../../core/message.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import type { Usage } from '../../core/usage.ts'
import type { LanguageModelPromptOptions, LanguageModelSession, PromptMessage } from './api.ts'
import { promptError } from './errors.ts'
import { hasImages, toSessionPrompts } from './messages.ts'
import { type BrowserAICallOptions, type BrowserAIOptions, toCreateCoreOptions } from './request.ts'
import { createLanguageModelSession } from './session.ts'

/** One question to a session. */
export interface PreparedPrompt {
  readonly session: LanguageModelSession
  readonly input: readonly PromptMessage[]
  readonly options: LanguageModelPromptOptions
  /** Tokens that the session had before it; undefined where they are not known, or not to be counted. */
  readonly tokensBefore: number | undefined
}

/** A session for one call, which is destroyed with its run. */
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
  const session = base
    ? await withPromptErrors(() => base.clone({ signal }))
    : await createLanguageModelSession(core, { languageModel, download, onProgress, initialPrompts, signal })
  // Also where the run was stopped while it was being made: then at once.
  run.onEnd(() => session.destroy())
  signal.throwIfAborted()
  return {
    session,
    // A clone knows its own prompts alone.
    input: base ? [...initialPrompts, ...input] : input,
    options: { responseConstraint, omitResponseConstraintInput, signal },
    // What tools answered stands in the session too, as if it had been said.
    tokensBefore: core.tools ? undefined : contextTokens(session),
  }
}

/** The texts of an answer: one where it was asked for whole. */
export function promptSession({ session, input, options }: PreparedPrompt, streaming: boolean): Promise<Source<string>> {
  return withPromptErrors(async () =>
    streaming
      ? { ...fromStream(session.promptStreaming(input, options)), explain: (error) => promptError(error) }
      : fromValue(await session.prompt(input, options)),
  )
}

/** No browser asks for money. */
const zeroCost: Usage = { cost: 0 }

/** What the browser's model says is text; what it took is known when it has said all. */
export function textToDeltaStage(usage: (said: string) => Promise<Usage | undefined>): Stage<string, Delta> {
  let said = ''
  return {
    transform(text, controller) {
      // With the first text, not before it: until then a fallback may take over. An answer that is interrupted costs nothing either.
      if (said === '') controller.enqueue({ type: 'usage', usage: zeroCost })
      said += text
      controller.enqueue({ type: 'text', text })
    },
    async flush(controller) {
      const known = await usage(said)
      if (known) controller.enqueue({ type: 'usage', usage: known })
    },
  }
}

/** Tokens of the conversation, by its new name and its old one. */
const contextTokens = ({ contextUsage, inputUsage }: LanguageModelSession): number | undefined => contextUsage ?? inputUsage

/**
 * What an answer took, as the browser counts it: by how much the session has grown, as Chrome's does, or by measuring what was said,
 * without the control tokens that a text alone has. Undefined where the browser cannot count (P8).
 */
export async function measurePromptUsage(
  { session, input, options, tokensBefore }: PreparedPrompt,
  said: string,
): Promise<Usage | undefined> {
  const measure = (session.measureContextUsage ?? session.measureInputUsage)?.bind(session)
  if (!measure || tokensBefore === undefined) return
  try {
    const inputTokens = tokensBefore + (await measure(input, options))
    const grown = (contextTokens(session) ?? 0) - inputTokens
    const outputTokens = grown > 0 ? grown : Math.max(0, (await measure(said)) - (await measure('')))
    return { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens }
  } catch {
    return undefined
  }
}

/** Errors of the Prompt API as ours. */
async function withPromptErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw promptError(error)
  }
}
