import { type LogRecord, MemoryLogStore, shipTo } from 'chaintap/log'
import { exportLog, type ImportProgress, importLog } from 'chaintap/log-export'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { run, said } from '../../contracts/log-store.ts'
import { agentLog, exported, logs, recordsIn, storeOf } from './samples.ts'

const header = '{"chaintap":"log","version":1}'
const utf8 = new TextEncoder()

/** A stream of the pieces of a text, cut at these places. */
function cutAt(text: string, places: readonly number[]): ReadableStream<Uint8Array> {
  const bytes = utf8.encode(text)
  const ends = [...new Set([0, ...places.map((place) => Math.floor(place * bytes.length)), bytes.length])].sort((a, b) => a - b)
  return new ReadableStream({
    start(controller) {
      for (const [i, end] of ends.entries()) controller.enqueue(bytes.slice(ends[i - 1] ?? 0, end))
      controller.close()
    },
  })
}

describe('importLog', () => {
  test('reads a stream of bytes or of texts, a Blob and a text, however they are cut', async () => {
    const text = await exported(await storeOf(agentLog))
    const letters = new ReadableStream<string>({
      start(controller) {
        for (const letter of text) controller.enqueue(letter)
        controller.close()
      },
    })
    for (const source of [text, new Blob([text]), letters, `\uFEFF${text.replaceAll('\n', '\r\n')}\r\n`, text.trimEnd()]) {
      const copy = new MemoryLogStore()
      expect(await importLog(copy, source)).toEqual({ records: agentLog.length, repeats: 0 })
      expect(await recordsIn(copy)).toEqual(agentLog)
    }
    await fc.assert(
      fc.asyncProperty(logs, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), async (records, places) => {
        const [store, copy] = [await storeOf(records), new MemoryLogStore()]
        await importLog(copy, cutAt(await exported(store), places))
        expect(await recordsIn(copy)).toEqual(await recordsIn(store))
      }),
      { numRuns: 30 },
    )
  })

  test('doubles nothing: not where a log is imported twice, nor into itself, nor where two exports overlap', async () => {
    await fc.assert(
      fc.asyncProperty(logs, fc.nat(40), async (records, end) => {
        const store = await storeOf(records)
        const all = await recordsIn(store)
        const whole = await exported(store)
        expect(await importLog(store, whole)).toEqual({ records: 0, repeats: records.length })
        const copy = new MemoryLogStore()
        await importLog(copy, await exported(await storeOf(records.slice(0, end))))
        await importLog(copy, whole)
        await importLog(copy, whole + whole)
        expect(await recordsIn(copy)).toEqual(all)
        expect(await recordsIn(store)).toEqual(all)
      }),
      { numRuns: 30 },
    )
  })

  test('keeps free records that say the same at the same time, as many as there are', async () => {
    const records = [said('tick'), said('tick'), said('tock'), said('tick')]
    const text = await exported(await storeOf(records))
    const copy = await storeOf([said('tick')])
    expect(await importLog(copy, text)).toEqual({ records: 3, repeats: 1 })
    expect(await importLog(copy, text)).toEqual({ records: 0, repeats: 4 })
    expect((await recordsIn(copy)).filter((record) => 'message' in record && record.message === 'tick')).toHaveLength(3)
  })

  test('knows an event by its run, number, time and type: another run of the same id is another run', async () => {
    const event = (at: number, seq: number): LogRecord => ({ run: run('mine'), at, seq, type: 'text', text: 'x' })
    const copy = await storeOf([event(1, 0), event(1, 1)])
    const text = await exported(await storeOf([event(1, 1), event(1, 2), event(7, 1)]))
    expect(await importLog(copy, text)).toEqual({ records: 2, repeats: 1 })
  })

  test('a large log comes in parts, and tells how far it is', async () => {
    const store = new MemoryLogStore({ retain: {} })
    const records = Array.from({ length: 3_000 }, (_, i) =>
      i % 3 === 0 ? said(`${i}`, { at: i }) : ({ run: run(`r${i % 7}`), at: i, seq: i, type: 'text', text: `${i}` } as const),
    )
    await store.append(records)
    const told: ImportProgress[] = []
    const copy = new MemoryLogStore({ retain: {} })
    await importLog(copy, exportLog(store), { onProgress: (progress) => told.push(progress) })
    expect(told.length).toBeGreaterThan(3)
    expect(told.at(-1)).toEqual({ records: 3_000, repeats: 0 })
    expect(await recordsIn(copy)).toEqual(records)
  })

  test('the marks of a delivery stay where they are', async () => {
    const store = await storeOf([said('one')])
    const shipper = shipTo(store, () => {})
    await shipper.flush()
    await shipper[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
    expect(await recordsIn(store)).toHaveLength(2)
    for (const format of ['text', 'html'] as const) expect(await exported(store, { format })).not.toContain('shipped')
    const copy = new MemoryLogStore()
    await importLog(copy, exportLog(store))
    expect(await recordsIn(copy)).toEqual([said('one')])
  })
})

describe('importLog, of what is no export', () => {
  const good = '{"id":"a","level":"info","at":1,"category":["x"],"message":"one","properties":{}}'
  const event = '{"run":{"id":"r","rootId":"r","name":"r","kind":"chain","tags":[],"metadata":{}},"at":1,"seq":0,"type":"start"}'

  test.each([
    ['another file', '<!doctype html>\n', 1, 'begins with {"chaintap"'],
    ['lines without a header', `${good}\n`, 1, 'begins with {"chaintap"'],
    ['another header', '{"chaintap":"recipe"}\n', 1, 'not that of an exported log'],
    ['a newer version', '{"chaintap":"log","version":2}\n', 1, 'version 2'],
    ['a line that is no JSON', `${header}\n${good}\n{"id"\n`, 3, 'not JSON'],
    ['a file that was cut', `${header}\n${good}\n${good.slice(0, 40)}`, 3, 'not JSON'],
    ['a level that is none', `${header}\n\n${good.replace('info', 'loud')}`, 3, 'wrong level'],
    ['a time that is none', `${header}\n${good.replace('1,"cat', '"1","cat')}`, 2, 'wrong at'],
    ['no category', `${header}\n${good.replace('["x"]', '[7]')}`, 2, 'wrong category'],
    ['no message', `${header}\n${good.replace('"message":"one",', '')}`, 2, 'wrong message'],
    ['properties that are none', `${header}\n${good.replace('{}', '[]')}`, 2, 'wrong properties'],
    ['JSON of another kind', `${header}\n[1]\n`, 2, 'no event of a run'],
    ['an event of no type', `${header}\n${good}\n${event.replace('start', 'begin')}`, 3, 'type is'],
    ['an event of no run', `${header}\n{"run":{"id":7},"at":1,"seq":0,"type":"start"}`, 2, 'run.id is'],
  ])('%s is an error that names the line', async (_, text, line, what) => {
    await expect(importLog(new MemoryLogStore(), text)).rejects.toMatchObject({
      name: 'ChaintapError',
      code: 'invalid_log',
      message: expect.stringMatching(new RegExp(`^Line ${line} cannot be imported: .*${what.replace(/[{.[]/g, '\\$&')}`)),
    })
  })

  test('nothing is an error, too', async () => {
    for (const nothing of ['', '\n \n'])
      await expect(importLog(new MemoryLogStore(), nothing)).rejects.toMatchObject({
        code: 'invalid_log',
        message: expect.stringContaining('nothing to import'),
      })
  })

  test('bytes that are no UTF-8 are an error, too', async () => {
    const bytes = utf8.encode(`${header}\n${good}\n`)
    bytes[bytes.length - 20] = 0xff
    await expect(importLog(new MemoryLogStore(), new Blob([bytes]))).rejects.toMatchObject({
      code: 'invalid_log',
      message: expect.stringContaining('UTF-8'),
    })
  })

  test('what stands before a broken line may be imported, and once it is mended the rest is', async () => {
    const records = Array.from({ length: 1_200 }, (_, i) => said(`${i}`, { at: i }))
    const lines = (await exported(await storeOf(records))).split('\n')
    const copy = new MemoryLogStore()
    await expect(importLog(copy, [...lines.slice(0, 1_100), 'broken', ...lines.slice(1_100)].join('\n'))).rejects.toThrow('Line 1101')
    expect((await recordsIn(copy)).length).toBeGreaterThan(0)
    await importLog(copy, lines.join('\n'))
    expect(await recordsIn(copy)).toEqual(records)
  })

  test('a stream that fails is no fault of a line, and one that is left is cancelled', async () => {
    const failing = new ReadableStream<string>({ pull: () => Promise.reject(new TypeError('network')) })
    await expect(importLog(new MemoryLogStore(), failing)).rejects.toThrow(/^network$/)
    let reason: unknown = 'not cancelled'
    const endless = new ReadableStream<string>({
      pull: (controller) => controller.enqueue(`${header}\nbroken\n`),
      cancel(given) {
        reason = given
      },
    })
    await expect(importLog(new MemoryLogStore(), endless)).rejects.toThrow('Line 2')
    expect(reason).toBeUndefined()
  })

  test('a signal ends it', async () => {
    const signal = AbortSignal.abort(new RangeError('enough'))
    await expect(importLog(new MemoryLogStore(), `${header}\n${good}\n`, { signal })).rejects.toThrow('enough')
    const controller = new AbortController()
    const stalling = new ReadableStream<string>({
      pull: () => {
        controller.abort(new RangeError('later'))
        return new Promise<void>(() => {})
      },
    })
    await expect(importLog(new MemoryLogStore(), stalling, { signal: controller.signal })).rejects.toThrow('later')
  })

  test('a log that is closed is told as such', async () => {
    const store = new MemoryLogStore()
    await store[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
    await expect(importLog(store, `${header}\n${good}\n`)).rejects.toMatchObject({ code: 'log_closed' })
  })
})
