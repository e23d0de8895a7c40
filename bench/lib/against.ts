// Rows that compare libraries, over the same wire and with the same bare loop in the same rounds.
import { bareLoop, type Hand, lengthOf } from './bare.ts'
import { firstToken } from './first-token.ts'
import { readAhead } from './idle.ts'
import { left, wayNames } from './leave.ts'
import { type Client, type Library, type NamedLibrary, readAnswer } from './library.ts'
import { type Figure, interleaved, paired, repeated, type Samples, times, type Variant } from './measure.ts'
import { growth, type LiveBytes } from './memory.ts'
import { titles } from './titles.mjs'
import { type Chunking, type Format, serving, whole, wire } from './wire.ts'

/** The parameters of a row. */
export interface Means {
  readonly rounds: number
  readonly libraries: readonly NamedLibrary[]
  /** Absent if the engine cannot measure memory. */
  readonly liveBytes?: LiveBytes | undefined
  /** Tokens of an answer, in rows with long answers. */
  readonly tokens?: number | undefined
  /** The approximate duration of a sample, in ms. */
  readonly sampleMs?: number | undefined
}

export type Comparison = (means: Means) => Promise<readonly Figure[]>

/** The table and row of a figure. The rest of it is its value. */
type Place = Pick<Figure, 'table' | 'what'>
type Value = Omit<Figure, 'table' | 'what' | 'library'>

/** Fewer tokens than in chaintap's own rows: slow libraries take long, and are measured coarsely. */
const TOKENS = 2_000

/** The rows of one wire format. */
export function against(format: Format): Readonly<Record<string, Comparison>> {
  const place = (title: string, what: string): Place => ({ table: `${titles[format]}: ${title}`, what })
  const wireToText = (chunking: Chunking): Comparison => text(format, chunking, place('wire to text', chunking))
  return {
    '1/chunk': wireToText('1/chunk'),
    '16KiB': wireToText('16 KiB'),
    '64KiB': wireToText('64 KiB'),
    handlers: handlers(format, place('a further handler, per token', '16 KiB')),
    invoke: invoke(format, place('one-token answers', 'invoke')),
    first: first(format, place('one-token answers', 'first token after its bytes are there')),
    memory: memory(format, place('memory', 'live memory per streamed token')),
    idle: idle(format, place('an idle reader', 'wire chunks read ahead')),
    leave: leave(format, (way) => place('leaving, until the source is cancelled', way)),
  }
}

function text(format: Format, chunking: Chunking, place: Place): Comparison {
  return ({ tokens = TOKENS, ...means }) => {
    const source = wire(tokens, chunking, format)
    const fetch = serving(whole(source))
    return sampled(means, place, {
      bare: repeated('bare', () => lengthOf((hand) => bareLoop(fetch, hand, format)), source.text.length),
      variants({ name, library }) {
        const client = library(fetch)
        return [repeated(name, () => lengthOf((hand) => readAnswer(client, hand)), source.text.length)]
      },
      value: (samples, name) => times(samples, name),
    })
  }
}

/** The cost of a further handler is derived from 13 and 3 of them. */
function handlers(format: Format, place: Place): Comparison {
  return ({ tokens = TOKENS / 2, libraries, ...means }) => {
    const source = wire(tokens, '16 KiB', format)
    const fetch = serving(whole(source))
    const withHandlers = libraries.filter(({ library }) => library(fetch).hasHandlers)
    return sampled({ ...means, libraries: withHandlers }, place, {
      variants: ({ name, library }) =>
        [3, 13].map((count) => {
          const client = library(fetch)
          return repeated(`${name}, ${count}`, () => charactersReceived(client, count), source.text.length * count)
        }),
      value: (samples, name) => ({
        ...paired(samples, `${name}, 13`, `${name}, 3`, (more, few) => ((more - few) * 1e6) / 10 / tokens),
        unit: 'ns',
      }),
    })
  }
}

function invoke(format: Format, place: Place): Comparison {
  return (means) => {
    const source = wire(1, '1/chunk', format)
    const fetch = serving(whole(source))
    return sampled(means, place, {
      bare: repeated('bare', () => lengthOf((hand) => bareLoop(fetch, hand, format)), source.text.length),
      variants({ name, library }) {
        const client = library(fetch)
        return [repeated(name, async () => (await client.invoke()).length, source.text.length)]
      },
      value: times,
    })
  }
}

function first(format: Format, place: Place): Comparison {
  return (means) => {
    const source = wire(1, '1/chunk', format)
    return sampled(means, place, {
      bare: firstToken('bare', source, (fetch, hand) => bareLoop(fetch, hand, format)),
      variants: ({ name, library }) => [
        firstToken(name, source, (fetch, hand) => readAnswer(library(fetch), (text) => text && hand(text))),
      ],
      value: times,
    })
  }
}

function memory(format: Format, place: Place): Comparison {
  return async ({ tokens = 1_000_000, liveBytes, ...means }) => {
    if (!liveBytes) return []
    return looked(means, place, async (library) => ({
      value: (await growth((fetch, hand) => readAnswer(library(fetch), hand), liveBytes, tokens, format)) / tokens,
      unit: 'B',
    }))
  }
}

function idle(format: Format, place: Place): Comparison {
  return (means) =>
    looked(means, place, async (library) => {
      const { pulled, isAll } = await readAhead(library, format)
      return { value: pulled, unit: '', ...(isAll && { says: 'everything' }) }
    })
}

function leave(format: Format, place: (way: string) => Place): Comparison {
  return async (means) => {
    const figures: Figure[] = []
    for (const way of wayNames) figures.push(...(await looked(means, place(way), (library) => left(library, way, format, means.rounds))))
    return figures
  }
}

/** A row that is measured in rounds: the variants of each library, and the value derived from their samples. */
interface Sampled {
  readonly bare?: Variant
  variants(library: NamedLibrary): readonly Variant[]
  value(samples: Samples, library: string): Value
}

async function sampled(
  { libraries, rounds, sampleMs }: Means,
  place: Place,
  { bare, variants, value }: Sampled,
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  const sound: { readonly name: string; readonly made: readonly Variant[] }[] = []
  for (const library of libraries) {
    const failure = await failureOf(async () => {
      const made = variants(library)
      for (const { sample } of made) await sample(1)
      sound.push({ name: library.name, made })
    })
    if (failure) figures.push({ ...place, library: library.name, ...failure })
  }
  const samples = await interleaved([...(bare ? [bare] : []), ...sound.flatMap(({ made }) => made)], rounds, sampleMs)
  return [...sound.map(({ name }) => ({ ...place, library: name, ...value(samples, name) })), ...figures]
}

/** Measures a row without rounds, one library at a time. */
async function looked(
  { libraries }: Pick<Means, 'libraries'>,
  place: Place,
  look: (library: Library) => Promise<Value | undefined>,
): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const { name, library } of libraries) {
    let value: Value | undefined
    const failure = await failureOf(async () => {
      value = await look(library)
    })
    const result = failure ?? value
    if (result) figures.push({ ...place, library: name, ...result })
  }
  return figures
}

async function failureOf(work: () => Promise<void>): Promise<Value | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return { value: 0, unit: '×', says: `fails: ${error instanceof Error ? error.message : String(error)}` }
  }
}

/** Returns the number of characters that all handlers together have received. */
async function charactersReceived(client: Client, handlers: number): Promise<number> {
  const counts = Array.from({ length: handlers }, () => ({ characters: 0 }))
  const hands = counts.map(
    (count): Hand =>
      (text) => {
        count.characters += text.length
      },
  )
  await readAnswer(client, () => undefined, { handlers: hands })
  return counts.reduce((sum, { characters }) => sum + characters, 0)
}
