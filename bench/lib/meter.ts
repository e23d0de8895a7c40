// Rows of the meter: the bare loop, in place of another client, over a metered fetch and over a plain one.
import { meter } from 'chaintap/meter'
import { createParser } from 'eventsource-parser'
import { bareLoop, lengthOf } from './bare.ts'
import { type Figure, repeated, times, type Variant } from './measure.ts'
import type { Row } from './rows.ts'
import { titles } from './titles.mjs'
import { type Bytes, type Chunking, type Format, serving, whole, wire } from './wire.ts'

/** By name, like `rows` of rows.ts. */
export const meterRows: Readonly<Record<string, (tokens?: number) => Row>> = Object.fromEntries(
  (['anthropic', 'openai'] satisfies readonly Format[]).flatMap((format) => [
    [`meter-${format}-1/chunk`, (tokens = 4_000) => metered(format, '1/chunk', tokens, 1.35)],
    [`meter-${format}-16KiB`, (tokens = 4_000) => metered(format, '16 KiB', tokens, 1.2)],
  ]),
)

type Fetch = typeof globalThis.fetch

function metered(format: Format, chunking: Chunking, tokens: number, budget: number): Row {
  const source = wire(tokens, chunking, format)
  const fetch = serving(whole(source))
  const check = (counted: number | undefined): void => {
    if (counted !== tokens) throw new Error(`Counted ${counted} of ${tokens} tokens.`)
  }
  const read = (name: string, by: Fetch): Variant =>
    repeated(name, () => lengthOf((hand) => bareLoop(by, hand, format)), source.text.length)
  const by = meter(fetch, ({ usage }) => check(usage?.outputTokens))
  const what = (which: string): string => `meter, ${titles[format]}, ${chunking}: ${which}`
  return {
    variants: [read('bare', fetch), read('metered', by), read('through', through(fetch)), read('tee', teed(fetch, check))],
    figures: (samples): readonly Figure[] => [
      { what: what('the bare loop, metered'), ...times(samples, 'metered'), budget },
      { what: what('the bare loop behind one more stream'), ...times(samples, 'through') },
      { what: what('the bare loop with a parsed tee'), ...times(samples, 'tee') },
    ],
  }
}

/** The minimum of a meter: one more stream around the body. */
function through(fetch: Fetch): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const reader = response.body?.getReader()
    const pull = async (controller: ReadableStreamDefaultController<Bytes>): Promise<void> => {
      const read = await reader?.read()
      if (!read || read.done) controller.close()
      else controller.enqueue(read.value)
    }
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), response)
  }
}

/** A meter written in ten lines. */
function teed(fetch: Fetch, onTokens: (tokens: number | undefined) => void): Fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const [theirs, ours] = response.body?.tee() ?? []
    if (ours) void counted(ours).then(onTokens)
    return new Response(theirs, response)
  }
}

async function counted(body: ReadableStream<Bytes>): Promise<number | undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let tokens: number | undefined
  const parser = createParser({
    onEvent({ data }) {
      const { usage } = data === '[DONE]' ? {} : JSON.parse(data)
      tokens = usage?.output_tokens ?? usage?.completion_tokens ?? tokens
    },
  })
  for (let read = await reader.read(); !read.done; read = await reader.read()) parser.feed(decoder.decode(read.value, { stream: true }))
  return tokens
}
