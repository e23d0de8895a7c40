import { ChaintapError } from '../../core/errors.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import type { OwnOptions } from '../../core/run/scope.ts'
import { failIfUnrecoverable } from '../../core/run/unrecoverable.ts'
import type { Runnable } from '../../core/runnable/runnable.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { isToolSpec, type ToolSpec } from '../../schema/tool-spec.ts'
import type { ModelOptions } from '../model.ts'
import type { Expected, LanguageModelCreateCoreOptions, LanguageModelFactory, LanguageModelSession, PromptTool } from './api.ts'
import type { Download } from './session.ts'

/** Options of one call, also accepted by `bind`. For an absent option the browser's own default applies. */
export interface BrowserAICallOptions {
  /**
   * How varied the outputs are: `most-predictable`, `predictable`, `balanced`, `creative` or `most-creative`.
   *
   * @defaultValue 'balanced'
   */
  readonly samplingMode?: string
  /** Sampling temperature. Since 2026 used in extensions only, and only together with `topK`. */
  readonly temperature?: number
  /** Samples only from this many most likely tokens. Since 2026 used in extensions only, and only together with `temperature`. */
  readonly topK?: number
  /** Stop sequences: the output ends before the first of them. The Prompt API has no such option: BrowserAI itself ends the response. */
  readonly stop?: readonly string[]
  /** What the output must match: JSON Schema, or a RegExp. The browser adds it to the model's input. */
  readonly responseConstraint?: object
  /** Leaves `responseConstraint` out of the model's input, which saves tokens. The prompt should describe the format instead. */
  readonly omitResponseConstraintInput?: boolean
  /** Kinds and languages of the input: `[{ type: 'text', languages: ['en', 'ja'] }]`. Images are added if the input has some. */
  readonly expectedInputs?: readonly Expected[]
  /** Languages of the output: `[{ type: 'text', languages: ['en'] }]`. Chrome warns if they are absent. */
  readonly expectedOutputs?: readonly Expected[]
  /** Tools made by `tool()`, or in the Prompt API's format. The browser runs them itself; a browser without tool support ignores them. */
  readonly tools?: readonly (ToolSpec | PromptTool)[]
  /** `none` omits the tools. */
  readonly toolChoice?: string
}

/** Options of {@link BrowserAI}. */
export interface BrowserAIOptions extends BrowserAICallOptions, OwnOptions, Pick<ModelOptions, 'streaming' | 'verbose'> {
  /**
   * Whether a call may start the model's download, or wait for it: `activated` permits it if the visitor has just clicked or typed, which
   * browsers require; `always`; `never`. Without permission the call fails at once, so that a fallback can answer.
   *
   * @defaultValue 'activated'
   */
  readonly download?: Download
  /**
   * Called with the progress of a download, from 0 to 1. Not called if the model is available. The run emits a custom event too:
   * `{ name: 'download', data: { progress } }`.
   */
  readonly onDownload?: (progress: number) => void
  /**
   * A session that each call clones, which saves loading the model and reading the session's own prompts. You destroy it yourself. Tools,
   * `samplingMode`, `temperature`, `topK`, `expectedInputs` and `expectedOutputs` are those of the session: a call with others fails
   * (`invalid_options`).
   */
  readonly session?: LanguageModelSession
  /**
   * Replaces the page's `LanguageModel`, e.g. by a polyfill or in a test.
   *
   * @defaultValue `globalThis.LanguageModel`
   */
  readonly languageModel?: LanguageModelFactory
}

/** Options of {@link BrowserAI.download}. */
export interface DownloadOptions extends BrowserAICallOptions, Pick<BrowserAIOptions, 'onDownload' | 'languageModel'> {
  /** Stops waiting for the download. */
  readonly signal?: AbortSignal
}

/** The keys of {@link BrowserAICallOptions}. */
export const browserAICallKeys: readonly (keyof BrowserAICallOptions)[] = [
  'samplingMode',
  'temperature',
  'topK',
  'stop',
  'responseConstraint',
  'omitResponseConstraintInput',
  'expectedInputs',
  'expectedOutputs',
  'tools',
  'toolChoice',
]

/** Builds the options of `availability` and `create`, which ignore undefined fields (Web IDL). Tools run as children of `run`. */
export function toCreateCoreOptions(options: BrowserAICallOptions, hasImages: boolean, run?: RunHandle): LanguageModelCreateCoreOptions {
  const { samplingMode, temperature, topK, expectedInputs = [], expectedOutputs, tools, toolChoice } = options
  const expectsImages = expectedInputs.some(({ type }) => type === 'image')
  const inputs = hasImages && !expectsImages ? [...expectedInputs, { type: 'image' } as const] : expectedInputs
  return {
    samplingMode,
    temperature,
    topK,
    expectedInputs: inputs.length > 0 ? inputs : undefined,
    expectedOutputs,
    tools: toolChoice === 'none' || tools?.length === 0 ? undefined : tools?.map((tool) => toPromptTool(tool, run)),
  }
}

/**
 * Converts a tool to one that the browser calls, as a child of the run. Its error message is returned to the model, unless the error ends
 * the run.
 *
 * @throws ChaintapError `invalid_options` for a tool without `invoke`.
 */
function toPromptTool(tool: ToolSpec | PromptTool, run: RunHandle | undefined): PromptTool {
  if (!isToolSpec(tool)) return tool
  if (!('invoke' in tool)) throw toolNotRunnableError(tool.name)
  return {
    name: tool.name,
    description: tool.description,
    inputSchema: tool.jsonSchema,
    async execute(args: unknown) {
      try {
        const output = await (tool as unknown as Runnable<unknown, unknown>).invoke(args, run)
        return typeof output === 'string' ? output : (JSON.stringify(output) ?? '')
      } catch (error) {
        // Not thrown: the browser would replace the error by another one.
        if (run) failIfUnrecoverable(error, run)
        return errorMessage(error)
      }
    },
  }
}

const toolNotRunnableError = (name: string): ChaintapError =>
  new ChaintapError('invalid_options', `The browser runs tools itself, but ${name} has no function to run. Create it with tool().`)
