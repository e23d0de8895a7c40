import type { RunContext } from '../core/event.ts'
import type { Part, ToolCall, ToolMessage } from '../core/message.ts'
import type { RunOptions } from '../core/options.ts'
import { isActiveRun } from '../core/run/run.ts'
import { isUnrecoverable } from '../core/run/unrecoverable.ts'
import { mapAll } from '../core/runnable/batch.ts'
import { errorMessage } from '../core/util/error-message.ts'
import { toolMessage } from '../messages/create.ts'
import type { StandardSchema } from '../schema/standard.ts'
import { type AnyTool, Tool } from './tool.ts'

/** Options of {@link callTools}. */
export interface CallToolsOptions {
  /**
   * The maximum number of calls that run at the same time.
   *
   * @defaultValue the run's `maxConcurrency`, otherwise unlimited
   */
  readonly maxConcurrency?: number | undefined
  /**
   * Returns the content of the tool message for a failed call. If it throws, the other calls are stopped and `callTools` rejects with
   * its error.
   *
   * @defaultValue the error's message
   */
  readonly onError?: ((error: unknown, call: ToolCall) => string | readonly Part[]) | undefined
}

/**
 * Runs a model's tool calls concurrently, each as a child of the context's run. Returns their tool messages in the order of the calls.
 *
 * A failed call returns a message marked `isError`. So does a call of an unknown tool: its message lists the known tools, and its run is
 * named `invalid_tool`. Errors that must end the calling run are thrown (see {@link failureText}).
 *
 * @example
 * const tools = [calculator]
 * const answerWithTools = lambda(async (question: string, context) => {
 *   const messages: Message[] = [userMessage(question)]
 *   const answer = await model.bind({ tools }).invoke(messages, context)
 *   const results = await callTools(answer.toolCalls ?? [], tools, context, { maxConcurrency: 4 })
 *   return model.invoke([...messages, answer, ...results], context)
 * })
 */
export async function callTools(
  calls: readonly ToolCall[],
  tools: readonly AnyTool[],
  context: RunContext,
  { maxConcurrency, onError }: CallToolsOptions = {},
): Promise<readonly ToolMessage[]> {
  const limit = maxConcurrency ?? (isActiveRun(context) ? context.maxConcurrency : undefined)
  const runCall = async (call: ToolCall, options: RunOptions): Promise<ToolMessage> => {
    const isKnown = tools.some(({ name }) => name === call.name)
    try {
      const message = await toolNamed(call.name, tools).invoke(call, { ...options, parent: context })
      return isKnown ? message : { ...message, isError: true }
    } catch (error) {
      const text = failureText(error, context)
      return toolMessage(onError?.(error, call) ?? text, call.id, { isError: true })
    }
  }
  // Outputs include errors only with `returnErrors`.
  return (await mapAll(calls, {}, limit, runCall)) as ToolMessage[]
}

/**
 * Returns the tool with this name, or a tool that accepts any input and answers with the names of the known tools.
 *
 * @example
 * await toolNamed('Calculator', [calculator]).invoke('1 + 1' as never) // '2'
 */
export function toolNamed(name: string, tools: readonly AnyTool[]): AnyTool {
  const found = tools.find((tool) => tool.name === name)
  if (found) return found
  const names = tools.map((tool) => tool.name).join(', ')
  const answer = `Unknown tool ${JSON.stringify(name.slice(0, 100))}. Use one of: ${names}.`
  return new Tool(() => answer, { name, description: 'Answers calls of unknown tools.', schema: acceptAnySchema }).withConfig({
    runName: 'invalid_tool',
  })
}

const acceptAnySchema: StandardSchema = { '~standard': { version: 1, vendor: 'chaintap', validate: (value) => ({ value }) } }

/**
 * Returns the error's message, which tells the model why a tool failed. Rethrows errors that must end the run that called the tool: the
 * run was stopped, a run below it was stopped (a tool's own timeout is an ordinary failure), a handler with `raiseError` threw, or the
 * recursion limit was reached.
 *
 * @example
 * const guarded = lambda(async (expression: string, context) => {
 *   try {
 *     return await calculator.invoke(expression, context)
 *   } catch (error) {
 *     return failureText(error, context)
 *   }
 * })
 */
export function failureText(error: unknown, context: RunContext): string {
  if (isUnrecoverable(error, context)) throw error
  return errorMessage(error)
}
