// Rows of the meter: somebody else's client, which is the bare loop, over a metered fetch and over a plain one.
import { meter } from 'chaintap/tokens'
import { bareLoop, lengthOf } from './bare.ts'
import { type Figure, repeated, times, type Variant } from './measure.ts'
import type { Row } from './rows.ts'
import { titles } from './titles.mjs'
import { type Chunking, type Format, serving, whole, wire } from './wire.ts'

/** By name, as `rows` of rows.ts has them. */
export const meterRows: Readonly<Record<string, (tokens?: number) => Row>> = Object.fromEntries(
  (['anthropic', 'openai'] satisfies readonly Format[]).flatMap((format) => [
    [`meter-${format}-1/chunk`, (tokens = 4_000) => metered(format, '1/chunk', tokens, 1.35)],
    [`meter-${format}-16KiB`, (tokens = 4_000) => metered(format, '16 KiB', tokens, 1.2)],
  ]),
)

function metered(format: Format, chunking: Chunking, tokens: number, budget: number): Row {
  const source = wire(tokens, chunking, format)
  const fetch = serving(whole(source))
  const read = (name: string, by: typeof globalThis.fetch): Variant =>
    repeated(name, () => lengthOf((hand) => bareLoop(by, hand, format)), source.text.length)
  const counted = meter(fetch, ({ usage }) => {
    if (usage?.outputTokens !== tokens) throw new Error(`Counted ${usage?.outputTokens} of ${tokens} tokens`)
  })
  const what = (which: string): string => `${titles[format]}, ${chunking}: the bare loop over ${which}`
  return {
    variants: [read('bare', fetch), read('metered', counted), read('through', through(fetch))],
    figures: (samples): readonly Figure[] => [
      { what: what('a metered fetch'), ...times(samples, 'metered'), budget },
      { what: what('a fetch whose body goes through one more stream'), ...times(samples, 'through') },
    ],
  }
}

/** What a meter cannot be without: a stream of its own before the body. */
function through(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (input, init) => {
    const response = await fetch(input, init)
    const reader = response.body?.getReader()
    const body = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const read = await reader?.read()
          if (!read || read.done) controller.close()
          else controller.enqueue(read.value)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, response)
  }
}
