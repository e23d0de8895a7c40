// The Prompt API, as much of it as is used: https://webmachinelearning.github.io/prompt-api/ (June 2026). TypeScript's library does not
// have it. What has been renamed has both names: browsers before 2026 know the old ones alone, and extensions both.

/** Whether the browser's model can be used: at once, after a download that is going on, after one that has to be begun, or not at all. */
export type Availability = 'available' | 'downloading' | 'downloadable' | 'unavailable'

/** What goes into a conversation, or comes out. */
export interface Expected {
  readonly type: 'text' | 'image' | 'audio' | 'tool-call' | 'tool-response'
  /** BCP 47, e.g. `['en', 'ja']`. */
  readonly languages?: readonly string[]
}

/** A turn as the Prompt API takes it. */
export interface PromptMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string | readonly PromptPart[]
  /** The answer begins with it. */
  readonly prefix?: boolean
}

export interface PromptPart {
  readonly type: 'text' | 'image'
  /** A text, or a Blob. */
  readonly value: unknown
}

/** A tool as the browser calls it. */
export interface PromptTool {
  readonly name: string
  readonly description: string
  readonly inputSchema: object
  readonly execute: (...args: never[]) => Promise<string>
}

/** What `availability` is asked with, and `create`. */
export interface LanguageModelCreateCoreOptions {
  readonly samplingMode?: string | undefined
  readonly temperature?: number | undefined
  readonly topK?: number | undefined
  readonly expectedInputs?: readonly Expected[] | undefined
  readonly expectedOutputs?: readonly Expected[] | undefined
  readonly tools?: readonly PromptTool[] | undefined
}

export interface LanguageModelCreateOptions extends LanguageModelCreateCoreOptions {
  readonly initialPrompts?: readonly PromptMessage[]
  readonly signal?: AbortSignal
  readonly monitor?: (monitor: EventTarget) => void
}

export interface LanguageModelPromptOptions {
  readonly responseConstraint?: object | undefined
  readonly omitResponseConstraintInput?: boolean | undefined
  readonly signal?: AbortSignal
}

/** A session of the browser's model, as `LanguageModel.create()` gives it. */
export interface LanguageModelSession {
  prompt(input: readonly PromptMessage[], options?: LanguageModelPromptOptions): Promise<string>
  promptStreaming(input: readonly PromptMessage[], options?: LanguageModelPromptOptions): ReadableStream<string>
  clone(options?: { readonly signal?: AbortSignal }): Promise<LanguageModelSession>
  destroy(): void
  /** In tokens, control tokens included. */
  measureContextUsage?(input: string | readonly PromptMessage[], options?: LanguageModelPromptOptions): Promise<number>
  /** Its old name. */
  measureInputUsage?: LanguageModelSession['measureContextUsage']
  /** Tokens of the conversation so far. */
  readonly contextUsage?: number
  /** Its old name. */
  readonly inputUsage?: number
}

/** What `globalThis.LanguageModel` is. */
export interface LanguageModelFactory {
  availability(options?: LanguageModelCreateCoreOptions): Promise<Availability>
  create(options?: LanguageModelCreateOptions): Promise<LanguageModelSession>
}

/** The page's own; undefined in a browser without it, in a Worker, and on a page without https. */
export const pageLanguageModel = (): LanguageModelFactory | undefined =>
  (globalThis as { readonly LanguageModel?: LanguageModelFactory }).LanguageModel

/** Whether the visitor has clicked or typed in the last seconds (HTML's transient activation). */
export const hasUserActivation = (): boolean =>
  (globalThis as { readonly navigator?: { readonly userActivation?: { readonly isActive: boolean } } }).navigator?.userActivation
    ?.isActive ?? false
