import {
  type AssistantMessage,
  type ChatInput,
  ChatPromptTemplate,
  type Delta,
  type Listener,
  type RunEvent,
  type Runnable,
  StringOutputParser,
  textOf,
} from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { toResponse } from 'chaintap/edge'
import type { Hand } from './bare.ts'
import { type Client, question } from './library.ts'

export type Chain = Runnable<{ animal: string }, string>
type ChatModel = Runnable<ChatInput, AssistantMessage, Delta>

const input = { animal: 'bears' }

export function modelOver(fetch: typeof globalThis.fetch): ChatAnthropic {
  return new ChatAnthropic({ apiKey: 'key', model: 'claude', fetch, streaming: true, dangerouslyAllowBrowser: true })
}

export function chainOf(model: ChatModel): Chain {
  return ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(model).pipe(new StringOutputParser())
}

export const chainOver = (fetch: typeof globalThis.fetch): Chain => chainOf(modelOver(fetch))

export function handlers(count: number): readonly Listener[] {
  return Array.from({ length: count }, () => {
    const count = { characters: 0 }
    return (event: RunEvent): void => {
      if (event.type === 'token') count.characters += event.token.length
    }
  })
}

export async function readChain(chain: Chain, hand: Hand, callbacks: readonly Listener[] = []): Promise<void> {
  for await (const text of chain.stream(input, { callbacks })) hand(text)
}

export function textResponse(chain: Chain): Response {
  return toResponse(chain.stream(input), { format: 'text' })
}

export function eventsResponse(chain: Chain): Response {
  return toResponse(chain.events(input))
}

/** chaintap, with the interface of every library. */
export function chaintap(model: ChatModel): Client {
  const chain = chainOf(model)
  const listening =
    (hand: Hand): Listener =>
    (event) => {
      if (event.type === 'token') hand(event.token)
    }
  return {
    hasHandlers: true,
    stream({ signal, handlers = [] }) {
      const chunks = chain.stream(input, { callbacks: handlers.map(listening), ...(signal && { signal }) })
      return { chunks, textOf: (text: string) => text, toStream: () => chunks, stop: () => chunks.stop() }
    },
    invoke: async () => textOf(await model.invoke(question)),
  }
}
