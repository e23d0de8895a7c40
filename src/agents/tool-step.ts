import type { AgentAction } from '../core/agent-types.ts'
import { ChaintapError } from '../core/errors.ts'
import { type ToolMessage, textOf } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { toolMessage } from '../messages/create.ts'
import { callTools, failureText, toolNamed } from '../tools/call-tools.ts'
import { toToolContent } from '../tools/message.ts'
import { type AnyTool, tool } from '../tools/tool.ts'
import type { Plan } from './agent.ts'
import type { ExecutorOptions } from './options.ts'

/** What was done, and what came of it. */
export interface ToolStepResult {
  readonly actions: readonly AgentAction[]
  readonly answers: readonly ToolMessage[]
  /** The answer of a tool whose answer is the agent's. */
  readonly direct?: string | undefined
}

/** Does what the model wants: its actions are told, its tools run. */
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
    (answer, index) => !answer.isError && tools.some((each) => each.returnDirect && each.name === calls[index]?.name),
  )
  return { actions, answers, direct: direct && textOf(direct) }
}

async function runTool(
  action: AgentAction,
  chosen: AnyTool,
  { handleToolErrors = true }: ExecutorOptions,
  run: RunHandle,
): Promise<ToolStepResult> {
  await run.emit({ type: 'action', action })
  try {
    const answer = toolMessage(toToolContent(await chosen.invoke(action.toolInput as never, run)), '')
    return { actions: [action], answers: [answer], direct: chosen.returnDirect ? textOf(answer) : undefined }
  } catch (error) {
    if (!handleToolErrors) throw error
    return { actions: [action], answers: [toolMessage(failureText(error, run), '', { isError: true })] }
  }
}

/** What the model is told where it broke the format. */
function parseFailureFeedback(problem: string, log: string, { handleParsingErrors = false }: ExecutorOptions): string {
  if (typeof handleParsingErrors === 'function') return handleParsingErrors(problem)
  if (typeof handleParsingErrors === 'string') return handleParsingErrors
  if (handleParsingErrors) return problem
  throw new ChaintapError(
    'agent_format',
    `The model broke the agent's format. ${problem} It said: ${JSON.stringify(log.slice(0, 200))}. Write handleParsingErrors: true to have it told so.`,
  )
}

/** Says what it is given: by its run handlers hear what the model is told (LangChain's ExceptionTool). */
const parseFailureTool: AnyTool = tool((said: string) => said, { name: '_Exception', description: 'Tells the model what was wrong.' })

function rethrowToolError(error: unknown): never {
  throw error
}
