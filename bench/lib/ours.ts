import { ChatPromptTemplate, type Listener, type RunEvent, type Runnable, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { toResponse } from 'chaintap/edge'
import type { Hand } from './bare.ts'

export type Chain = Runnable<{ animal: string }, string>

const input = { animal: 'bears' }

export function modelOver(fetch: typeof globalThis.fetch): ChatAnthropic {
  return new ChatAnthropic({ apiKey: 'key', model: 'claude', fetch, streaming: true, dangerouslyAllowBrowser: true })
}

export function chainOver(fetch: typeof globalThis.fetch): Chain {
  return ChatPromptTemplate.fromTemplate('Tell me a joke about {animal}').pipe(modelOver(fetch)).pipe(new StringOutputParser())
}

export function handlers(count: number): readonly Listener[] {
  return Array.from({ length: count }, () => {
    const heard = { characters: 0 }
    return (event: RunEvent): void => {
      if (event.type === 'token') heard.characters += event.token.length
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
