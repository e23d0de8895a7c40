// The rows of the table, the same code in every engine.
import { textOf } from 'chaintap'
import { bareGenerator, bareLoop, bareResponse, type Hand } from './bare.ts'
import { firstToken } from './first-token.ts'
import { type Figure, interleaved, paired, quantile, repeated, type Samples, type Variant } from './measure.ts'
import { growth, type LiveBytes } from './memory.ts'
import { chainOver, eventsResponse, handlers, modelOver, readChain, textResponse } from './ours.ts'
import { type Chunking, serving, type Wire, wire } from './wire.ts'

export interface Row {
  readonly variants: readonly Variant[]
  figures(samples: Samples): readonly Figure[]
}

/** Of each row that compares: made for answers of so many tokens, else for as many as the budget is about. */
export const rows: Readonly<Record<string, (tokens?: number) => Row>> = {
  'wire-1/chunk': (tokens = 20_000) => wireToText(tokens, '1/chunk', 1.25),
  'wire-16KiB': (tokens = 20_000) => wireToText(tokens, '16 KiB', 1.45),
  'worker-1/chunk': (tokens = 1_000) => workerAnswer(tokens, '1/chunk', { text: 2, events: 3 }),
  'worker-16KiB': (tokens = 1_000) => workerAnswer(tokens, '16 KiB', {}),
  invoke: () => oneToken(),
  first: () => first(),
}

/** The rows that can be measured: {@link rows}, and `memory`, for which the engine has to tell what is in use. */
export const rowNames: readonly string[] = [...Object.keys(rows), 'memory']

/** The figures of a row; none where the engine cannot give them. */
export async function measureRow(row: string, rounds: number, liveBytes?: LiveBytes): Promise<readonly Figure[]> {
  if (row === 'memory') return liveBytes ? [await growth(liveBytes, 1_000_000)] : []
  const made = rows[row]?.()
  if (!made) throw new Error(`There is no row ${row}`)
  return made.figures(await interleaved(made.variants, rounds))
}

/** Runs one variant alone for so long, for a profile. */
export async function repeatVariant(row: string, variant: string, ms: number): Promise<void> {
  const found = rows[row]?.().variants.find(({ name }) => name === variant)
  if (!found) throw new Error(`There is no variant ${variant} in ${row}`)
  for (const end = performance.now() + ms; performance.now() < end; ) await found.sample(1)
}

function wireToText(tokens: number, chunking: Chunking, budget: number): Row {
  const source = wire(tokens, chunking)
  const fetch = served(source)
  const chain = chainOver(fetch)
  const read = (name: string, reading: (hand: Hand) => Promise<void>): Variant =>
    repeated(name, () => lengthOf(reading), source.text.length)
  const ours = (count: number): Variant => read(`chain, ${count} handlers`, (hand) => readChain(chain, hand, handlers(count)))
  const generator = async (hand: Hand): Promise<void> => {
    for await (const text of bareGenerator(fetch)) hand(text)
  }
  return {
    variants: [read('bare', (hand) => bareLoop(fetch, hand)), read('generator', generator), ours(0), ours(3), ours(13)],
    figures: (samples) => [
      times(samples, `wire → text, ${chunking}: chain, 3 handlers`, 'chain, 3 handlers', budget),
      {
        what: `wire → text, ${chunking}: each further handler, per token`,
        ...paired(samples, 'chain, 13 handlers', 'chain, 3 handlers', (more, few) => ((more - few) * 1e6) / 10 / tokens),
        unit: 'ns',
        budget: 20,
      },
      times(samples, `wire → text, ${chunking}: chain, no handler`, 'chain, 0 handlers'),
      times(samples, `wire → text, ${chunking}: bare loop in an async generator`, 'generator'),
      scale(samples, `wire → text, ${chunking}: bare loop, per token`, tokens),
    ],
  }
}

function workerAnswer(tokens: number, chunking: Chunking, budgets: { readonly text?: number; readonly events?: number }): Row {
  const source = wire(tokens, chunking)
  const fetch = served(source)
  const chain = chainOver(fetch)
  const answer = (name: string, respond: () => Response | Promise<Response>): Variant =>
    repeated(name, async () => bytesIn(await respond()), source.text.length)
  return {
    variants: [
      answer('bare', () => bareResponse(fetch)),
      answer('text', () => textResponse(chain)),
      answer('events', () => eventsResponse(chain)),
    ],
    figures: (samples) => [
      times(samples, `a Worker's answer, ${chunking}: text`, 'text', budgets.text),
      times(samples, `a Worker's answer, ${chunking}: events`, 'events', budgets.events),
      scale(samples, `a Worker's answer, ${chunking}: bare loop, per token`, tokens),
    ],
  }
}

function oneToken(): Row {
  const { text, opening, deltas, ending } = wire(1, '1/chunk')
  const fetch = serving([...opening, ...deltas, ...ending])
  const model = modelOver(fetch)
  return {
    variants: [
      repeated('bare', () => lengthOf((hand) => bareLoop(fetch, hand)), text.length),
      repeated('invoke', async () => textOf(await model.invoke('Tell me a joke about bears')).length, text.length),
    ],
    figures: (samples) => [
      times(samples, 'invoke, one-token answer', 'invoke', 25 / 12),
      scale(samples, 'invoke, one-token answer: bare loop'),
    ],
  }
}

function first(): Row {
  const source = wire(1, '1/chunk')
  return {
    variants: [firstToken('bare', source, bareLoop), firstToken('chain', source, (fetch, hand) => readChain(chainOver(fetch), hand))],
    figures: (samples) => [times(samples, 'first token', 'chain', 1.5), scale(samples, 'first token: bare loop')],
  }
}

const served = ({ opening, deltas, ending }: Wire): typeof fetch => serving([...opening, ...deltas, ...ending])

async function lengthOf(reading: (hand: Hand) => Promise<void>): Promise<number> {
  let length = 0
  await reading((text) => {
    length += text.length
  })
  return length
}

async function bytesIn({ body }: Response): Promise<number> {
  const reader = body?.getReader()
  let length = 0
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) length += read.value.length
  return length
}

function times(samples: Samples, what: string, variant: string, budget?: number): Figure {
  const ratio = paired(samples, variant, 'bare', (ours, bare) => ours / bare)
  return { what, ...ratio, unit: '×', ...(budget !== undefined && { budget }) }
}

/** What the bare loop takes: for scale, and no gate. */
const scale = (samples: Samples, what: string, tokens = 1): Figure => ({
  what,
  value: (quantile(samples.bare ?? [], 0.5) * 1e3) / tokens,
  unit: 'µs',
})
