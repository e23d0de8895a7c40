import type { Flow } from '../core/flow/flow.ts'
import type { Part, ToolCall, ToolMessage } from '../core/message.ts'
import { toolMessage } from '../messages/create.ts'

/** Whether the input is a model's call of this tool. The name must match, because a tool's arguments may be named `id`, `name` and `args`. */
export function isToolCallFor(name: string, input: unknown): input is ToolCall {
  const call = Object(input) as Partial<ToolCall>
  return call.name === name && typeof call.id === 'string' && 'args' in call
}

/** Makes the output of a tool's flow the tool message that answers the call. The chunks do not change. */
export function withToolMessageOutput<Chunk>(flow: Flow<Chunk>, toolCallId: string): Flow<Chunk> {
  const { fold } = flow
  flow.fold = () => {
    const output = fold()
    return { add: (chunk) => output.add(chunk), result: (): ToolMessage => toolMessage(toToolContent(output.result()), toolCallId) }
  }
  // If the tool returned a runnable, that run's retained output lacks the message around it.
  flow.retained = undefined
  return flow
}

/** Converts a tool's output to message content: strings and message parts stay as they are, other values become JSON. */
export function toToolContent(output: unknown): string | readonly Part[] {
  if (typeof output === 'string') return output
  if (Array.isArray(output) && output.length > 0 && output.every(isToolContentPart)) return output
  try {
    return JSON.stringify(output) ?? ''
  } catch {
    return String(output)
  }
}

function isToolContentPart(value: unknown): value is Part {
  const part = Object(value) as Readonly<Record<string, unknown>>
  if (part.type === 'text') return typeof part.text === 'string'
  return part.type === 'image' && (typeof part.url === 'string' || (typeof part.data === 'string' && typeof part.mediaType === 'string'))
}
