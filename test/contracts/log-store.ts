import { lambda, type Run, type RunEvent, sequence } from 'chaintap'
import {
  type LogQuery,
  type LogRecord,
  type LogStore,
  logHandler,
  type RulesOptions,
  type StoredRecord,
  withoutContent,
} from 'chaintap/log'
import { scriptedModel } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mentions } from '../support/secrets.ts'

/** The store that the contract is tested against. */
export interface LogStoreUnderTest {
  /** Creates an empty store. */
  make(options?: RulesOptions): LogStore | Promise<LogStore>
  /** Number of random logs. Default 30. */
  readonly numRuns?: number
  /** Runs each test, for stores that need a context, such as a Durable Object. */
  readonly within?: (body: () => Promise<void>) => Promise<void>
}

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')

export async function all(stream: ReadableStream<StoredRecord>): Promise<StoredRecord[]> {
  const reader = stream.getReader()
  const records: StoredRecord[] = []
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return records
    records.push(value)
  }
}

/** Reads the first `count` records of a stream that may have no end. */
export async function first(count: number, stream: ReadableStream<StoredRecord>): Promise<StoredRecord[]> {
  const reader = stream.getReader()
  const records: StoredRecord[] = []
  while (records.length < count) {
    const { done, value } = await reader.read()
    if (done) break
    records.push(value)
  }
  await reader.cancel()
  return records
}

export const textsOf = (records: readonly StoredRecord[]): readonly string[] =>
  records.map((record) => ('event' in record ? `${record.event.run.name} ${record.event.type}` : record.message))

/** The record as it was appended, from the one that was read. */
export const toLogRecord = (record: StoredRecord): LogRecord => {
  if ('event' in record) return record.event
  const { level, at, category, message, properties } = record
  return { level, at, category, message, properties }
}

export const run = (id: string, more: Partial<Run> = {}): Run => ({
  id,
  parentId: undefined,
  rootId: id,
  name: id,
  kind: 'chain',
  tags: [],
  metadata: {},
  ...more,
})

export const logMessage = (message: string, more: Partial<Extract<LogRecord, { message: string }>> = {}): LogRecord => ({
  level: 'info',
  category: ['test'],
  message,
  properties: {},
  at: 1,
  ...more,
})

const start = (of: Run, seq: number, at = 1): RunEvent => ({ run: of, at, seq, type: 'start', input: { animal: 'bears' } })
const token = (of: Run, seq: number, text: string, at = 1): RunEvent => ({ run: of, at, seq, type: 'token', token: text })
const end = (of: Run, seq: number, output: unknown = 'done', at = 1): RunEvent => ({ run: of, at, seq, type: 'end', output })

/** Interleaved run trees, each with its events in order, mixed with messages. */
const logs: fc.Arbitrary<readonly LogRecord[]> = fc
  .array(
    fc.record({
      tree: fc.nat(2),
      what: fc.constantFrom('start', 'token', 'token', 'token', 'delta', 'end', 'text', 'message'),
      text: fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', 'é', '💡', '\ud83d', '$', '<') }),
      later: fc.integer({ min: -5, max: 50 }),
      fraction: fc.constantFrom(0, 0, 0, 0.25),
    }),
    { maxLength: 60 },
  )
  .map((steps) => {
    const trees = [0, 1, 2].map((tree) => run(`tree-${tree}`, { kind: 'chat_model', tags: [`t${tree}`], metadata: { tree } }))
    const seqs = [0, 0, 0]
    let now = 1_000
    return steps.map(({ tree, what, text, later, fraction }): LogRecord => {
      now += later
      const at = now + fraction
      if (what === 'message') return logMessage(text, { at, properties: { text } })
      const seq = seqs[tree] ?? 0
      seqs[tree] = seq + 1
      const common = { run: trees[tree] as Run, at, seq }
      if (what === 'token') return { ...common, type: 'token', token: text }
      if (what === 'delta') return { ...common, type: 'delta', delta: { type: 'reasoning', text } }
      if (what === 'end') return { ...common, type: 'end', output: text }
      if (what === 'text') return { ...common, type: 'text', text }
      return { ...common, type: 'start', input: text }
    })
  })

/** The contract of LogStore, for every backend. */
export function describeLogStore(name: string, { make, numRuns = 30, within = (body) => body() }: LogStoreUnderTest): void {
  const test = (what: string, body: () => Promise<void>): void => it(what, () => within(body))
  async function filled(...records: LogRecord[]): Promise<LogStore> {
    const store = await make()
    await store.append(records)
    return store
  }
  const read = (store: LogStore, query?: LogQuery) => all(store.read(query))

  describe(`${name}: append() and read()`, () => {
    test('read() returns records equal to those appended, in their order', async () => {
      const root = run('root', { tags: ['a'], metadata: { user: 7 } })
      const child = run('child', { parentId: 'root', rootId: 'root', kind: 'chat_model' })
      const records = [
        start(root, 0),
        start(child, 1),
        token(child, 2, 'Hel'),
        logMessage('between', { properties: { since: new Date(0), n: 1n, lost: undefined } }),
        token(child, 3, 'lo', 9),
        end(child, 4, { role: 'assistant', content: 'Hello' }),
        { run: root, at: 10, seq: 5, type: 'error', error: new RangeError('too far', { cause: 'why' }), partial: 'Hello' },
      ] as const
      const stored = await read(await filled(...records))
      expect(stored.map(toLogRecord)).toEqual(records)
      expect(stored.map(({ at }) => at)).toEqual(records.map(({ at }) => at))
      expect((stored[6] as { event: { error: unknown } }).event.error).toBeInstanceOf(RangeError)
    })

    test('records can be read once append() or flush() resolves', async () => {
      const store = await make()
      await store.append([logMessage('one')])
      expect(textsOf(await read(store))).toEqual(['one'])
      store.write(logMessage('two'))
      await store.flush()
      expect(textsOf(await read(store))).toEqual(['one', 'two'])
    })

    test('read() includes records that have not been flushed', async () => {
      const store = await make()
      store.write(logMessage('one'))
      expect(textsOf(await read(store))).toEqual(['one'])
    })

    test('any log, split into any append() calls, is read back unchanged, in both orders', async () => {
      await fc.assert(
        fc.asyncProperty(logs, fc.array(fc.nat(59)), async (records, cuts) => {
          const store = await make()
          for (const [i, record] of records.entries()) {
            if (cuts.includes(i)) await store.append([record])
            else store.write(record)
          }
          await store.flush()
          const stored = await read(store)
          // The Run object of a run without `start` is written with its first event; every event has it all the same.
          expect(stored.map(toLogRecord)).toEqual(records)
          const newest = await read(store, { order: 'desc' })
          expect(newest.map(toLogRecord)).toEqual(records.toReversed())
          expect(newest.map(({ id }) => id)).toEqual(stored.map(({ id }) => id).toReversed())
          await store[asyncDispose]()
        }),
        { numRuns },
      )
    })

    test('every record has a unique, stable id, and cursors sort in log order', async () => {
      const store = await make()
      const root = run('root')
      await store.append([start(root, 0), token(root, 1, 'a'), token(root, 2, 'b')])
      await store.append(Array.from({ length: 1_200 }, (_, i) => logMessage(`${i}`)))
      const [once, again] = [await read(store), await read(store)]
      expect(once).toHaveLength(1_203)
      expect(new Set(once.map(({ id }) => id)).size).toBe(1_203)
      expect(again.map(({ id, cursor }) => [id, cursor])).toEqual(once.map(({ id, cursor }) => [id, cursor]))
      const cursors = once.map(({ cursor }) => cursor)
      expect(cursors.toSorted()).toEqual(cursors)
    })

    test('all events of a run share one complete Run object, wherever a read starts', async () => {
      const store = await make()
      const root = run('root', { tags: ['a'], metadata: { user: 7 } })
      await store.append([start(root, 0)])
      await store.append([token(root, 1, 'x')])
      await store.append([end(root, 2)])
      const [last] = await read(store, { order: 'desc', limit: 1 })
      expect(last && toLogRecord(last)).toEqual(end(root, 2))
      const runs = (await read(store)).map((record) => 'event' in record && record.event.run)
      expect(new Set(runs).size).toBe(1)
    })

    test('events of a run without a start event are stored', async () => {
      const root = run('root', { metadata: { user: 7 } })
      const store = await filled(token(root, 5, 'x'), token(root, 6, 'y'))
      expect((await read(store)).map(toLogRecord)).toEqual([token(root, 5, 'x'), token(root, 6, 'y')])
    })

    test('write() takes a snapshot: later changes of an object do not reach the log', async () => {
      const store = await make()
      const properties = { step: 1 }
      store.write(logMessage('x', { properties }))
      properties.step = 2
      const [record] = await read(store)
      expect(record).toMatchObject({ properties: { step: 1 } })
    })

    test('append() accepts 4,000 records at once', async () => {
      const store = await make()
      await store.append(Array.from({ length: 4_000 }, (_, i) => logMessage(`${i}`)))
      expect(textsOf(await read(store))).toEqual(Array.from({ length: 4_000 }, (_, i) => `${i}`))
    })

    test('malformed messages of untyped callers are stored as valid records', async () => {
      const nonsense = [
        { level: 'warn', category: 'test', message: 'level' },
        { level: 'info', category: ['test', 7], message: new TypeError('bad'), at: Number.NaN, properties: ['list'] },
        { category: undefined, message: { answer: 42 }, properties: 'text', at: '2026-11-21' },
      ] as unknown as LogRecord[]
      const stored = await read(await filled(...nonsense, logMessage('after')))
      expect(stored).toMatchObject([
        { level: 'info', message: 'level', properties: {} },
        { level: 'info', category: ['test', '7'], message: 'TypeError: bad', properties: { value: ['list'] } },
        { level: 'info', message: '{"answer":42}', properties: { value: 'text' } },
        { message: 'after' },
      ])
      for (const { at } of stored) expect(Number.isFinite(at)).toBe(true)
    })

    test('write() ignores values that are no records, and append() stores 200,000 characters', async () => {
      const store = await make()
      const text = 'ä'.repeat(200_000)
      store.write(null as unknown as LogRecord)
      store.write({ run: undefined } as unknown as LogRecord)
      await store.append([logMessage(text), logMessage('after')])
      expect(textsOf(await read(store))).toEqual([text, 'after'])
    })
  })

  describe(`${name}: read() with a query`, () => {
    const model = run('model', { parentId: 'root', rootId: 'root', kind: 'chat_model', tags: ['fast', 'draft'] })
    const tool = run('tool', { parentId: 'root', rootId: 'root', kind: 'tool', tags: ['slow'] })
    const root = run('root')
    const other = run('other')
    const records: readonly LogRecord[] = [
      logMessage('begin', { at: 10, level: 'debug' }),
      start(root, 0, 20),
      start(model, 1, 30),
      token(model, 2, 'Grizzly', 40),
      end(model, 3, { role: 'assistant', content: 'Say "Grizzly"\nagain' }, 50),
      start(tool, 4, 60),
      { run: tool, at: 70, seq: 5, type: 'error', error: new Error('The tool is BROKEN'), partial: undefined },
      { run: root, at: 80, seq: 6, type: 'end', output: 'done' },
      start(other, 0, 90),
      logMessage('over', { at: 100, level: 'fatal', properties: { deep: [{ reason: 'Grizzly' }] } }),
    ]
    const found = async (query: LogQuery) => textsOf(await read(await filled(...records), query))

    test('runId selects the events of a run, or of the whole tree for the id of a root', async () => {
      expect(await found({ runId: 'model' })).toEqual(['model start', 'model token', 'model end'])
      expect(await found({ runId: 'root' })).toHaveLength(7)
      expect(await found({ runId: 'unknown' })).toEqual([])
    })

    test('kind and tag take one value or several', async () => {
      expect(await found({ kind: 'tool' })).toEqual(['tool start', 'tool error'])
      expect(await found({ kind: ['tool', 'chat_model'] })).toHaveLength(5)
      expect(await found({ tag: 'draft' })).toEqual(['model start', 'model token', 'model end'])
      expect(await found({ tag: ['slow', 'fast'], kind: 'tool' })).toEqual(['tool start', 'tool error'])
    })

    test('level selects that level and higher ones', async () => {
      expect(await found({ level: 'error' })).toEqual(['tool error', 'over'])
      expect(await found({ level: 'debug' })).toHaveLength(9)
      expect(await found({ level: 'trace' })).toHaveLength(10)
    })

    test('after and before take times and exclude the bounds', async () => {
      expect(await found({ after: 80 })).toEqual(['other start', 'over'])
      expect(await found({ before: new Date(20) })).toEqual(['begin'])
      expect(await found({ after: 20, before: 40 })).toEqual(['model start'])
    })

    test('text matches at any depth, ignoring case, but neither keys nor escapes', async () => {
      expect(await found({ text: 'gRIZZLY' })).toEqual(['model token', 'model end', 'over'])
      expect(await found({ text: 'say "grizzly"\nagain' })).toEqual(['model end'])
      expect(await found({ text: 'broken' })).toEqual(['tool error'])
      expect(await found({ text: 'assistant' })).toEqual(['model end'])
      expect(await found({ text: 'reason' })).toEqual([])
      expect(await found({ text: '\\n' })).toEqual([])
    })

    test('text matches the name of a run whose start is in another segment', async () => {
      const store = await make()
      await store.append([start(model, 1)])
      await store.append([logMessage('else')])
      await store.append([end(model, 3)])
      expect(textsOf(await read(store, { text: 'MODEL' }))).toEqual(['model start', 'model end'])
      expect(textsOf(await read(store, { text: 'model', order: 'desc', limit: 1 }))).toEqual(['model end'])
    })

    test('conditions combine with order and limit', async () => {
      expect(await found({ runId: 'root', level: 'info', order: 'desc', limit: 2 })).toEqual(['root end', 'tool error'])
      expect(await found({ limit: 0 })).toEqual([])
    })

    test('paging by cursor yields every record once, in both orders', async () => {
      const store = await make()
      for (let i = 0; i < 30; i += 3) await store.append([logMessage(`${i}`), logMessage(`${i + 1}`), logMessage(`${i + 2}`)])
      for (const order of ['asc', 'desc'] as const) {
        const seen: StoredRecord[] = []
        for (;;) {
          const cursor = seen.at(-1)?.cursor
          const bound = cursor === undefined ? {} : order === 'asc' ? { after: cursor } : { before: cursor }
          const page = await read(store, { order, limit: 4, ...bound })
          if (page.length === 0) break
          seen.push(...page)
        }
        const numbers = Array.from({ length: 30 }, (_, i) => `${i}`)
        expect(textsOf(seen)).toEqual(order === 'asc' ? numbers : numbers.reverse())
      }
    })

    test('read() starts with the first read of its stream and ends when it is cancelled', async () => {
      const store = await filled(logMessage('one'), logMessage('two'))
      const stream = store.read()
      await store.append([logMessage('three')])
      expect(textsOf(await first(1, stream))).toEqual(['one'])
      expect(textsOf(await read(store))).toEqual(['one', 'two', 'three'])
    })
  })

  describe(`${name}: tail()`, () => {
    test('yields the records written from now on', async () => {
      const store = await filled(logMessage('before'))
      const tail = store.tail()
      await store.append([logMessage('one')])
      store.write(logMessage('two'))
      expect(textsOf(await first(2, tail))).toEqual(['one', 'two'])
    })

    test('yields records written before the first read, and between reads', async () => {
      const store = await make()
      const tail = store.tail()
      store.write(logMessage('zero'))
      const reader = tail.getReader()
      const zero = await reader.read()
      for (let i = 0; i < 50; i++) await store.append([logMessage(`${i}`)])
      const seen: string[] = [...textsOf([zero.value as StoredRecord])]
      while (seen.length < 51) seen.push(...textsOf([(await reader.read()).value as StoredRecord]))
      expect(seen).toEqual(['zero', ...Array.from({ length: 50 }, (_, i) => `${i}`)])
      await reader.cancel()
    })

    test('yields the records since a cursor, then new ones', async () => {
      const store = await filled(logMessage('zero'), logMessage('one'), logMessage('two'))
      const [zero] = await read(store)
      const tail = store.tail({ after: zero?.cursor as string })
      await store.append([logMessage('three')])
      expect(textsOf(await first(3, tail))).toEqual(['one', 'two', 'three'])
    })

    test('yields the records since a time, then new ones', async () => {
      const store = await filled(logMessage('old', { at: 10 }), logMessage('new', { at: 30 }))
      const tail = store.tail({ after: new Date(20) })
      await store.append([logMessage('older', { at: 15 }), logMessage('newer', { at: 40 })])
      expect(textsOf(await first(2, tail))).toEqual(['new', 'newer'])
    })

    test('yields only records that match the filter', async () => {
      const store = await make()
      const tail = store.tail({ level: 'warning' })
      for (const level of ['info', 'warning', 'debug', 'error'] as const) await store.append([logMessage(level, { level })])
      expect(textsOf(await first(2, tail))).toEqual(['warning', 'error'])
    })

    test('serves several readers independently', async () => {
      const store = await make()
      const tails = [store.tail(), store.tail(), store.tail()]
      await tails.pop()?.cancel()
      await store.append([logMessage('one')])
      expect(await Promise.all(tails.map(async (tail) => textsOf(await first(1, tail))))).toEqual([['one'], ['one']])
    })

    test('ends when the store is closed or the reader cancels', async () => {
      const store = await make()
      const [one, two] = [store.tail().getReader(), store.tail().getReader()]
      const waiting = [one.read(), two.read()]
      await two.cancel()
      await store[asyncDispose]()
      expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true])
    })
  })

  describe(`${name}: prune(), clear() and closing`, () => {
    async function segments(): Promise<LogStore> {
      const store = await make()
      for (let i = 0; i < 10; i++) await store.append([logMessage(`${i}a`, { at: i * 1_000 }), logMessage(`${i}b`, { at: i * 1_000 })])
      return store
    }

    test('prune() keeps the newest records, at most maxRecords', async () => {
      const store = await segments()
      await store.prune({ maxRecords: 5 })
      expect(textsOf(await read(store))).toEqual(['8a', '8b', '9a', '9b'])
      await store.prune({ maxRecords: 1_000, maxBytes: 1_000_000 })
      expect(await read(store)).toHaveLength(4)
    })

    test('prune() applies maxBytes and maxAgeMs', async () => {
      const store = await segments()
      await store.prune({ maxBytes: 500 })
      const left = textsOf(await read(store))
      expect(left.at(-1)).toBe('9b')
      expect(left.length).toBeLessThan(20)
      await store.prune({ maxAgeMs: 60_000 })
      expect(await read(store)).toEqual([])
    })

    test('events after the pruned start of a run still have the complete Run object', async () => {
      const store = await make()
      const root = run('root', { metadata: { user: 7 } })
      await store.append([start(root, 0)])
      await store.append([logMessage('x')])
      await store.prune({ maxRecords: 1 })
      await store.append([end(root, 1)])
      expect((await read(store)).map(toLogRecord)).toEqual([logMessage('x'), end(root, 1)])
    })

    test('clear() removes every record, and the log accepts new ones', async () => {
      const store = await segments()
      store.write(logMessage('late'))
      await store.clear()
      expect(await read(store)).toEqual([])
      await store.append([logMessage('new')])
      expect(textsOf(await read(store))).toEqual(['new'])
    })

    test('onRemoval listeners are called after records were removed, until they are deleted', async () => {
      const store = await segments()
      const calls: string[] = []
      const [one, other] = [() => void calls.push('one'), () => void calls.push('other')]
      for (const listener of [one, other]) store.onRemoval?.add(listener)
      await store.append([logMessage('new')])
      expect(calls).toEqual([])
      await store.prune({ maxRecords: 1 })
      expect(new Set(calls)).toEqual(new Set(['one', 'other']))
      store.onRemoval?.delete(other)
      calls.length = 0
      await store.clear()
      expect(calls).toEqual(['one'])
    })

    test('after closing, write() is ignored, and append() and read() reject with log_closed', async () => {
      const store = await filled(logMessage('one'))
      await store[asyncDispose]()
      await store[asyncDispose]()
      store.write(logMessage('two'))
      store.logger('x').error('three')
      // Not handled on purpose: it must not be reported as an unhandled rejection.
      void store.append([logMessage('four')])
      await expect(store.append([logMessage('four')])).rejects.toMatchObject({ code: 'log_closed' })
      await expect(read(store)).rejects.toMatchObject({ code: 'log_closed' })
    })
  })

  describe(`${name}: redaction`, () => {
    const secrets = ['sk-ant-api03-AbCdEfGhIjKl_1', 'gsk_abcdefghijklmnop1234', 'hunter2!pass']
    const headers = { Authorization: `Bearer ${secrets[1]}`, 'x-api-key': 'plain-and-short', cookie: ['a=b', 'c=d'], accept: '*/*' }

    test('secrets are redacted by format and by name, in values, keys and errors (P11)', async () => {
      const store = await make()
      const root = run('root', { metadata: { apiKey: 'abc', headers: new Map(Object.entries({ authorization: 'xyz1234' })) } })
      await store.append([
        {
          ...start(root, 0),
          input: { [`${secrets[0]}`]: headers, url: 'https://me:hunter2!pass@h.example/?key=abcd1234&x=1' },
        } as RunEvent,
        { run: root, at: 1, seq: 1, type: 'error', error: new Error(`401: wrong key ${secrets[0]}`), partial: undefined },
        logMessage(`password=hunter2!pass {"client_secret": "${secrets[1]}"}`, { properties: { password: 12345, ok: 'kept' } }),
      ])
      const stored = await read(store)
      for (const secret of [...secrets, 'plain-and-short', 'a=b', 'c=d', 'abcd1234', 'xyz1234', 'abc"', '12345'])
        expect(mentions(stored, secret), secret).toEqual([])
      expect(JSON.stringify(stored)).toContain('*/*')
      expect(stored[2]).toMatchObject({ properties: { password: '[redacted]', ok: 'kept' } })
    })

    test('a key that is emitted token by token is masked, in one flush or in several (P11)', async () => {
      const store = await make()
      const root = run('root', { kind: 'chat_model' })
      const key = `${secrets[0]}`
      await store.append([start(root, 0), token(root, 1, 'The key is ')])
      for (const [i, letter] of key.split('').entries()) {
        store.write(token(root, 2 + i, letter))
        if (i % 9 === 8) await store.flush()
      }
      await store.append([token(root, 99, ' and that is all.')])
      const text = (await read(store))
        .map((record) => ('event' in record && record.event.type === 'token' ? record.event.token : ''))
        .join('')
      expect(text).toMatch(/^The key is s?k?-?[\w-]{0,8}\*+ and that is all\.$/)
      expect(text).toHaveLength(`The key is ${key} and that is all.`.length)
      expect(text).not.toContain(key.slice(10))
    })

    test('a long key is masked across many flushes, and in reasoning and tool-call deltas (P11)', async () => {
      const store = await make()
      const root = run('root', { kind: 'chat_model' })
      const key = `eyJ${'abcdefgh1'.repeat(20)}.eyJ${'ijklmnop2'.repeat(60)}.${'qrstuvwx3'.repeat(40)}`
      const pieces = key.match(/.{1,35}/g) ?? []
      await store.append([start(root, 0)])
      let seq = 0
      for (const piece of pieces) {
        store.write(token(root, ++seq, piece))
        store.write({ run: root, at: 1, seq: ++seq, type: 'delta', delta: { type: 'reasoning', text: piece } })
        store.write({ run: root, at: 1, seq: ++seq, type: 'delta', delta: { type: 'tool-call', index: 0, args: piece } })
        if (seq % 2 === 0) await store.flush()
      }
      for (const piece of ['{"api', '_key": ', '"hunt', 'er2!', 'pass"}'])
        store.write({ run: root, at: 1, seq: ++seq, type: 'delta', delta: { type: 'tool-call', index: 1, args: piece } })
      const text = JSON.stringify(await read(store))
      expect(text).not.toMatch(/jklmnop2ijk|qrstuvwx|er2!|pass"/)
      expect(text).toContain('***')
    })

    test('redact takes patterns and field names, and keep drops records', async () => {
      const redact = [/\b\d{4}-\d{4}\b/, 'ssn']
      const store = await make({ redact, keep: (record) => ('message' in record && record.message === 'no' ? undefined : record) })
      await store.append([logMessage('card 1234-5678', { properties: { SSN: 'x1' } }), logMessage('no'), logMessage('yes')])
      const stored = await read(store)
      expect(textsOf(stored)).toEqual(['card [redacted]', 'yes'])
      expect(stored[0]).toMatchObject({ properties: { SSN: '[redacted]' } })
    })

    test('redact rules that match everything leave the fields that identify a record', async () => {
      const store = await make({ redact: [/\w{3,}/, 'id', 'name', 'metadata', 'message', 'level', 'text'] })
      const [root, child] = [run('root'), run('child', { parentId: 'root', rootId: 'root', kind: 'tool' })]
      await store.append([
        start(root, 0),
        start(child, 1),
        token(root, 2, 'Hello'),
        { run: child, at: 3, seq: 3, type: 'error', error: new TypeError('bears', { cause: new Map([['who', 1n]]) }), partial: undefined },
        logMessage('bears', { level: 'warning', properties: { since: new Date(0), who: 'Anna' } }),
      ])
      const stored = await read(store)
      expect(stored.map((record) => ('event' in record ? `${record.event.run.id} ${record.event.type}` : record.level))).toEqual([
        'root start',
        'child start',
        'root token',
        'child error',
        'warning',
      ])
      expect(await read(store, { runId: 'root' })).toHaveLength(4)
      expect(mentions(stored, 'bears').concat(mentions(stored, 'Anna'), mentions(stored, 'Hello'))).toEqual([])
    })

    test('withoutContent() keeps lengths and times only', async () => {
      const store = await make({ keep: withoutContent() })
      const root = run('root', { tags: ['a'], metadata: { user: 'Ann' } })
      await store.append([
        start(root, 0),
        token(root, 1, 'Hello', 7),
        { run: root, at: 8, seq: 2, type: 'delta', delta: { type: 'reasoning', text: 'bears?' } },
        { run: root, at: 9, seq: 3, type: 'action', action: { tool: 'search', toolInput: 'bears', log: 'I look for bears' } },
        { run: root, at: 9, seq: 4, type: 'error', error: Object.assign(new RangeError('bears'), { code: 'E1' }), partial: 'bears' },
        logMessage('bears', { properties: { who: 'Ann' } }),
      ])
      const stored = await read(store)
      expect(mentions(stored, 'bears').concat(mentions(stored, 'Ann'), mentions(stored, 'Hello'))).toEqual([])
      expect(stored.map(toLogRecord)).toMatchObject([
        { type: 'start', run: { name: 'root', tags: ['a'] } },
        { type: 'token', token: '·····', at: 7 },
        { type: 'delta', delta: { type: 'reasoning', text: '[6 characters]' } },
        { type: 'action', action: { tool: 'search', log: '[16 characters]' } },
        { type: 'error', error: { name: 'RangeError', code: 'E1' } },
        { message: '[5 characters]', properties: {} },
      ])
    })
  })

  describe(`${name}: handlers and loggers`, () => {
    test('logHandler() writes every event of a run, and flushed resolves after they are stored', async () => {
      const store = await make()
      const events: RunEvent[] = []
      const chain = sequence(
        lambda((text: string) => text.toUpperCase()),
        scriptedModel([['Hel', 'lo'], ['x']]),
      )
      const stream = chain.stream('hi', { callbacks: [(event) => void events.push(event), logHandler(store)] })
      await stream.drain()
      await stream.flushed
      const stored = await read(store)
      expect(stored.map(toLogRecord)).toEqual(events)
      expect(events.filter(({ type }) => type === 'token').length).toBeGreaterThan(1)
      expect(await read(store, { runId: stream.run.id })).toHaveLength(events.length)
    })

    test('logHandler() with tokens: false leaves out tokens', async () => {
      const store = await make()
      await scriptedModel([['Hel', 'lo']])
        .stream('hi', { callbacks: [logHandler(store, { tokens: false })] })
        .drain()
      expect((await read(store)).map((record) => 'event' in record && record.event.type)).toEqual(['start', 'end'])
    })

    test('logger() writes at every level, and values that are not strings', async () => {
      const store = await make()
      const log = store.logger(['app', 'chat'])
      log.trace('t')
      log.debug('d', { n: 1 })
      log.info({ answer: 42 })
      log.warn(undefined)
      log.error(new TypeError('bad'))
      log.fatal('f')
      const stored = await read(store)
      expect(stored.map(({ level }) => level)).toEqual(['trace', 'debug', 'info', 'warning', 'error', 'fatal'])
      expect(stored).toMatchObject([
        { category: ['app', 'chat'], message: 't', properties: {} },
        { properties: { n: 1 } },
        { message: '{"answer":42}', properties: { value: { answer: 42 } } },
        {},
        { message: 'TypeError: bad', properties: { value: { name: 'TypeError', message: 'bad' } } },
        {},
      ])
    })

    test('events and messages are stored in the order in which they were written', async () => {
      const store = await make()
      store.logger('app').info('before')
      await lambda(() => 1).invoke(undefined, { callbacks: [logHandler(store)], runName: 'work' })
      store.logger('app').info('after')
      expect(textsOf(await read(store))).toEqual(['before', 'work start', 'work end', 'after'])
    })
  })
}
