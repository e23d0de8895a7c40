import { env } from 'cloudflare:workers'
import { type LogBucket, type LogQueue, toQueue, toR2 } from 'chaintap/durable-log'
import { type LogRecord, MemoryLogStore, type ShipOptions, type ShipTarget, shipTo } from 'chaintap/log'
import { importLog } from 'chaintap/log-export'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { all, logMessage, run, textsOf } from '../../contracts/log-store.ts'
import { patience } from '../../support/patience.ts'

const { BUCKET, QUEUE } = env as unknown as { readonly BUCKET: R2Bucket; readonly QUEUE: Queue<string> }

/** Delivers all records of a log, then ends. */
async function shipAll(store: MemoryLogStore, target: ShipTarget, options: ShipOptions = {}): Promise<void> {
  const shipper = shipTo(store, target, { delayMs: 1e9, ...options })
  await shipper.flush()
  await shipper[Symbol.asyncDispose]()
}

async function filled(...records: readonly LogRecord[]): Promise<MemoryLogStore> {
  const store = new MemoryLogStore()
  await store.append(records)
  return store
}

/** The objects under a prefix, ordered by key. */
async function objects(prefix: string): Promise<readonly { readonly key: string; readonly text: string }[]> {
  const { objects: found } = await BUCKET.list({ prefix })
  return Promise.all(found.map(async ({ key }) => ({ key, text: (await (await BUCKET.get(key))?.text()) ?? '' })))
}

/** The texts of the records after importing these bodies. */
async function textsIn(bodies: readonly string[]): Promise<readonly string[]> {
  const copy = new MemoryLogStore()
  for (const body of bodies) await importLog(copy, body)
  return textsOf(await all(copy.read()))
}

const tree = run('tree')
const events: readonly LogRecord[] = [
  { run: tree, at: 1_789_000_000_000.5, seq: 0, type: 'start', input: 'hi' },
  { run: tree, at: 1_789_000_000_001, seq: 1, type: 'end', output: 'done' },
]

describe('toR2()', () => {
  test('writes one object per batch, sorted by time, which importLog() reads', async () => {
    const store = await filled(...events)
    await shipAll(store, toR2(BUCKET, { prefix: 'plain/' }))
    await store.append(Array.from({ length: 501 }, (_, i) => logMessage(`${i}`, { at: 1_789_000_001_000 + i })))
    await shipAll(store, toR2(BUCKET, { prefix: 'plain/' }))
    const found = await objects('plain/')
    expect(found.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^plain\/2026-09-10T00:26:40\.000Z-[^/]+\.ndjson$/),
      expect.stringMatching(/^plain\/2026-09-10T00:26:41\.000Z-/),
      expect.stringMatching(/^plain\/2026-09-10T00:26:41\.\d{3}Z-/),
    ])
    const texts = ['tree start', 'tree end', ...Array.from({ length: 501 }, (_, i) => `${i}`)]
    expect(await textsIn(found.map(({ text }) => text))).toEqual(texts)
    expect((await BUCKET.head(found[0]?.key ?? ''))?.httpMetadata?.contentType).toBe('application/x-ndjson')
  })

  test('stores each record once, wherever a Worker is killed', async () => {
    // A Worker is killed after it has put a batch and before it gets the answer, or before it has saved the cursor.
    const step = fc.record({
      records: fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 490, max: 510 })),
      fate: fc.constantFrom('lives', 'no answer', 'cursor not saved'),
    })
    let runs = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 4 }), async (steps) => {
        const prefix = `once/${runs++}/`
        const store = await filled()
        let [saved, count] = ['', 0]
        for (const { records, fate } of [...steps, { records: 1, fate: 'lives' }]) {
          await store.append(Array.from({ length: records }, () => logMessage(`${count++}`)))
          const death = new AbortController()
          const bucket: LogBucket = {
            async put(...object) {
              await BUCKET.put(...object)
              if (fate === 'no answer') death.abort()
              death.signal.throwIfAborted()
            },
          }
          const cursor = { load: () => saved, save: (cursor: string) => void (saved = fate === 'cursor not saved' ? saved : cursor) }
          await shipAll(store, toR2(bucket, { prefix }), { cursor, signal: death.signal }).catch(() => {})
        }
        const texts = await textsIn((await objects(prefix)).map(({ text }) => text))
        expect(texts.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
      }),
      { numRuns: 10 },
    )
  }, 60_000)

  test('accepts a record whose time is beyond the range of Date', async () => {
    const store = await filled(logMessage('odd', { at: 1e300 }))
    await shipAll(store, toR2(BUCKET, { prefix: 'odd/' }))
    expect((await objects('odd/')).map(({ key }) => key)).toEqual([expect.stringMatching(/^odd\/1970-01-01T00:00:00\.000Z-/)])
  })
})

describe('toQueue()', () => {
  /** The messages that the queue's consumer receives for a log. */
  const queued = async (store: MemoryLogStore): Promise<readonly string[]> => {
    let sent = 0
    const queue: LogQueue = {
      send(message, options) {
        sent++
        return QUEUE.send(message, options)
      },
    }
    await shipAll(store, toQueue(queue))
    await vi.waitFor(async () => expect(await objects('queued/')).toHaveLength(sent), patience)
    const bodies = (await objects('queued/')).map(({ text }) => text)
    await BUCKET.delete((await objects('queued/')).map(({ key }) => key))
    return bodies
  }

  test('sends one message per batch, which its consumer can import', async () => {
    const many = Array.from({ length: 501 }, (_, i) => logMessage(`${i}`))
    const bodies = await queued(await filled(...events, ...many))
    expect(bodies.length).toBeGreaterThan(1)
    const texts = await textsIn(bodies)
    expect([...texts].sort()).toEqual(['tree start', 'tree end', ...many.map((_, i) => `${i}`)].sort())
  })

  test('replaces a record larger than a message by a notice with the same id, level and time, and continues', async () => {
    const large = logMessage('x'.repeat(200_000), { level: 'warning', at: 7 })
    const failure: LogRecord = { run: tree, at: 8, seq: 1, type: 'error', error: new Error('y'.repeat(200_000)), partial: '' }
    const store = await filled(large, failure, logMessage('after'))
    const bodies = await queued(store)
    const lines = bodies.map((body) => JSON.parse(body.split('\n')[1] ?? '') as { id: string; level: string; at: number; message: string })
    const ids = (await all(store.read())).slice(0, 3).map(({ id }) => id)
    expect(lines.map(({ id }) => id).sort()).toEqual([...ids].sort())
    const notices = lines.filter(({ message }) => /left out/.test(message)).map(({ level, at }) => [level, at])
    expect(notices).toHaveLength(2)
    expect(notices).toEqual(
      expect.arrayContaining([
        ['warning', 7],
        ['error', 8],
      ]),
    )
    expect(await textsIn(bodies)).toHaveLength(3)
  })

  test('is retried if the queue rejects', async () => {
    let isBusy = true
    const sent: string[] = []
    const busy: LogQueue = {
      async send(message) {
        if (isBusy) throw new Error('Too Many Requests')
        sent.push(message)
      },
    }
    const shipper = shipTo(await filled(logMessage('a')), toQueue(busy), { delayMs: 1e9, onRetry: () => void (isBusy = false) })
    await shipper.flush()
    await shipper[Symbol.asyncDispose]()
    expect(await textsIn(sent)).toEqual(['a'])
  })
})
