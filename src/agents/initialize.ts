import type { LanguageModel } from '../chains/llm-chain.ts'
import { invalidOptionsError } from '../core/errors.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Agent } from './agent.ts'
import { AgentExecutor } from './executor.ts'
import type { ExecutorOptions } from './options.ts'
import { reactAgent } from './react.ts'
import { toolCallingAgent } from './tool-calling.ts'

/** How an agent chooses tools: with text in the ReAct format, or with a chat model's tool calls. */
export type AgentType = 'zero-shot-react-description' | 'tool-calling'

const agentFactories: ReadonlyMap<string, (llm: LanguageModel, tools: readonly AnyTool[]) => Agent> = new Map([
  ['zero-shot-react-description', reactAgent],
  ['tool-calling', toolCallingAgent],
])

/**
 * Creates an agent (LangChain's initialize_agent and initializeAgentExecutorWithOptions).
 *
 * @param llm The model that decides. `tool-calling` requires a chat model with `bind()`.
 * @throws ChaintapError `invalid_options` for an unknown type, an empty list of tools, or a model that the type cannot use.
 *
 * @example
 * const agent = initializeAgent(loadTools(['llm-math'], { llm }), llm, { agentType: 'zero-shot-react-description' })
 * await agent.run('What is 2 raised to the 0.235 power?', { callbacks: [(event) => console.log(event.type, event.run.name)] })
 */
export function initializeAgent(
  tools: readonly AnyTool[],
  llm: LanguageModel,
  { agentType = 'zero-shot-react-description', ...options }: ExecutorOptions & { readonly agentType?: AgentType } = {},
): AgentExecutor {
  const make = agentFactories.get(agentType)
  if (!make)
    throw invalidOptionsError(
      `initializeAgent: unknown agentType ${JSON.stringify(agentType)}. Use one of ${[...agentFactories.keys()].join(', ')}.`,
    )
  if (tools.length === 0) throw invalidOptionsError('initializeAgent requires at least one tool. Without tools, use the model itself.')
  return new AgentExecutor({ ...options, agent: make(llm, tools), tools })
}
