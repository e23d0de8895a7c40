/** One measured figure of a row. */
export interface Figure {
  readonly what: string
  readonly value: number
  /** Half the range in which half of the rounds lie; without it the figure is no median of rounds. */
  readonly spread?: number
  /** `×`: times the bare loop, in the same rounds. */
  readonly unit: '×' | 'ns' | 'µs' | 'MB'
  /** None where the figure is there for comparison. */
  readonly budget?: number
}

/** One way of doing a piece of work. */
export interface Variant {
  readonly name: string
  /** Milliseconds that doing it so often took. */
  sample(times: number): Promise<number>
}

/** Milliseconds per time, one for each round, by variant. */
export type Samples = Readonly<Record<string, readonly number[]>>

/** workerd's clock has steps of 1 ms, Chromium's of 0.1 ms. */
const SAMPLE_MS = 25
const WARM_UP_ROUNDS = 4

/** A variant that does the work again and again. `work` gives how much it delivered: who loses something would look fast. */
export function repeated(name: string, work: () => Promise<number>, expected: number): Variant {
  return {
    name,
    async sample(times) {
      let delivered = 0
      const began = performance.now()
      for (let i = 0; i < times; i++) delivered += await work()
      const ms = performance.now() - began
      if (delivered < expected * times) throw new Error(`${name} delivered ${delivered} of ${expected * times}`)
      return ms
    },
  }
}

/** Samples of all variants, round by round in changing order, so that what disturbs the machine disturbs all of them. */
export async function interleaved(variants: readonly Variant[], rounds: number): Promise<Samples> {
  await sampled(variants, WARM_UP_ROUNDS, await enough(variants))
  return sampled(variants, rounds, await enough(variants))
}

/** How often the fastest variant has to run for a sample. */
async function enough(variants: readonly Variant[]): Promise<number> {
  for (let times = 1; ; times *= 2) {
    const fastest = Math.min(...(await all(variants, times)))
    // Long enough to be told from: another doubling could overshoot.
    if (fastest >= SAMPLE_MS / 4) return Math.ceil((times * SAMPLE_MS) / fastest)
  }
}

async function sampled(variants: readonly Variant[], rounds: number, times: number): Promise<Samples> {
  const samples: Record<string, number[]> = Object.fromEntries(variants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    const first = round % variants.length
    const order = [...variants.slice(first), ...variants.slice(0, first)]
    if (round % 2 === 1) order.reverse()
    for (const { name, sample } of order) samples[name]?.push((await sample(times)) / times)
  }
  return samples
}

async function all(variants: readonly Variant[], times: number): Promise<readonly number[]> {
  const samples: number[] = []
  for (const { sample } of variants) samples.push(await sample(times))
  return samples
}

/** The median of what `figure` makes of two variants' samples in the same round, and half the range in which half of them lie. */
export function paired(samples: Samples, a: string, b: string, figure: (a: number, b: number) => number): Pick<Figure, 'value' | 'spread'> {
  const others = samples[b] ?? []
  const values = (samples[a] ?? []).map((value, round) => figure(value, others[round] ?? Number.NaN))
  return { value: quantile(values, 0.5), spread: (quantile(values, 0.75) - quantile(values, 0.25)) / 2 }
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return low + (high - low) * (at - Math.floor(at))
}
