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
  /** How many calls run at once. Default: what the run has as `maxConcurrency`, else all. */
  readonly maxConcurrency?: number | undefined
  /** What the model is told of a call that failed. Default: the error's message. Where it throws, the other calls are stopped, and it is thrown. */
  readonly onError?: ((error: unknown, call: ToolCall) => string | readonly Part[]) | undefined
}

/**
 * Runs what a model asked for, side by side, each a child of the context's run; the messages are in the order of the calls.
 *
 * A call that failed is answered with a message that is marked `isError`, and so is one of a tool that does not exist: it names those
 * that do, and is a run named `invalid_tool`. What ends the run itself is thrown (see {@link failureText}).
 *
 * @example
 * const { toolCalls = [] } = await model.bind({ tools }).invoke(messages, context)
 * messages.push(...(await callTools(toolCalls, tools, context, { maxConcurrency: 4 })))
 */
export async function callTools(
  calls: readonly ToolCall[],
  tools: readonly AnyTool[],
  context: RunContext,
  { maxConcurrency, onError }: CallToolsOptions = {},
): Promise<readonly ToolMessage[]> {
  const limit = maxConcurrency ?? (isActiveRun(context) ? context.maxConcurrency : undefined)
  const one = async (call: ToolCall, options: RunOptions): Promise<ToolMessage> => {
    const isKnown = tools.some(({ name }) => name === call.name)
    try {
      const message = await toolNamed(call.name, tools).invoke(call, { ...options, parent: context })
      return isKnown ? message : { ...message, isError: true }
    } catch (error) {
      const text = failureText(error, context)
      return toolMessage(onError?.(error, call) ?? text, call.id, { isError: true })
    }
  }
  // Errors are only among the outputs where they are asked for.
  return (await mapAll(calls, {}, limit, one)) as ToolMessage[]
}

/**
 * The tool of that name; where there is none, one that takes anything and answers with the names of those that there are.
 *
 * @example
 * const observation = await toolNamed(action.tool, tools).invoke(action.toolInput as never, context)
 */
export function toolNamed(name: string, tools: readonly AnyTool[]): AnyTool {
  const found = tools.find((tool) => tool.name === name)
  if (found) return found
  const names = tools.map((tool) => tool.name).join(', ')
  const answer = `There is no tool ${JSON.stringify(name.slice(0, 100))}. Call one of these: ${names}.`
  return new Tool(() => answer, { name, description: 'Stands for tools that there are not.', schema: acceptAnySchema }).withConfig({
    runName: 'invalid_tool',
  })
}

const acceptAnySchema: StandardSchema = { '~standard': { version: 1, vendor: 'chaintap', validate: (value) => ({ value }) } }

/**
 * What a model is told of a tool's failure: its message. Throws the error on where the run that called the tool must end with it: it was
 * stopped itself, somebody stopped something below it (a tool's own timeout is a failure like others), a handler with `raiseError`
 * threw, or runs called one another too deep.
 */
export function failureText(error: unknown, context: RunContext): string {
  if (isUnrecoverable(error, context)) throw error
  return errorMessage(error)
}
