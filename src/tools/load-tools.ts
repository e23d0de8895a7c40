import type { LanguageModel } from '../chains/llm-chain.ts'
import { ChaintapError } from '../core/errors.ts'
import type { Handler } from '../core/handler/handler.ts'
import { createCalculator } from './calculator.ts'
import { llmMath } from './llm-math.ts'
import type { Tool } from './tool.ts'

/** The names of tools that {@link loadTools} can create. */
export type ToolName = 'calculator' | 'llm-math'

/** Options of {@link loadTools}. */
export interface LoadToolsOptions {
  /** The model of tools that call one. `llm-math` requires it. */
  readonly llm?: LanguageModel | undefined
  /** Constructor callbacks of each tool. They receive the events of the tool's own runs only. */
  readonly callbacks?: readonly Handler[]
}

const toolFactories: ReadonlyMap<string, (options: LoadToolsOptions) => Tool<string, string>> = new Map([
  ['calculator', ({ callbacks }) => createCalculator({ callbacks })],
  [
    'llm-math',
    ({ llm, callbacks }) => {
      if (llm) return llmMath(llm, { callbacks })
      throw new ChaintapError('invalid_options', "The tool llm-math requires a model: loadTools(['llm-math'], { llm }).")
    },
  ],
])

/**
 * Creates tools by name (LangChain's load_tools): `calculator`, and `llm-math`, which requires `llm`.
 *
 * @throws ChaintapError `invalid_options` for an unknown name, or if `llm` is missing.
 *
 * @example
 * const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm, { agentType: 'zero-shot-react-description' })
 */
export function loadTools(names: readonly ToolName[], options: LoadToolsOptions = {}): Tool<string, string>[] {
  return names.map((name) => {
    const make = toolFactories.get(name)
    if (make) return make(options)
    throw new ChaintapError(
      'invalid_options',
      `loadTools: unknown tool ${JSON.stringify(name)}. Use one of ${[...toolFactories.keys()].join(', ')}.`,
    )
  })
}
