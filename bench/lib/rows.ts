// The rows of the results, with the same code in every engine.
import { textOf } from 'chaintap'
import { against, type Comparison, type Means } from './against.ts'
import { bareGenerator, bareLoop, bareResponse, type Hand, lengthOf } from './bare.ts'
import { firstToken } from './first-token.ts'
import { readAhead } from './idle.ts'
import { left, wayNames } from './leave.ts'
import { type Figure, interleaved, paired, quantile, repeated, type Samples, times, type Variant } from './measure.ts'
import { growth } from './memory.ts'
import { meterRows } from './meter.ts'
import { chainOver, eventsResponse, handlers, modelOver, readChain, textResponse } from './ours.ts'
import ours from './ours-anthropic.ts'
import { type Chunking, type Format, serving, whole, wire } from './wire.ts'

export { median } from './measure.ts'

export interface Row {
  readonly variants: readonly Variant[]
  figures(samples: Samples): readonly Figure[]
}

/** Rows that are measured in rounds, for answers of this many tokens. The default is the number that the budget is defined for. */
export const rows: Readonly<Record<string, (tokens?: number) => Row>> = {
  'wire-1/chunk': (tokens = 20_000) => wireToText(tokens, '1/chunk', 1.25),
  'wire-16KiB': (tokens = 20_000) => wireToText(tokens, '16 KiB', 1.45),
  'worker-1/chunk': (tokens = 1_000) => workerAnswer(tokens, '1/chunk', { text: 2, events: 3 }),
  'worker-16KiB': (tokens = 1_000) => workerAnswer(tokens, '16 KiB', {}),
  invoke: () => oneToken(),
  first: () => first(),
  ...meterRows,
}

/** Rows that are measured without rounds. */
const looks: Readonly<Record<string, (means: Means) => Promise<readonly Figure[]>>> = { memory, idle, leave }

/** Rows with peers, by name, e.g. `peers-openai-invoke`. */
const comparisons: Readonly<Record<string, Comparison>> = Object.fromEntries(
  (['anthropic', 'openai'] satisfies readonly Format[]).flatMap((format) =>
    Object.entries(against(format)).map(([row, comparison]) => [`peers-${format}-${row}`, comparison]),
  ),
)

export const rowNames: readonly string[] = Object.keys({ ...rows, ...looks, ...comparisons })

/** Returns the figures of a row; none if the engine cannot measure them. */
export async function measureRow(row: string, means: Means): Promise<readonly Figure[]> {
  const measured = looks[row] ?? comparisons[row]
  if (measured) return measured(means)
  const made = rows[row]?.()
  if (!made) throw new Error(`Unknown row: ${row}.`)
  return made.figures(await interleaved(made.variants, means.rounds))
}

/** The body of an answer of one token. */
export async function shortAnswer(format: Format): Promise<string> {
  const response = await serving(whole(wire(1, '1/chunk', format)))('https://api.test')
  return response.text()
}

/** Runs one variant alone for `ms`, for a profile. */
export async function repeatVariant(row: string, variant: string, ms: number): Promise<void> {
  const found = rows[row]?.().variants.find(({ name }) => name === variant)
  if (!found) throw new Error(`The row ${row} has no variant ${variant}.`)
  for (const end = performance.now() + ms; performance.now() < end; ) await found.sample(1)
}

function wireToText(tokens: number, chunking: Chunking, budget: number): Row {
  const source = wire(tokens, chunking)
  const fetch = serving(whole(source))
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
      { what: `wire → text, ${chunking}: chain, 3 handlers`, ...times(samples, 'chain, 3 handlers'), budget },
      {
        what: `wire → text, ${chunking}: each further handler, per token`,
        ...paired(samples, 'chain, 13 handlers', 'chain, 3 handlers', (more, few) => ((more - few) * 1e6) / 10 / tokens),
        unit: 'ns',
        budget: 20,
      },
      { what: `wire → text, ${chunking}: chain, no handler`, ...times(samples, 'chain, 0 handlers') },
      { what: `wire → text, ${chunking}: bare loop in an async generator`, ...times(samples, 'generator') },
      scale(samples, `wire → text, ${chunking}: bare loop, per token`, tokens),
    ],
  }
}

function workerAnswer(tokens: number, chunking: Chunking, budgets: { readonly text?: number; readonly events?: number }): Row {
  const source = wire(tokens, chunking)
  const fetch = serving(whole(source))
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
      { what: `a Worker's answer, ${chunking}: text`, ...times(samples, 'text'), budget: budgets.text },
      { what: `a Worker's answer, ${chunking}: events`, ...times(samples, 'events'), budget: budgets.events },
      scale(samples, `a Worker's answer, ${chunking}: bare loop, per token`, tokens),
    ],
  }
}

function oneToken(): Row {
  const source = wire(1, '1/chunk')
  const fetch = serving(whole(source))
  const model = modelOver(fetch)
  return {
    variants: [
      repeated('bare', () => lengthOf((hand) => bareLoop(fetch, hand)), source.text.length),
      repeated('invoke', async () => textOf(await model.invoke('Tell me a joke about bears')).length, source.text.length),
    ],
    figures: (samples) => [
      { what: 'invoke, one-token answer', ...times(samples, 'invoke'), budget: 25 / 12 },
      scale(samples, 'invoke, one-token answer: bare loop'),
    ],
  }
}

function first(): Row {
  const source = wire(1, '1/chunk')
  return {
    variants: [firstToken('bare', source, bareLoop), firstToken('chain', source, (fetch, hand) => readChain(chainOver(fetch), hand))],
    figures: (samples) => [{ what: 'first token', ...times(samples, 'chain'), budget: 1.5 }, scale(samples, 'first token: bare loop')],
  }
}

async function memory({ liveBytes, tokens = 1_000_000 }: Means): Promise<readonly Figure[]> {
  if (!liveBytes) return []
  const grown = await growth((fetch, hand) => readChain(chainOver(fetch), hand), liveBytes, tokens)
  return [{ what: `live memory over ${tokens} tokens`, value: grown / 1_048_576, unit: 'MB', budget: 1 }]
}

async function idle(): Promise<readonly Figure[]> {
  const { pulled } = await readAhead(ours, 'anthropic')
  return [{ what: 'an idle reader: wire chunks read ahead', value: pulled, unit: '', budget: 1 }]
}

async function leave({ rounds }: Means): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const way of wayNames) {
    const value = await left(ours, way, 'anthropic', rounds)
    if (value) figures.push({ what: `time from ${way} until the source is cancelled`, ...value, budget: 0.2 })
  }
  return figures
}

async function bytesIn({ body }: Response): Promise<number> {
  const reader = body?.getReader()
  let length = 0
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) length += read.value.length
  return length
}

/** The time of the bare loop, for comparison, without a budget. */
const scale = (samples: Samples, what: string, tokens = 1): Figure => ({
  what,
  value: (quantile(samples.bare ?? [], 0.5) * 1e3) / tokens,
  unit: 'µs',
})
