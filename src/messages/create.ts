import type { AssistantMessage, Part, SystemMessage, ToolMessage, UserMessage } from '../core/message.ts'

/**
 * Creates a system message: instructions to the model (LangChain's SystemMessage).
 *
 * @example
 * await model.invoke([systemMessage('Be brief.'), userMessage('Why is the sky blue?')])
 */
export function systemMessage(content: string | readonly Part[]): SystemMessage {
  return { role: 'system', content }
}

/**
 * Creates a user message (LangChain's HumanMessage).
 *
 * @example
 * userMessage([{ type: 'text', text: 'What is this?' }, { type: 'image', url: 'https://example.com/bear.jpg' }])
 */
export function userMessage(content: string | readonly Part[]): UserMessage {
  return { role: 'user', content }
}

/**
 * Creates an assistant message: a previous answer of the model (LangChain's AIMessage).
 *
 * @param rest Other fields of the message, such as its tool calls.
 *
 * @example
 * assistantMessage('', { toolCalls: [{ id: 'call_1', name: 'weather', args: { city: 'Paris' } }] })
 */
export function assistantMessage(
  content: string | readonly Part[],
  rest: Omit<AssistantMessage, 'role' | 'content'> = {},
): AssistantMessage {
  return { role: 'assistant', content, ...rest }
}

/**
 * Creates a tool message: the result of a tool call (LangChain's ToolMessage).
 *
 * @param toolCallId The `id` of the call that it answers.
 *
 * @example
 * toolMessage('18 °C', 'call_1')
 */
export function toolMessage(
  content: string | readonly Part[],
  toolCallId: string,
  { isError }: { readonly isError?: boolean } = {},
): ToolMessage {
  return { role: 'tool', content, toolCallId, ...(isError !== undefined && { isError }) }
}
