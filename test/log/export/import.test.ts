import { type LogRecord, MemoryLogStore, shipTo } from 'chaintap/log'
import { exportLog, type ImportProgress, importLog } from 'chaintap/log-export'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logMessage, run } from '../../contracts/log-store.ts'
import { agentLog, exported, logs, recordsIn, storeOf } from './samples.ts'

const header = '{"chaintap":"log","version":1}'
const utf8 = new TextEncoder()

/** A stream of the bytes of a text, cut at these places (0 to 1). */
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

describe('importLog()', () => {
  test('reads streams of bytes or text, a Blob and a string, cut at any position', async () => {
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

  test('skips known records: imported twice, into the same log, or from overlapping exports', async () => {
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

  test('counts equal free records and keeps as many as were exported', async () => {
    const records = [logMessage('tick'), logMessage('tick'), logMessage('tock'), logMessage('tick')]
    const text = await exported(await storeOf(records))
    const copy = await storeOf([logMessage('tick')])
    expect(await importLog(copy, text)).toEqual({ records: 3, repeats: 1 })
    expect(await importLog(copy, text)).toEqual({ records: 0, repeats: 4 })
    expect((await recordsIn(copy)).filter((record) => 'message' in record && record.message === 'tick')).toHaveLength(3)
  })

  test('identifies an event by run id, seq, time and type', async () => {
    const event = (at: number, seq: number): LogRecord => ({ run: run('mine'), at, seq, type: 'text', text: 'x' })
    const copy = await storeOf([event(1, 0), event(1, 1)])
    const text = await exported(await storeOf([event(1, 1), event(1, 2), event(7, 1)]))
    expect(await importLog(copy, text)).toEqual({ records: 2, repeats: 1 })
  })

  test('appends a large log in batches and calls onProgress after each', async () => {
    const store = new MemoryLogStore({ retain: {} })
    const records = Array.from({ length: 3_000 }, (_, i) =>
      i % 3 === 0 ? logMessage(`${i}`, { at: i }) : ({ run: run(`r${i % 7}`), at: i, seq: i, type: 'text', text: `${i}` } as const),
    )
    await store.append(records)
    const reports: ImportProgress[] = []
    const copy = new MemoryLogStore({ retain: {} })
    await importLog(copy, exportLog(store), { onProgress: (progress) => reports.push(progress) })
    expect(reports.length).toBeGreaterThan(3)
    expect(reports.at(-1)).toEqual({ records: 3_000, repeats: 0 })
    expect(await recordsIn(copy)).toEqual(records)
  })

  test('does not import or export the cursor records of shipTo()', async () => {
    const store = await storeOf([logMessage('one')])
    const shipper = shipTo(store, () => {})
    await shipper.flush()
    await shipper[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
    expect(await recordsIn(store)).toHaveLength(2)
    for (const format of ['text', 'html'] as const) expect(await exported(store, { format })).not.toContain('shipped')
    const copy = new MemoryLogStore()
    await importLog(copy, exportLog(store))
    expect(await recordsIn(copy)).toEqual([logMessage('one')])
  })
})

describe('importLog() with invalid input', () => {
  const good = '{"id":"a","level":"info","at":1,"category":["x"],"message":"one","properties":{}}'
  const event = '{"run":{"id":"r","rootId":"r","name":"r","kind":"chain","tags":[],"metadata":{}},"at":1,"seq":0,"type":"start"}'

  test.each([
    ['a file of another format', '<!doctype html>\n', 1, 'expected the header {"chaintap"'],
    ['lines without a header', `${good}\n`, 1, 'expected the header {"chaintap"'],
    ['a header of another format', '{"chaintap":"recipe"}\n', 1, 'not that of an exported log'],
    ['a newer version', '{"chaintap":"log","version":2}\n', 1, 'version 2'],
    ['a line that is not JSON', `${header}\n${good}\n{"id"\n`, 3, 'Invalid JSON'],
    ['a file that was cut', `${header}\n${good}\n${good.slice(0, 40)}`, 3, 'Invalid JSON'],
    ['an unknown level', `${header}\n\n${good.replace('info', 'loud')}`, 3, 'level is missing or invalid'],
    ['a time that is not a number', `${header}\n${good.replace('1,"cat', '"1","cat')}`, 2, ' at is missing or invalid'],
    ['no category', `${header}\n${good.replace('["x"]', '[7]')}`, 2, 'category is missing or invalid'],
    ['no message', `${header}\n${good.replace('"message":"one",', '')}`, 2, 'message is missing or invalid'],
    ['properties that are not an object', `${header}\n${good.replace('{}', '[]')}`, 2, 'properties is missing or invalid'],
    ['a JSON array', `${header}\n[1]\n`, 2, 'neither a run event'],
    ['an event of unknown type', `${header}\n${good}\n${event.replace('start', 'begin')}`, 3, 'type is'],
    ['an event without a valid run', `${header}\n{"run":{"id":7},"at":1,"seq":0,"type":"start"}`, 2, 'run.id is'],
  ])('rejects %s with invalid_log and the line number', async (_, text, line, what) => {
    await expect(importLog(new MemoryLogStore(), text)).rejects.toMatchObject({
      name: 'ChaintapError',
      code: 'invalid_log',
      message: expect.stringMatching(new RegExp(`^Line ${line} cannot be imported: .*${what.replace(/[{.[]/g, '\\$&')}`)),
    })
  })

  test('rejects an empty source with invalid_log', async () => {
    for (const nothing of ['', '\n \n'])
      await expect(importLog(new MemoryLogStore(), nothing)).rejects.toMatchObject({
        code: 'invalid_log',
        message: expect.stringContaining('source is empty'),
      })
  })

  test('rejects bytes that are not UTF-8 with invalid_log', async () => {
    const bytes = utf8.encode(`${header}\n${good}\n`)
    bytes[bytes.length - 20] = 0xff
    await expect(importLog(new MemoryLogStore(), new Blob([bytes]))).rejects.toMatchObject({
      code: 'invalid_log',
      message: expect.stringContaining('UTF-8'),
    })
  })

  test('may import the lines before an invalid one; the mended source imports the rest', async () => {
    const records = Array.from({ length: 1_200 }, (_, i) => logMessage(`${i}`, { at: i }))
    const lines = (await exported(await storeOf(records))).split('\n')
    const copy = new MemoryLogStore()
    await expect(importLog(copy, [...lines.slice(0, 1_100), 'broken', ...lines.slice(1_100)].join('\n'))).rejects.toThrow('Line 1101')
    expect((await recordsIn(copy)).length).toBeGreaterThan(0)
    await importLog(copy, lines.join('\n'))
    expect(await recordsIn(copy)).toEqual(records)
  })

  test('rejects with the error of a failed stream, and cancels the stream after an invalid line', async () => {
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

  test('rejects when the signal aborts, even if the source stalls', async () => {
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

  test('rejects with log_closed if the log is closed', async () => {
    const store = new MemoryLogStore()
    await store[Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')]()
    await expect(importLog(store, `${header}\n${good}\n`)).rejects.toMatchObject({ code: 'log_closed' })
  })
})
