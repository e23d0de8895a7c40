/** One measured figure of a row. */
export interface Figure {
  readonly what: string
  readonly value: number
  /** The standard error of a median of rounds. */
  readonly error?: number
  /** `×`: multiple of the bare loop in the same rounds; '': a count. */
  readonly unit: '×' | 'ns' | 'µs' | 'ms' | 'B' | 'KB' | 'MB' | ''
  /** Undefined for figures that are shown for comparison. */
  readonly budget?: number | undefined
  /** A text shown instead of the value. */
  readonly says?: string
  /** In comparisons of libraries: the table, and the library. */
  readonly table?: string
  readonly library?: string
}

/** One way of doing a piece of work. */
export interface Variant {
  readonly name: string
  /** Does the work `times` times, and returns the time in ms. */
  sample(times: number): Promise<number>
}

/** The time per repetition in ms, one for each round, by variant. */
export type Samples = Readonly<Record<string, readonly number[]>>

/**
 * workerd's clock has steps of 1 ms, Chromium's of 0.1 ms. In samples of 25 ms, a variant runs a fifth slower just after the switch to it
 * than
 * later.
 */
const SAMPLE_MS = 80
const WARM_UP_ROUNDS = 4

/** A variant that repeats the work. `work` returns the amount delivered, because a library that loses data would look fast. */
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

/** Samples all variants, round by round in random order, so that disturbances of the machine affect all of them. */
export async function interleaved(variants: readonly Variant[], rounds: number, sampleMs: number = SAMPLE_MS): Promise<Samples> {
  await sampled(variants, WARM_UP_ROUNDS, await enough(variants, sampleMs))
  return sampled(variants, rounds, await enough(variants, sampleMs))
}

/** Returns the repetitions that a sample needs, by name of the variant. */
type Times = Readonly<Record<string, number>>

async function enough(variants: readonly Variant[], sampleMs: number): Promise<Times> {
  const times: Record<string, number> = {}
  for (const variant of variants) times[variant.name] = await enoughOf(variant, sampleMs)
  return times
}

async function enoughOf({ sample }: Variant, sampleMs: number): Promise<number> {
  for (let times = 1; ; times *= 2) {
    const ms = await sample(times)
    // Long enough to extrapolate from: another doubling could overshoot.
    if (ms >= sampleMs / 4) return Math.ceil((times * sampleMs) / ms)
  }
}

async function sampled(variants: readonly Variant[], rounds: number, times: Times): Promise<Samples> {
  const samples: Record<string, number[]> = Object.fromEntries(variants.map(({ name }) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const { name, sample } of shuffled(variants)) {
      const often = times[name] ?? 1
      samples[name]?.push((await sample(often)) / often)
    }
  }
  return samples
}

/** A random order: in a fixed one, each variant would always collect the garbage of the same other one. */
function shuffled<T>(values: readonly T[]): readonly T[] {
  const keyed = values.map((value) => ({ value, key: Math.random() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value)
}

/** Returns the median of `figure` over two variants' samples of the same round. */
export function paired(samples: Samples, a: string, b: string, figure: (a: number, b: number) => number): Pick<Figure, 'value' | 'error'> {
  const others = samples[b] ?? []
  const values = (samples[a] ?? []).map((value, round) => figure(value, others[round] ?? Number.NaN))
  return median(values)
}

/** Its error is derived from the quartiles, because rounds have outliers. */
export function median(values: readonly number[]): Pick<Figure, 'value' | 'error'> {
  const deviation = (quantile(values, 0.75) - quantile(values, 0.25)) / 1.349
  return { value: quantile(values, 0.5), error: (1.253 * deviation) / Math.sqrt(values.length) }
}

/** As a multiple of the bare loop. */
export function times(samples: Samples, variant: string): Pick<Figure, 'value' | 'error' | 'unit'> {
  return { ...paired(samples, variant, 'bare', (each, bare) => each / bare), unit: '×' }
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (sorted.length - 1) * part
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]]
  return low + (high - low) * (at - Math.floor(at))
}
