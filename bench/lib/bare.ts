// The yardstick: what a careful programmer writes by hand, without chains, handlers and errors.
import { createParser, type EventSourceParser } from 'eventsource-parser'
import type { Bytes } from './wire.ts'

export type Hand = (text: string) => void

const more = { stream: true }

function textParser(hand: Hand): EventSourceParser {
  return createParser({
    onEvent({ data }) {
      const event = JSON.parse(data)
      if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') hand(event.delta.text)
    },
  })
}

async function ask(fetch: typeof globalThis.fetch): Promise<ReadableStreamDefaultReader<Bytes>> {
  const content = 'Tell me a joke about bears'
  const { body } = await fetch('https://api.anthropic.com/v1/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', 'x-api-key': 'key' },
    body: JSON.stringify({ model: 'claude', max_tokens: 4096, stream: true, messages: [{ role: 'user', content }] }),
  })
  if (!body) throw new Error('no body')
  return body.getReader()
}

export async function bareLoop(fetch: typeof globalThis.fetch, hand: Hand): Promise<void> {
  const reader = await ask(fetch)
  const decoder = new TextDecoder()
  const parser = textParser(hand)
  for (let read = await reader.read(); !read.done; read = await reader.read()) parser.feed(decoder.decode(read.value, more))
}

/** The loop as something that can be iterated: what a step that wants `for await` costs by itself. */
export async function* bareGenerator(fetch: typeof globalThis.fetch): AsyncGenerator<string, void> {
  const reader = await ask(fetch)
  const decoder = new TextDecoder()
  let texts: string[] = []
  const parser = textParser((text) => void texts.push(text))
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parser.feed(decoder.decode(read.value, more))
    yield* texts
    texts = []
  }
}

/** The loop in a Worker: the provider's bytes to a response of plain text, a chunk for each that has some. */
export async function bareResponse(fetch: typeof globalThis.fetch): Promise<Response> {
  const reader = await ask(fetch)
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  let text = ''
  const parser = textParser((token) => {
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
