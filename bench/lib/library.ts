// What every library is asked for, each in its own idiom: chaintap and its peers alike.
import type { Hand } from './bare.ts'

/** A library's chain or client that asks by this `fetch`. */
export type Library = (fetch: typeof globalThis.fetch) => Client

export interface Client {
  /** Whether it has handlers that hear tokens, as many as one likes. */
  readonly hears?: true
  stream(call: Call): Answer<unknown> | Promise<Answer<unknown>>
  /** The whole text of an answer that is streamed on the wire. */
  invoke(): Promise<string>
}

export interface Call {
  readonly signal?: AbortSignal
  /** What its handlers do, one each. */
  readonly hear?: readonly Hand[]
}

export interface Answer<Chunk> {
  /** What its documents iterate. */
  readonly chunks: AsyncIterable<Chunk>
  /** The text of a chunk; '' where it has none. */
  textOf(chunk: Chunk): string
  /** The answer as a stream, where it is one or can become one. */
  toStream?(): ReadableStream<unknown>
  /** The library's own word for stopping, where it has one. */
  readonly stop?: (() => void) | undefined
  /** Settles when the handlers have heard all, where reading to the end does not say so. */
  heard?(): Promise<unknown>
}

export interface NamedLibrary {
  readonly name: string
  readonly library: Library
}

export const question = 'Tell me a joke about bears'

export async function readAnswer(client: Client, hand: Hand, call: Call = {}): Promise<void> {
  const answer = await client.stream(call)
  for await (const chunk of answer.chunks) hand(answer.textOf(chunk))
  await answer.heard?.()
}
