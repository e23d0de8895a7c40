import { ChaintapError } from '../../core/errors.ts'
import { type Message, type Part, type Role, type ToolCall, textOf } from '../../core/message.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
import { imageUrl } from '../../messages/image-source.ts'
import { unsupportedPartError } from '../../messages/invalid-message.ts'
import { pairToolResults } from '../../messages/pair-tool-results.ts'
import type { PromptMessage, PromptPart } from './api.ts'

/** A conversation in the Prompt API's format. */
export interface SessionPrompts {
  /** The system message, then all messages but the last. */
  readonly initialPrompts: readonly PromptMessage[]
  /** The message to answer. */
  readonly input: readonly PromptMessage[]
}

/**
 * Divides a conversation into initial prompts and input. System messages become one and come first, because the API accepts them nowhere
 * else. The API has no form for tool calls: the user's messages say what was called and what it returned. Reasoning and blocks that a
 * provider sent are omitted.
 *
 * @throws ChaintapError `invalid_message` if the last message is a tool result, or for other parts that the API has no form for.
 */
export async function toSessionPrompts(messages: readonly Message[], signal: AbortSignal): Promise<SessionPrompts> {
  if (messages.at(-1)?.role === 'tool') throw toolResultError()
  const system = messages.flatMap((message) => (message.role === 'system' ? textOnly(message) : [])).join('\n\n')
  const calls = new Map<string, ToolCall>()
  const turns = pairToolResults(messages).map((message) => {
    if (message.role === 'assistant') for (const call of message.toolCalls ?? []) calls.set(call.id, call)
    return toPromptMessages(message, message.role === 'tool' ? calls.get(message.toolCallId) : undefined, signal)
  })
  const prompts = (await Promise.all(turns)).flat()
  const last = prompts.pop()
  return {
    initialPrompts: [...(system ? [{ role: 'system', content: system } as const] : []), ...prompts],
    // The model continues an assistant message.
    input: last ? [last.role === 'assistant' ? { ...last, prefix: true } : last] : [],
  }
}

/** Whether a conversation has images. A session must declare them when it is created. */
export const hasImages = ({ initialPrompts, input }: SessionPrompts): boolean =>
  [...initialPrompts, ...input].some(({ content }) => typeof content !== 'string')

async function toPromptMessages(message: Message, call: ToolCall | undefined, signal: AbortSignal): Promise<readonly PromptMessage[]> {
  const { role, content } = message
  if (role === 'assistant') {
    const text = textOnly(message)
    return text ? [{ role, content: text }] : []
  }
  if (role === 'system') return []
  const result = call ? `Result of ${call.name}(${JSON.stringify(call.args) ?? ''}): ` : ''
  if (typeof content === 'string' || content.every(({ type }) => type === 'text'))
    return [{ role: 'user', content: result + textOf(message) }]
  const parts = await Promise.all(content.map((part) => toPromptPart(part, role, signal)))
  return [{ role: 'user', content: result ? [{ type: 'text', value: result }, ...parts] : parts }]
}

/** Returns the text of a message whose other parts are working notes of a model. */
function textOnly(message: Message): string {
  const { role, content } = message
  const other =
    typeof content === 'string' ? undefined : content.find(({ type }) => type !== 'text' && (role !== 'assistant' || type === 'image'))
  if (other) throw unsupportedPartError(PROMPT_API, other, role)
  return textOf(message)
}

async function toPromptPart(part: Part, role: Role, signal: AbortSignal): Promise<PromptPart> {
  if (part.type === 'text') return { type: 'text', value: part.text }
  if (part.type === 'image') return { type: 'image', value: await fetchImage('data' in part ? imageUrl(part) : part.url, signal) }
  throw unsupportedPartError(PROMPT_API, part, role)
}

const PROMPT_API = 'The Prompt API'

/** Downloads an image: the API accepts no URLs. */
async function fetchImage(url: string, signal: AbortSignal): Promise<Blob> {
  try {
    const response = await fetch(url, { signal })
    if (response.ok) return await response.blob()
    throw new Error(`status ${response.status}`)
  } catch (cause) {
    throw new ChaintapError(
      'network',
      `Could not download the image at ${stripUrlSecrets(url).slice(0, 100)}: ${(cause as Error).message}.`,
      {
        cause,
      },
    )
  }
}

const toolResultError = (): ChaintapError =>
  new ChaintapError(
    'invalid_message',
    'BrowserAI accepts no tool results, because the browser runs tools itself. Pass the tools to the model: new BrowserAI({ tools }).',
  )
