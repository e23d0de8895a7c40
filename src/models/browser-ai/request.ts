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

/** What one call may be asked with; `bind` takes them too. Where a field is left out, the browser's own default holds. */
export interface BrowserAICallOptions {
  /** How varied its answers are: `most-predictable`, `predictable`, `balanced` (default), `creative`, `most-creative`. */
  readonly samplingMode?: string
  /** Heard in extensions alone since 2026, and only together with `topK`. */
  readonly temperature?: number
  /** Heard in extensions alone since 2026, and only together with `temperature`. */
  readonly topK?: number
  /** The answer ends before any of these. The Prompt API has no such option: it is cut here, and the session stopped. */
  readonly stop?: readonly string[]
  /** What the answer has to fit: JSON Schema, or a RegExp. The browser tells the model of it. */
  readonly responseConstraint?: object
  /** The model is not told of `responseConstraint`, which saves tokens; the prompt should say it then. */
  readonly omitResponseConstraintInput?: boolean
  /** Languages and kinds of the input: `[{ type: 'text', languages: ['en', 'ja'] }]`. Images are added where there are some. */
  readonly expectedInputs?: readonly Expected[]
  /** Languages of the answer: `[{ type: 'text', languages: ['en'] }]`. Chrome warns where they are not said. */
  readonly expectedOutputs?: readonly Expected[]
  /** Made by `tool()`, or as the Prompt API writes them. The browser runs them itself, where it knows tools; else it passes them over. */
  readonly tools?: readonly (ToolSpec | PromptTool)[]
  /** `none` leaves the tools out. */
  readonly toolChoice?: string
}

/** Options of {@link BrowserAI}. */
export interface BrowserAIOptions extends BrowserAICallOptions, OwnOptions, Pick<ModelOptions, 'streaming' | 'verbose'> {
  /**
   * Whether a call may begin the model's download, or wait for it: `activated` (default) where the visitor has just clicked or typed,
   * which a browser wants for it; `always`; `never`. Else it fails at once, and a fallback answers meanwhile.
   */
  readonly download?: Download
  /** Told how far a download is, from 0 to 1; nothing where the model is there. It is a custom event of the run too: `{ name: 'download', data: { progress } }`. */
  readonly onDownload?: (progress: number) => void
  /** A session of yours, which each call clones: its own prompts are read already, its model is loaded. It is yours to destroy. */
  readonly session?: LanguageModelSession
  /** Stands for the page's `LanguageModel`: a polyfill, or a test's. */
  readonly languageModel?: LanguageModelFactory
}

/** Options of {@link BrowserAI.download}. */
export interface DownloadOptions extends BrowserAICallOptions, Pick<BrowserAIOptions, 'onDownload' | 'languageModel'> {
  readonly signal?: AbortSignal
}

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

/** What `availability` and `create` are asked with. What is undefined is not there for them (Web IDL). `run`: where the tools run. */
export function toCreateCoreOptions(options: BrowserAICallOptions, hasImages: boolean, run?: RunHandle): LanguageModelCreateCoreOptions {
  const { samplingMode, temperature, topK, expectedInputs = [], expectedOutputs, tools, toolChoice } = options
  const isSaid = expectedInputs.some(({ type }) => type === 'image')
  const inputs = hasImages && !isSaid ? [...expectedInputs, { type: 'image' } as const] : expectedInputs
  return {
    samplingMode,
    temperature,
    topK,
    expectedInputs: inputs.length > 0 ? inputs : undefined,
    expectedOutputs,
    tools: toolChoice === 'none' ? undefined : tools?.map((tool) => toPromptTool(tool, run)),
  }
}

/**
 * A tool that the browser can call: a child of the run. Its failure is told to the model, unless it ends the run.
 *
 * @throws ChaintapError `invalid_options` for one that cannot be run.
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
        // Thrown here, the browser would make another error of it.
        if (run) failIfUnrecoverable(error, run)
        return errorMessage(error)
      }
    },
  }
}

const toolNotRunnableError = (name: string): ChaintapError =>
  new ChaintapError('invalid_options', `The browser runs tools itself, and ${name} cannot be run. Make it by tool().`)
