// The reference: a loop as a careful programmer writes it by hand, without chains, handlers and error handling.
import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Bytes, Format } from './wire.ts'

export type Hand = (text: string) => void

const more = { stream: true }

interface Provider {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
  parser(hand: Hand): EventSourceParser
}

const messages = [{ role: 'user', content: 'Tell me a joke about bears' }]

const providers: Readonly<Record<Format, Provider>> = {
  anthropic: {
    url: 'https://api.anthropic.com/v1/messages',
    headers: { 'anthropic-version': '2023-06-01', 'x-api-key': 'key' },
    body: { model: 'claude', max_tokens: 4096, stream: true, messages },
    parser: (hand) =>
      createParser({
        onEvent({ data }) {
          const event = JSON.parse(data)
          if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') hand(event.delta.text)
        },
      }),
  },
  openai: {
    url: 'https://api.openai.com/v1/chat/completions',
    headers: { authorization: 'Bearer key' },
    body: { model: 'gpt', stream: true, stream_options: { include_usage: true }, messages },
    parser: (hand) =>
      createParser({
        onEvent({ data }) {
          if (data === '[DONE]') return
          const text = JSON.parse(data).choices[0]?.delta.content
          if (text) hand(text)
        },
      }),
  },
}

async function ask(fetch: typeof globalThis.fetch, { url, headers, body }: Provider): Promise<ReadableStreamDefaultReader<Bytes>> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.body) throw new Error('The response has no body.')
  return response.body.getReader()
}

export async function bareLoop(fetch: typeof globalThis.fetch, hand: Hand, format: Format = 'anthropic'): Promise<void> {
  const reader = await ask(fetch, providers[format])
  const decoder = new TextDecoder()
  const parser = providers[format].parser(hand)
  for (let read = await reader.read(); !read.done; read = await reader.read()) parser.feed(decoder.decode(read.value, more))
}

/** The loop as an async generator: the cost of `for await` alone. */
export async function* bareGenerator(fetch: typeof globalThis.fetch): AsyncGenerator<string, void> {
  const reader = await ask(fetch, providers.anthropic)
  const decoder = new TextDecoder()
  let texts: string[] = []
  const parser = providers.anthropic.parser((text) => void texts.push(text))
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parser.feed(decoder.decode(read.value, more))
    yield* texts
    texts = []
  }
}

/** The loop in a Worker: converts the provider's bytes to a plain text response, with one chunk for each chunk that has text. */
export async function bareResponse(fetch: typeof globalThis.fetch): Promise<Response> {
  const reader = await ask(fetch, providers.anthropic)
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  let text = ''
  const parser = providers.anthropic.parser((token) => {
    text += token
  })
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> => {
    while (text === '') {
      const { done, value } = await reader.read()
      if (done) return controller.close()
      parser.feed(decoder.decode(value, more))
    }
    controller.enqueue(encoder.encode(text))
    text = ''
  }
  return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }))
}

/** Returns the number of characters that a reader delivers. */
export async function lengthOf(reading: (hand: Hand) => Promise<void>): Promise<number> {
  let length = 0
  await reading((text) => {
    length += text.length
  })
  return length
}
