import type { AgentAction } from '../core/agent-types.ts'
import { ChaintapError } from '../core/errors.ts'
import { type ToolMessage, textOf } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { toolMessage } from '../messages/create.ts'
import { callTools, failureText, toolNamed } from '../tools/call-tools.ts'
import { toToolContent } from '../tools/message.ts'
import { type AnyTool, tool as createTool } from '../tools/tool.ts'
import type { Plan } from './agent.ts'
import type { ExecutorOptions } from './options.ts'

/** The tools that one step ran, and their results. */
export interface ToolStepResult {
  readonly actions: readonly AgentAction[]
  readonly answers: readonly ToolMessage[]
  /** The output of a tool with `returnDirect`. */
  readonly direct?: string | undefined
}

/** Carries out a plan: emits an `action` event for each tool, then runs it. */
export function runToolStep(
  plan: Exclude<Plan, { readonly finish: unknown }>,
  tools: readonly AnyTool[],
  options: ExecutorOptions,
  run: RunHandle,
): Promise<ToolStepResult> {
  if ('calls' in plan) return runCalls(plan.calls, plan.log, tools, options, run)
  if ('action' in plan) return runTool(plan.action, toolNamed(plan.action.tool, tools), options, run)
  const toolInput = parseFailureFeedback(plan.problem, plan.log, options)
  return runTool({ tool: parseFailureTool.name, toolInput, log: plan.log }, parseFailureTool, options, run)
}

async function runCalls(
  calls: Extract<Plan, { readonly calls: unknown }>['calls'],
  log: string,
  tools: readonly AnyTool[],
  { maxConcurrency, handleToolErrors = true }: ExecutorOptions,
  run: RunHandle,
): Promise<ToolStepResult> {
  const actions = calls.map(({ name, args }) => ({ tool: name, toolInput: args, log }))
  for (const action of actions) await run.emit({ type: 'action', action })
  const answers = await callTools(calls, tools, run, { maxConcurrency, onError: handleToolErrors ? undefined : rethrowToolError })
  const direct = answers.find(
    (answer, index) => !answer.isError && tools.some((tool) => tool.returnDirect && tool.name === calls[index]?.name),
  )
  return { actions, answers, direct: direct && textOf(direct) }
}

async function runTool(
  action: AgentAction,
  tool: AnyTool,
  { handleToolErrors = true }: ExecutorOptions,
  run: RunHandle,
): Promise<ToolStepResult> {
  await run.emit({ type: 'action', action })
  try {
    const answer = toolMessage(toToolContent(await tool.invoke(action.toolInput as never, run)), '')
    return { actions: [action], answers: [answer], direct: tool.returnDirect ? textOf(answer) : undefined }
  } catch (error) {
    if (!handleToolErrors) throw error
    return { actions: [action], answers: [toolMessage(failureText(error, run), '', { isError: true })] }
  }
}

/** What the model receives after it broke the format. */
function parseFailureFeedback(problem: string, log: string, { handleParsingErrors = false }: ExecutorOptions): string {
  if (typeof handleParsingErrors === 'function') return handleParsingErrors(problem)
  if (typeof handleParsingErrors === 'string') return handleParsingErrors
  if (handleParsingErrors) return problem
  throw new ChaintapError(
    'agent_format',
    `The model broke the agent's format. ${problem} Answer: ${JSON.stringify(log.slice(0, 200))}. To let the model retry, set handleParsingErrors: true.`,
  )
}

/** Returns its input. Its run shows handlers what the model receives (LangChain's ExceptionTool). */
const parseFailureTool: AnyTool = createTool((feedback: string) => feedback, {
  name: '_Exception',
  description: 'Tells the model what was wrong.',
})

function rethrowToolError(error: unknown): never {
  throw error
}
