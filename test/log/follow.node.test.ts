import { setImmediate } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type LogStore, MemoryLogStore, shipTo } from 'chaintap/log'
import { expect, test } from 'vitest'
import { logMessage } from '../contracts/log-store.ts'

setFlagsFromString('--expose-gc')
const gc: () => void = runInNewContext('gc')

/** Returns by how many bytes the heap grows while `work` is repeated `times` times. */
async function growth(times: number, work: () => Promise<unknown>): Promise<number> {
  const round = async (): Promise<number> => {
    for (let i = 0; i < times; i++) await work()
    gc()
    return process.memoryUsage().heapUsed
  }
  // Warm-up: compiled code and lasting caches.
  await round()
  return -(await round()) + (await round())
}

async function writeOne(store: LogStore): Promise<void> {
  store.write(logMessage('x'))
  await setImmediate()
}

test('tail() keeps no memory of the records it has yielded', async () => {
  const store = new MemoryLogStore({ retain: { maxRecords: 50 } })
  void store.tail().pipeTo(new WritableStream())
  expect(await growth(5_000, () => writeOne(store))).toBeLessThan(500_000)
})

test('shipTo() keeps no memory of repeated flushes', async () => {
  const store = new MemoryLogStore({ retain: { maxRecords: 50 } })
  const shipper = shipTo(store, () => {}, { delayMs: 1e9 })
  expect(await growth(2_000, () => shipper.flush())).toBeLessThan(500_000)
})
