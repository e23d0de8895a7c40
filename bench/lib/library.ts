// The interface of the measured libraries, chaintap included. Each adapter uses its library as its documentation shows.
import type { Hand } from './bare.ts'

/** Creates a library's chain or client with this `fetch`. */
export type Library = (fetch: typeof globalThis.fetch) => Client

export interface Client {
  /** Whether it has handlers that receive tokens, in any number. */
  readonly hasHandlers?: true
  stream(call: Call): Answer<unknown> | Promise<Answer<unknown>>
  /** Returns the whole text of an answer that is streamed on the wire. */
  invoke(): Promise<string>
}

export interface Call {
  readonly signal?: AbortSignal
  /** The functions that its handlers call, one for each handler. */
  readonly handlers?: readonly Hand[]
}

export interface Answer<Chunk> {
  /** The iterable of its documentation. */
  readonly chunks: AsyncIterable<Chunk>
  /** Returns the text of a chunk; '' if it has none. */
  textOf(chunk: Chunk): string
  /** Returns the answer as a stream, if that is possible. */
  toStream?(): ReadableStream<unknown>
  /** The library's own method to stop, if it has one. */
  readonly stop?: (() => void) | undefined
  /** Settles when the handlers have received everything, if reading to the end does not imply it. */
  handlersDone?(): Promise<unknown>
}

export interface NamedLibrary {
  readonly name: string
  readonly library: Library
}

export const question = 'Tell me a joke about bears'

export async function readAnswer(client: Client, hand: Hand, call: Call = {}): Promise<void> {
  const answer = await client.stream(call)
  for await (const chunk of answer.chunks) hand(answer.textOf(chunk))
  await answer.handlersDone?.()
}
