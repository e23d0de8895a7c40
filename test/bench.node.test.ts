import { decoder } from 'chaintap/json'
import { describe, expect, it } from 'vitest'
import { bareGenerator, bareLoop, bareResponse, type Hand } from '../bench/lib/bare.ts'
import { interleaved } from '../bench/lib/measure.ts'
import { growth } from '../bench/lib/memory.ts'
import { chainOver, eventsResponse, handlers, readChain, textResponse } from '../bench/lib/ours.ts'
import { measureRow, rows } from '../bench/lib/rows.ts'
import { type Chunking, serving, wire } from '../bench/lib/wire.ts'

async function textOf(reading: (hand: Hand) => Promise<void>): Promise<string> {
  let text = ''
  await reading((token) => {
    text += token
  })
  return text
}

describe.each<Chunking>(['1/chunk', '16 KiB'])('the answer that is measured, %s', (chunking) => {
  const { text, opening, deltas, ending } = wire(700, chunking)
  const fetch = serving([...opening, ...deltas, ...ending])
  const chain = chainOver(fetch)

  it('is read alike by the bare loop and by the chain', async () => {
    const generator = async (hand: Hand) => {
      for await (const token of bareGenerator(fetch)) hand(token)
    }
    expect(await textOf((hand) => bareLoop(fetch, hand))).toBe(text)
    expect(await textOf(generator)).toBe(text)
    expect(await textOf((hand) => readChain(chain, hand, handlers(3)))).toBe(text)
  })

  it('is the same in every response', async () => {
    expect(await (await bareResponse(fetch)).text()).toBe(text)
    expect(await textResponse(chain).text()).toBe(text)
    const events =
      (await eventsResponse(chain).text())
        .match(/(?<=^data: ).*$/gm)
        ?.slice(0, -1)
        .map(decoder()) ?? []
    expect(events.flatMap((event) => (event.type === 'chunk' ? [event.chunk] : [])).join('')).toBe(text)
  })

  it('comes in the chunks it is named after', () => {
    expect(deltas.length).toBe(chunking === '1/chunk' ? 700 : Math.ceil(deltas.reduce((sum, { length }) => sum + length, 0) / 16_384))
    expect(text).toMatch(/["\n]/)
  })
})

describe('each row', () => {
  it.each(Object.entries(rows))('%s gives its figures', async (_, row) => {
    const { variants, figures } = row(50)
    const measured = figures(await interleaved(variants, 2, 1))
    expect(measured.length).toBeGreaterThan(1)
    expect(measured.filter(({ value }) => !Number.isFinite(value))).toEqual([])
  })

  it('memory gives by how much it grew at most', async () => {
    const [warmUp, before, during] = [Array(10).fill(99), 3, [3, 3, 4, 5, 4, 3, 7, 3, 3, 3]]
    const inUse = [...warmUp, before, ...during].map((megabytes) => megabytes * 1_048_576)
    const { value } = await growth(() => inUse.shift() ?? Number.NaN, 100_000)
    expect(value).toBe(4)
  })

  it('is known by its name', async () => {
    await expect(measureRow('no-such-row', 1)).rejects.toThrow('no-such-row')
    expect(await measureRow('memory', 1)).toEqual([])
  })
})
