import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type LogStore, MemoryLogStore, shipTo } from 'chaintap/log'
import { expect, test } from 'vitest'
import { said } from '../contracts/log-store.ts'

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

/** By how many bytes the heap grows while something is done again and again. */
async function growth(times: number, work: () => Promise<unknown>): Promise<number> {
  const some = async (): Promise<number> => {
    for (let i = 0; i < times; i++) await work()
    gc()
    return process.memoryUsage().heapUsed
  }
  // What is compiled and kept for good.
  await some()
  return -(await some()) + (await some())
}

async function written(store: LogStore): Promise<void> {
  store.write(said('x'))
  await setImmediate()
}

test('who follows a log for long remembers nothing of what came', async () => {
  const store = new MemoryLogStore({ retain: { maxRecords: 50 } })
  void store.tail().pipeTo(new WritableStream())
  expect(await growth(5_000, () => written(store))).toBeLessThan(500_000)
})

test('a delivery that is flushed again and again remembers nothing of that', async () => {
  const store = new MemoryLogStore({ retain: { maxRecords: 50 } })
  const shipper = shipTo(store, () => {}, { delayMs: 1e9 })
  expect(await growth(2_000, () => shipper.flush())).toBeLessThan(500_000)
})
