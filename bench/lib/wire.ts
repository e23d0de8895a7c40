import { anthropicSse } from 'chaintap/testing'

export type Bytes = Uint8Array<ArrayBuffer>

/** How an answer arrives: one event per wire chunk, which is realistic, or in chunks of this size, as over a fast connection. */
export type Chunking = '1/chunk' | '16 KiB' | '64 KiB'

/** The provider whose streaming format an answer has. */
export type Format = 'anthropic' | 'openai'

/** An answer in its three parts, so that the middle can be repeated. */
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

/** Pseudo-random numbers from 0 to 1, the same each time (mulberry32). */
function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Tokens like those of a model: mostly short words, most with a space, 3 % with characters that JSON escapes. */
function tokens(count: number): readonly string[] {
  const roll = dice(1)
  return Array.from({ length: count }, () => {
    if (roll() < 0.03) return escaped[Math.floor(roll() * escaped.length)] ?? ''
    const word = vocabulary[Math.floor(roll() ** 2 * vocabulary.length)] ?? ''
    return roll() < 0.85 ? ` ${word}` : word
  })
}

/** A streamed answer of `count` text deltas. */
export function wire(count: number, chunking: Chunking, format: Format = 'anthropic'): Wire {
  const text = tokens(count)
  const { events, first } = formats[format](text)
  const chunks = chunking === '1/chunk' ? each : cut(Number.parseInt(chunking, 10) * 1024)
  return {
    text: text.join(''),
    opening: chunks(events.slice(0, first)),
    deltas: chunks(events.slice(first, first + count)),
    ending: chunks(events.slice(first + count)),
  }
}

/** The server-sent events of an answer, and the index of the first one with text. */
interface Events {
  readonly events: readonly string[]
  readonly first: number
}

const formats: Readonly<Record<Format, (text: readonly string[]) => Events>> = { anthropic, openai }

/** As at Anthropic, deltas are padded with spaces before the last brace. */
function anthropic(text: readonly string[]): Events {
  const roll = dice(2)
  const events = anthropicSse({ text, usage: { inputTokens: 25, outputTokens: text.length } })
  const padded = events.map((event) => (event.includes('text_delta') ? event.replace(/\}\n\n$/, `${' '.repeat(roll() * 16)}}\n\n`) : event))
  return { events: padded, first: events.findIndex((event) => event.includes('text_delta')) }
}

/** As at OpenAI, chunks are padded by a separate field. */
function openai(text: readonly string[]): Events {
  const roll = dice(2)
  const chunk = (choices: readonly object[], usage: object | null = null): string => {
    const head = { id: 'chatcmpl-scripted', object: 'chat.completion.chunk', created: 1_795_000_000, model: 'gpt-4.1-2025-04-14' }
    const padding = { obfuscation: 'x'.repeat(roll() * 16) }
    return `data: ${JSON.stringify({ ...head, service_tier: 'default', system_fingerprint: 'fp_scripted', choices, usage, ...padding })}\n\n`
  }
  const choice = (delta: object, finish_reason: string | null = null): string => chunk([{ index: 0, delta, logprobs: null, finish_reason }])
  const usage = { prompt_tokens: 25, completion_tokens: text.length, total_tokens: 25 + text.length }
  return {
    events: [
      choice({ role: 'assistant', content: '', refusal: null }),
      ...text.map((content) => choice({ content })),
      choice({}, 'stop'),
      chunk([], usage),
      'data: [DONE]\n\n',
    ],
    first: 1,
  }
}

const encoder = new TextEncoder()

const each = (events: readonly string[]): readonly Bytes[] => events.map((event) => encoder.encode(event))

const cut =
  (size: number) =>
  (events: readonly string[]): readonly Bytes[] => {
    const bytes = encoder.encode(events.join(''))
    return Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.slice(index * size, (index + 1) * size))
  }

/** All chunks of an answer. */
export const whole = ({ opening, deltas, ending }: Wire): readonly Bytes[] => [...opening, ...deltas, ...ending]

/** A `fetch` that responds with these chunks, each delivered when it is pulled. */
export function serving(chunks: readonly Bytes[]): typeof fetch {
  return answering(() => {
    let at = 0
    return () => chunks[at++]
  })
}

/** A `fetch` that responds with the chunks that the function of `begin()` returns, one per pull, until it returns undefined. */
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
