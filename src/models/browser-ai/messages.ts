import { ChaintapError } from '../../core/errors.ts'
import { type Message, type Part, textOf } from '../../core/message.ts'
import { stripUrlSecrets } from '../../core/util/secrets.ts'
import type { PromptMessage, PromptPart } from './api.ts'

/** A conversation as the Prompt API takes it. */
export interface SessionPrompts {
  /** Instructions first, then what was said before. */
  readonly initialPrompts: readonly PromptMessage[]
  /** What is to be answered. */
  readonly input: readonly PromptMessage[]
}

/**
 * Divides a conversation. System messages become one, and stand first: the API takes them nowhere else. Left out is what has no place
 * here: reasoning, calls of tools and their results, blocks of other providers.
 *
 * @throws ChaintapError `invalid_message` where the last message is the result of a tool.
 */
export async function toSessionPrompts(messages: readonly Message[], signal: AbortSignal): Promise<SessionPrompts> {
  if (messages.at(-1)?.role === 'tool') throw toolResultError()
  const system = messages.flatMap((message) => (message.role === 'system' ? textOf(message) : [])).join('\n\n')
  const turns = (await Promise.all(messages.map((message) => toPromptMessages(message, signal)))).flat()
  const last = turns.pop()
  return {
    initialPrompts: [...(system ? [{ role: 'system', content: system } as const] : []), ...turns],
    // An answer that has been begun is gone on with.
    input: last ? [last.role === 'assistant' ? { ...last, prefix: true } : last] : [],
  }
}

/** Whether a conversation has pictures: a session has to be told so when it is made. */
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

/** The API takes no addresses. */
async function fetchImage(url: string, signal: AbortSignal): Promise<Blob> {
  try {
    const response = await fetch(url, { signal })
    if (response.ok) return await response.blob()
    throw new Error(`it answered ${response.status}`)
  } catch (cause) {
    throw new ChaintapError('network', `Could not read an image at ${stripUrlSecrets(url).slice(0, 100)}: ${(cause as Error).message}.`, {
      cause,
    })
  }
}

const toolResultError = (): ChaintapError =>
  new ChaintapError(
    'invalid_message',
    "The browser's model takes no results of tools: it runs tools itself. Give them to the model: new BrowserAI({ tools }).",
  )
