import type { LanguageModel } from '../chains/llm-chain.ts'
import { ChaintapError } from '../core/errors.ts'
import type { Handler } from '../core/handler/handler.ts'
import { createCalculator } from './calculator.ts'
import { llmMath } from './llm-math.ts'
import type { Tool } from './tool.ts'

/** The tools that {@link loadTools} knows. */
export type ToolName = 'calculator' | 'llm-math'

/** Options of {@link loadTools}. */
export interface LoadToolsOptions {
  /** For tools that ask a model. */
  readonly llm?: LanguageModel | undefined
  /** Constructor callbacks of each tool: heard for its own runs alone. */
  readonly callbacks?: readonly Handler[]
}

const toolFactories: ReadonlyMap<string, (options: LoadToolsOptions) => Tool<string, string>> = new Map([
  ['calculator', ({ callbacks }) => createCalculator({ callbacks })],
  [
    'llm-math',
    ({ llm, callbacks }) => {
      if (llm) return llmMath(llm, { callbacks })
      throw new ChaintapError('invalid_options', "The tool llm-math asks a model: loadTools(['llm-math'], { llm }).")
    },
  ],
])

/**
 * Tools by their names (LangChain's load_tools): `calculator`, and `llm-math`, which needs `llm`.
 *
 * @throws ChaintapError `invalid_options` for a name that is not known, and for a tool that needs a model where none is given.
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
      `There is no tool ${JSON.stringify(name)} to load. Known are ${[...toolFactories.keys()].join(', ')}.`,
    )
  })
}
