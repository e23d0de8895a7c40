/** How much larger the second input is. */
const FACTOR = 16
/** Shorter times are mostly noise of the compiler and the garbage collector. */
const NOISE_MS = 2

/** The time that this thread computed, in ms: other processes and threads do not count. */
function computedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

async function fastest(work: () => unknown, repeats: number): Promise<number> {
  const times: number[] = []
  for (let i = 0; i < repeats; i++) {
    const start = computedMs()
    await work()
    times.push(computedMs() - start)
  }
  return Math.min(...times)
}

/**
 * The exponent `e` of the time of `workOf`, which takes time in the order of size ** e: 1 if it is linear, 2 if it is quadratic. Measured
 * with inputs of `size` and of 16 times that size; the fastest of several runs counts. Choose a size at which a quadratic time
 * would be far above 2 ms.
 */
export async function growthExponent(size: number, workOf: (size: number) => () => unknown): Promise<number> {
  const [small, large] = [workOf(size), workOf(size * FACTOR)]
  const before = await fastest(small, 4)
  const after = await fastest(large, 2)
  return Math.log(after / Math.max(before, NOISE_MS)) / Math.log(FACTOR)
}

/** Linear time with a slack of four times: 16 ** 1.5 is 64. */
export const LINEAR = 1.5
