import { ChaintapError } from '../../core/errors.ts'
import { type Message, type Part, textOf } from '../../core/message.ts'
import { stripUrlSecrets } from '../../core/util/strip-url.ts'
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
 * else. Reasoning, tool calls, tool results and blocks of other providers are omitted: the API has no place for them.
 *
 * @throws ChaintapError `invalid_message` if the last message is a tool result.
 */
export async function toSessionPrompts(messages: readonly Message[], signal: AbortSignal): Promise<SessionPrompts> {
  if (messages.at(-1)?.role === 'tool') throw toolResultError()
  const system = messages.flatMap((message) => (message.role === 'system' ? textOf(message) : [])).join('\n\n')
  const turns = (await Promise.all(messages.map((message) => toPromptMessages(message, signal)))).flat()
  const last = turns.pop()
  return {
    initialPrompts: [...(system ? [{ role: 'system', content: system } as const] : []), ...turns],
    // The model continues an assistant message.
    input: last ? [last.role === 'assistant' ? { ...last, prefix: true } : last] : [],
  }
}

/** Whether a conversation has images. A session must declare them when it is created. */
export const hasImages = ({ initialPrompts, input }: SessionPrompts): boolean =>
  [...initialPrompts, ...input].some(({ content }) => typeof content !== 'string')

async function toPromptMessages(message: Message, signal: AbortSignal): Promise<readonly PromptMessage[]> {
  const { role, content } = message
  if (role === 'assistant') {
    const text = textOf(message)
    return text ? [{ role, content: text }] : []
  }
  if (role !== 'user') return []
  if (typeof content === 'string' || content.every(({ type }) => type !== 'image')) return [{ role, content: textOf(message) }]
  return [{ role, content: (await Promise.all(content.map((part) => toPromptParts(part, signal)))).flat() }]
}

async function toPromptParts(part: Part, signal: AbortSignal): Promise<readonly PromptPart[]> {
  if (part.type === 'text') return [{ type: 'text', value: part.text }]
  if (part.type !== 'image') return []
  const url = 'data' in part ? `data:${part.mediaType};base64,${part.data}` : part.url
  return [{ type: 'image', value: await fetchImage(url, signal) }]
}

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
