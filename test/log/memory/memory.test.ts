import { MemoryLogStore } from 'chaintap/log'
import { describe, expect, test } from 'vitest'
import { all, describeLogStore, logMessage, run, textsOf, toLogRecord } from '../../contracts/log-store.ts'

describeLogStore('MemoryLogStore', { make: (options) => new MemoryLogStore(options), numRuns: 200 })

describe('MemoryLogStore', () => {
  test('retain.maxRecords removes the oldest records', async () => {
    const store = new MemoryLogStore({ retain: { maxRecords: 1_000 } })
    for (let i = 0; i < 5_000; i++) store.write(logMessage(`${i}`))
    const texts = textsOf(await all(store.read()))
    expect(texts.length).toBeLessThanOrEqual(1_000)
    expect(texts.length).toBeGreaterThan(400)
    expect(texts.at(-1)).toBe('4999')
  })

  test('retain.maxBytes and retain.maxAgeMs remove the oldest records', async () => {
    const store = new MemoryLogStore({ retain: { maxBytes: 10_000, maxAgeMs: 60_000 } })
    await store.append([logMessage('old', { at: Date.now() - 100_000 })])
    for (let i = 0; i < 20; i++) await store.append([logMessage('x'.repeat(1_000), { at: Date.now() })])
    const texts = textsOf(await all(store.read()))
    expect(texts).not.toContain('old')
    expect(texts.length).toBeLessThan(10)
  })

  test('the Run object is written again after the start of the run was removed', async () => {
    const store = new MemoryLogStore({ retain: { maxRecords: 600 } })
    const model = run('model', { kind: 'chat_model', metadata: { user: 7 } })
    await store.append([{ run: model, at: 1, seq: 0, type: 'start', input: [] }])
    await store.append(Array.from({ length: 1_500 }, (_, i) => logMessage(`${i}`)))
    await store.append([{ run: model, at: 2, seq: 1, type: 'end', output: 'all' }])
    const last = (await all(store.read())).at(-1)
    expect(last && toLogRecord(last)).toEqual({ run: model, at: 2, seq: 1, type: 'end', output: 'all' })
  })

  test('isDurable is false', () => {
    expect(new MemoryLogStore().isDurable).toBe(false)
  })
})
