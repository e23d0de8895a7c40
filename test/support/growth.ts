import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How much larger the second input is. */
const FACTOR = 16
/** The system counts computing time in steps of some 4 ms. Shorter times are mostly noise. */
const NOISE_MS = 10
/** A second measurement has larger inputs, unless the first one took longer than this. */
const SLOW_MS = 500

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** The time that this thread computed, in ms: other processes and threads do not count. */
function computedMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

async function timeOf(work: () => unknown, repeats: number): Promise<number> {
  // What a WeakRef refers to is kept until the event loop turns.
  await setImmediate()
  collectGarbage()
  const start = computedMs()
  for (let i = 0; i < repeats; i++) await work()
  return computedMs() - start
}

type WorkOf = (size: number) => () => unknown

/** Compares 16 runs with the small input to one run with the large one: if time is linear, both take the same time and allocate as much. */
async function measure(size: number, workOf: WorkOf): Promise<{ readonly exponent: number; readonly ms: number }> {
  const [small, large] = [workOf(size), workOf(size * FACTOR)]
  // The first round also lets the compiler optimize the code. The fastest of each counts.
  let [before, after] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < 2; round++) {
    before = Math.min(before, await timeOf(small, FACTOR))
    after = Math.min(after, await timeOf(large, 1))
  }
  return { exponent: 1 + Math.log(after / Math.max(before, NOISE_MS)) / Math.log(FACTOR), ms: after }
}

/**
 * The exponent `e` of the time of `workOf`, which takes time in the order of size ** e: 1 if it is linear, 2 if it is quadratic. Measured
 * with inputs of `size` and of 16 times that size. Choose a size at which a quadratic time would be above 1 ms.
 *
 * An exponent above the limit is measured again, with twice the size, and the smaller one counts: what caches and the garbage collector add
 * is a constant factor, so a larger input brings the exponent of a linear time closer to 1, and that of a quadratic time closer to 2.
 */
export async function growthExponent(size: number, workOf: WorkOf): Promise<number> {
  const first = await measure(size, workOf)
  if (first.exponent < LINEAR) return first.exponent
  const second = await measure(first.ms > SLOW_MS ? size : size * 2, workOf)
  return Math.min(first.exponent, second.exponent)
}

/** Linear time with a slack of four times: 16 ** 1.5 is 64. */
export const LINEAR = 1.5
