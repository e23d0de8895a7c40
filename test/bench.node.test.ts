import { decoder } from 'chaintap/json'
import { describe, expect, it } from 'vitest'
import { bareGenerator, bareLoop, bareResponse, type Hand } from '../bench/lib/bare.ts'
import { readAhead } from '../bench/lib/idle.ts'
import { left, wayNames } from '../bench/lib/leave.ts'
import { type Library, readAnswer } from '../bench/lib/library.ts'
import { interleaved } from '../bench/lib/measure.ts'
import { growth } from '../bench/lib/memory.ts'
import { chainOver, eventsResponse, handlers, readChain, textResponse } from '../bench/lib/ours.ts'
import ours from '../bench/lib/ours-anthropic.ts'
import { measureRow, rowNames, rows } from '../bench/lib/rows.ts'
import { type Chunking, type Format, serving, whole, wire } from '../bench/lib/wire.ts'

async function textOf(reading: (hand: Hand) => Promise<void>): Promise<string> {
  let text = ''
  await reading((token) => {
    text += token
  })
  return text
}

async function* values<T>(all: readonly T[]): AsyncGenerator<T, void> {
  yield* all
}

/** Reads the whole answer before it yields any of it, and never cancels. */
const eager =
  (format: Format): Library =>
  (fetch) => ({
    async stream() {
      const texts: string[] = []
      await bareLoop(fetch, (text) => void texts.push(text), format)
      return {
        chunks: values(texts),
        textOf: String,
      }
    },
    invoke: () => textOf((hand) => bareLoop(fetch, hand, format)),
  })

describe.each<Chunking>(['1/chunk', '16 KiB', '64 KiB'])('the measured answer, %s', (chunking) => {
  const source = wire(700, chunking)
  const fetch = serving(whole(source))
  const chain = chainOver(fetch)

  it('is read equally by the bare loop and by the chain', async () => {
    const generator = async (hand: Hand) => {
      for await (const token of bareGenerator(fetch)) hand(token)
    }
    expect(await textOf((hand) => bareLoop(fetch, hand))).toBe(source.text)
    expect(await textOf(generator)).toBe(source.text)
    expect(await textOf((hand) => readChain(chain, hand, handlers(3)))).toBe(source.text)
    expect(await textOf((hand) => readAnswer(ours(fetch), hand))).toBe(source.text)
  })

  it('has the same text on both wires', async () => {
    const openai = wire(700, chunking, 'openai')
    expect(openai.text).toBe(source.text)
    expect(await textOf((hand) => bareLoop(serving(whole(openai)), hand, 'openai'))).toBe(source.text)
  })

  it('has the same text in every response', async () => {
    expect(await (await bareResponse(fetch)).text()).toBe(source.text)
    expect(await textResponse(chain).text()).toBe(source.text)
    const events =
      (await eventsResponse(chain).text())
        .match(/(?<=^data: ).*$/gm)
        ?.slice(0, -1)
        .map(decoder()) ?? []
    expect(events.flatMap((event) => (event.type === 'chunk' ? [event.chunk] : [])).join('')).toBe(source.text)
  })

  it('has the chunks that its name says', () => {
    const bytes = source.deltas.reduce((sum, { length }) => sum + length, 0)
    expect(source.deltas.length).toBe(chunking === '1/chunk' ? 700 : Math.ceil(bytes / (Number.parseInt(chunking, 10) * 1024)))
    expect(source.text).toMatch(/["\n]/)
  })
})

describe('each row', () => {
  it.each(Object.entries(rows))('%s returns its figures', async (_, row) => {
    const { variants, figures } = row(50)
    const measured = figures(await interleaved(variants, 2, 1))
    expect(measured.length).toBeGreaterThan(1)
    expect(measured.filter(({ value }) => !Number.isFinite(value))).toEqual([])
  })

  it('growth() returns the maximum growth of memory', async () => {
    const [warmUp, before, during] = [Array(10).fill(99), 3, [3, 3, 4, 5, 4, 3, 7, 3, 3, 3]]
    const inUse = [...warmUp, before, ...during]
    const read = (fetch: typeof globalThis.fetch, hand: Hand) => readChain(chainOver(fetch), hand)
    expect(await growth(read, () => inUse.shift() ?? Number.NaN, 100_000)).toBe(4)
  })

  it('measureRow() throws for an unknown name', async () => {
    await expect(measureRow('no-such-row', { rounds: 1, libraries: [] })).rejects.toThrow('no-such-row')
    expect(await measureRow('memory', { rounds: 1, libraries: [] })).toEqual([])
  })
})

describe('libraries side by side', () => {
  const sampled = rowNames.filter((row) => /^peers-anthropic-(1|16|64|handlers|invoke|first)/.test(row))

  it.each(sampled)('%s has a figure of each library', async (row) => {
    const libraries = ['one', 'other'].map((name) => ({ name, library: ours }))
    const figures = await measureRow(row, { rounds: 1, tokens: 20, sampleMs: 1, libraries })
    expect(figures.map(({ library, value, says }) => [library, Number.isFinite(value), says])).toEqual([
      ['one', true, undefined],
      ['other', true, undefined],
    ])
  })

  it('a library that fails is named, and the others are measured', async () => {
    const silent: Library = (fetch) => ({ ...ours(fetch), invoke: async () => '' })
    const libraries = [
      { name: 'silent', library: silent },
      { name: 'ours', library: ours },
    ]
    const figures = await measureRow('peers-anthropic-invoke', { rounds: 1, sampleMs: 1, libraries })
    expect(figures.map(({ library, says }) => [library, says?.slice(0, 23)])).toEqual([
      ['ours', undefined],
      ['silent', 'fails: silent delivered'],
    ])
  })

  it('a library without handlers is left out of the handlers row', async () => {
    const libraries = [{ name: 'eager', library: eager('openai') }]
    expect(await measureRow('peers-openai-handlers', { rounds: 1, tokens: 20, sampleMs: 1, libraries })).toEqual([])
  })

  it('readAhead() counts the chunks that are read ahead', async () => {
    expect(await readAhead(ours, 'anthropic', 20)).toEqual({ pulled: 0, isAll: false })
    expect(await readAhead(eager('openai'), 'openai', 20)).toMatchObject({ isAll: true })
  })
})

describe('left()', () => {
  it.each(wayNames)('%s cancels the source', async (way) => {
    expect(await left(ours, way, 'anthropic', 1)).toMatchObject({ unit: 'ms' })
    expect(await left(ours, way, 'anthropic', 1)).not.toHaveProperty('says')
  })

  it('reports a library that does not cancel', async () => {
    const ignoring: Library = (fetch) => {
      const client = ours(fetch)
      return { ...client, stream: () => client.stream({}) }
    }
    expect(await left(ignoring, 'abort', 'anthropic', 1)).toMatchObject({ says: 'never' })
    const { stream, invoke } = ours(() => Promise.reject(new Error('not called')))
    const stopless: Library = () => ({ invoke, stream: async (call) => ({ ...(await stream(call)), stop: undefined }) })
    expect(await left(stopless, 'stop()', 'anthropic', 1)).toBeUndefined()
  })
})
