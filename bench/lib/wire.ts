import { anthropicSse } from 'chaintap/testing'

export type Bytes = Uint8Array<ArrayBuffer>

/** How an answer arrives: an event per wire chunk, the realistic arrival; or in chunks of 16 KiB, a fast one. */
export type Chunking = '1/chunk' | '16 KiB'

/** An Anthropic answer in its three parts, so that the middle can be repeated. */
export interface Wire {
  readonly text: string
  readonly opening: readonly Bytes[]
  readonly deltas: readonly Bytes[]
  readonly ending: readonly Bytes[]
}

const words =
  'a I of to is the and for not one with that from have this which about there could other after think people because through between another something different important' +
  ' understanding circumstances nevertheless characteristically'
const vocabulary = words.split(' ')
const escaped = ['\n\n', '."\n', ' "', '\n- ', '\\']

/** Numbers from 0 to 1, the same each time (mulberry32). */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Tokens as a model gives them: short words more often than long ones, most with their blank, 3 % with what JSON escapes. */
function tokens(count: number): readonly string[] {
  const roll = dice(1)
  return Array.from({ length: count }, () => {
    if (roll() < 0.03) return escaped[Math.floor(roll() * escaped.length)] ?? ''
    const word = vocabulary[Math.floor(roll() ** 2 * vocabulary.length)] ?? ''
    return roll() < 0.85 ? ` ${word}` : word
  })
}

/** A streamed answer of `count` text deltas. Like Anthropic's its deltas are padded with blanks before the last brace. */
export function wire(count: number, chunking: Chunking): Wire {
  const text = tokens(count)
  const events = anthropicSse({ text, usage: { inputTokens: 25, outputTokens: count } })
  const first = events.findIndex((event) => event.includes('text_delta'))
  const roll = dice(2)
  const padded = events.slice(first, first + count).map((event) => event.replace(/\}\n\n$/, `${' '.repeat(roll() * 16)}}\n\n`))
  const chunks = chunking === '1/chunk' ? each : cut
  return {
    text: text.join(''),
    opening: chunks(events.slice(0, first)),
    deltas: chunks(padded),
    ending: chunks(events.slice(first + count)),
  }
}

const encoder = new TextEncoder()

const each = (events: readonly string[]): readonly Bytes[] => events.map((event) => encoder.encode(event))

function cut(events: readonly string[]): readonly Bytes[] {
  const bytes = encoder.encode(events.join(''))
  return Array.from({ length: Math.ceil(bytes.length / 16_384) }, (_, index) => bytes.slice(index * 16_384, (index + 1) * 16_384))
}

/** A `fetch` that answers with these chunks, each given when it is pulled. */
export function serving(chunks: readonly Bytes[]): typeof fetch {
  return answering(() => {
    let at = 0
    return () => chunks[at++]
  })
}

/** A `fetch` that answers with what `begin()` gives, call by call, until there is nothing. */
export function answering(begin: () => () => Bytes | undefined): typeof fetch {
  return async () => {
    const next = begin()
    const pull = (controller: ReadableStreamDefaultController<Bytes>): void => {
      const chunk = next()
      if (chunk) controller.enqueue(chunk)
      else controller.close()
    }
    return respond(new ReadableStream<Bytes>({ pull }, { highWaterMark: 0 }))
  }
}

export const respond = (body: ReadableStream<Bytes>): Response => new Response(body, { headers: { 'content-type': 'text/event-stream' } })
