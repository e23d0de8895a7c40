import type { Flow } from '../core/flow/flow.ts'
import type { Part, ToolCall, ToolMessage } from '../core/message.ts'
import { toolMessage } from '../messages/create.ts'

/** Whether it is a model's call of that tool. By the name too: a tool's own arguments may well be called `id`, `name` and `args`. */
export function isToolCallFor(name: string, input: unknown): input is ToolCall {
  const call = Object(input) as Partial<ToolCall>
  return call.name === name && typeof call.id === 'string' && 'args' in call
}

/** The flow of a tool's chunks whose output is the message that answers the call. */
export function withToolMessageOutput<Chunk>(flow: Flow<Chunk>, toolCallId: string): Flow<Chunk> {
  const { fold } = flow
  flow.fold = () => {
    const output = fold()
    return { add: (chunk) => output.add(chunk), result: (): ToolMessage => toolMessage(toToolContent(output.result()), toolCallId) }
  }
  // Folded by a run below, where the tool went on with another runnable: as it is, without the message around it.
  flow.retained = undefined
  return flow
}

/** An output as a model can read it: text and parts of messages as they are, anything else as JSON. */
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
