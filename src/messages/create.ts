import type { AssistantMessage, Part, SystemMessage, ToolMessage, UserMessage } from '../core/message.ts'

/**
 * Instructions to the model (LangChain's SystemMessage).
 *
 * @example
 * await model.invoke([systemMessage('Be brief.'), userMessage('Why is the sky blue?')])
 */
export function systemMessage(content: string | readonly Part[]): SystemMessage {
  return { role: 'system', content }
}

/**
 * What the user says (LangChain's HumanMessage).
 *
 * @example
 * userMessage([{ type: 'text', text: 'What is this?' }, { type: 'image', url: 'https://example.com/bear.jpg' }])
 */
export function userMessage(content: string | readonly Part[]): UserMessage {
  return { role: 'user', content }
}

/**
 * What the model said before (LangChain's AIMessage), with its tool calls where it made some.
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
 * What a tool answered to the call of that id (LangChain's ToolMessage).
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
