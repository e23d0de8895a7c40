import { ChatPromptTemplate, type Listener, type RunEvent, type Runnable, StringOutputParser } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { encoder as jsonEncoder } from 'chaintap/json'
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
  return encoded(chain.stream(input).batches(), (batch) => batch.join(''))
}

export function eventsResponse(chain: Chain): Response {
  const json = jsonEncoder()
  const sse = (event: RunEvent): string => `id: ${event.seq}\nevent: ${event.type}\ndata: ${json(event)}\n\n`
  return encoded(chain.events(input).batches(), (batch) => {
    let text = ''
    for (const event of batch) text += sse(event)
    return text
  })
}

function encoded<T>(batches: ReadableStream<readonly T[]>, text: (batch: readonly T[]) => string): Response {
  const reader = batches.getReader()
  const encoder = new TextEncoder()
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    const { done, value } = await reader.read()
    if (done) controller.close()
    else controller.enqueue(encoder.encode(text(value)))
  }
  return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }))
}
