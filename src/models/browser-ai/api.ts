// The part of the Prompt API that BrowserAI uses: https://webmachinelearning.github.io/prompt-api/ (June 2026). TypeScript's library lacks
// it. Renamed members have both names: browsers before 2026 know only the old ones, extensions know both.

/** Whether the browser's model can be used: at once, after the current download, after a download that must be started, or not at all. */
export type Availability = 'available' | 'downloading' | 'downloadable' | 'unavailable'

/** A kind of input or output, with its languages. */
export interface Expected {
  /** The kind of content. */
  readonly type: 'text' | 'image' | 'audio' | 'tool-call' | 'tool-response'
  /** Language tags by BCP 47, e.g. `['en', 'ja']`. */
  readonly languages?: readonly string[]
}

/** A message in the Prompt API's format. */
export interface PromptMessage {
  /** The author of the message. */
  readonly role: 'system' | 'user' | 'assistant'
  /** A text, or texts and images. */
  readonly content: string | readonly PromptPart[]
  /** Whether the model continues this message instead of answering it. */
  readonly prefix?: boolean
}

/** A part of a {@link PromptMessage}. */
export interface PromptPart {
  /** The kind of content. */
  readonly type: 'text' | 'image'
  /** A string, or the Blob of an image. */
  readonly value: unknown
}

/** A tool that the browser calls. */
export interface PromptTool {
  /** The tool's name. */
  readonly name: string
  /** Tells the model what the tool does. */
  readonly description: string
  /** JSON Schema of the arguments. */
  readonly inputSchema: object
  /** Runs the tool and resolves with its result. */
  readonly execute: (...args: never[]) => Promise<string>
}

/** Options of `availability` and `create`. */
export interface LanguageModelCreateCoreOptions {
  /** How varied the outputs are. */
  readonly samplingMode?: string | undefined
  /** Sampling temperature; in extensions only. */
  readonly temperature?: number | undefined
  /** Samples only from this many most likely tokens; in extensions only. */
  readonly topK?: number | undefined
  /** Kinds and languages of the input. */
  readonly expectedInputs?: readonly Expected[] | undefined
  /** Kinds and languages of the output. */
  readonly expectedOutputs?: readonly Expected[] | undefined
  /** Tools that the browser may call. */
  readonly tools?: readonly PromptTool[] | undefined
}

/** Options of `create`. */
export interface LanguageModelCreateOptions extends LanguageModelCreateCoreOptions {
  /** Messages that precede all prompts. */
  readonly initialPrompts?: readonly PromptMessage[]
  /** Aborts the creation. */
  readonly signal?: AbortSignal
  /** Receives the target of `downloadprogress` events. */
  readonly monitor?: (monitor: EventTarget) => void
}

/** Options of `prompt`, `promptStreaming` and the measuring methods. */
export interface LanguageModelPromptOptions {
  /** What the response must match: JSON Schema, or a RegExp. */
  readonly responseConstraint?: object | undefined
  /** Whether the constraint is left out of the model's input. */
  readonly omitResponseConstraintInput?: boolean | undefined
  /** Aborts the prompt. */
  readonly signal?: AbortSignal
}

/** A session of the browser's model, returned by `LanguageModel.create()`. */
export interface LanguageModelSession {
  /** Resolves with the whole response. */
  prompt(input: readonly PromptMessage[], options?: LanguageModelPromptOptions): Promise<string>
  /** Streams the response. */
  promptStreaming(input: readonly PromptMessage[], options?: LanguageModelPromptOptions): ReadableStream<string>
  /** Creates a session with the same conversation. */
  clone(options?: { readonly signal?: AbortSignal }): Promise<LanguageModelSession>
  /** Ends the session and frees its memory. */
  destroy(): void
  /** Counts the tokens that an input would add, control tokens included. */
  measureContextUsage?(input: string | readonly PromptMessage[], options?: LanguageModelPromptOptions): Promise<number>
  /** The old name of `measureContextUsage`. */
  measureInputUsage?: LanguageModelSession['measureContextUsage']
  /** Tokens of the conversation so far. */
  readonly contextUsage?: number
  /** The old name of `contextTokens`. */
  readonly inputUsage?: number
}

/** The interface of `globalThis.LanguageModel`. */
export interface LanguageModelFactory {
  /** Resolves with whether a model for these options can be used. */
  availability(options?: LanguageModelCreateCoreOptions): Promise<Availability>
  /** Creates a session. Downloads the model first, if necessary. */
  create(options?: LanguageModelCreateOptions): Promise<LanguageModelSession>
}

/** The page's `LanguageModel`; `undefined` in a browser without it, in a Worker, and on a page without https. */
export const pageLanguageModel = (): LanguageModelFactory | undefined =>
  (globalThis as { readonly LanguageModel?: LanguageModelFactory }).LanguageModel

/** Whether the visitor has clicked or typed within the last seconds (HTML's transient activation). */
export const hasUserActivation = (): boolean =>
  (globalThis as { readonly navigator?: { readonly userActivation?: { readonly isActive: boolean } } }).navigator?.userActivation
    ?.isActive ?? false
