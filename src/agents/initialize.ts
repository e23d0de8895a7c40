import type { LanguageModel } from '../chains/llm-chain.ts'
import { invalidOptionsError } from '../core/errors.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Agent } from './agent.ts'
import { AgentExecutor } from './executor.ts'
import type { ExecutorOptions } from './options.ts'
import { reactAgent } from './react.ts'
import { toolCallingAgent } from './tool-calling.ts'

/** How an agent decides: by text in the ReAct format, or by the tool calls of a chat model. */
export type AgentType = 'zero-shot-react-description' | 'tool-calling'

const agentFactories: ReadonlyMap<string, (llm: LanguageModel, tools: readonly AnyTool[]) => Agent> = new Map([
  ['zero-shot-react-description', reactAgent],
  ['tool-calling', toolCallingAgent],
])

/**
 * Makes an agent (LangChain's initialize_agent and initializeAgentExecutorWithOptions).
 *
 * @throws ChaintapError `invalid_options` for an unknown type, for no tools, or a model that the type cannot use.
 *
 * @example
 * const llm = new OpenAI({ apiKey, temperature: 0, streaming: true, callbacks: [two] })
 * const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm, { agentType: 'zero-shot-react-description' })
 * await agent.run('What is 2 raised to the 0.235 power?', { callbacks: [one] })
 */
export function initializeAgent(
  tools: readonly AnyTool[],
  llm: LanguageModel,
  { agentType = 'zero-shot-react-description', ...options }: ExecutorOptions & { readonly agentType?: AgentType } = {},
): AgentExecutor {
  const make = agentFactories.get(agentType)
  if (!make)
    throw invalidOptionsError(`There is no agentType ${JSON.stringify(agentType)}. Write one of ${[...agentFactories.keys()].join(', ')}.`)
  if (tools.length === 0) throw invalidOptionsError('An agent needs at least one tool. Without any, the model alone is enough.')
  return new AgentExecutor({ ...options, agent: make(llm, tools), tools })
}
