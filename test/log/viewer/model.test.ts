import { ModelError, type Run, type RunEvent, UserStop } from 'chaintap'
import { type LogRecord, MemoryLogStore, type StoredRecord } from 'chaintap/log'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { describeRow, descriptionToText } from '../../../src/log/viewer/model/describe-row.ts'
import { LogFeed } from '../../../src/log/viewer/model/feed.ts'
import { LogModel } from '../../../src/log/viewer/model/log-model.ts'
import { type Row, runDuration, runStateOf, tokenRate } from '../../../src/log/viewer/model/row.ts'
import { all, logMessage, run } from '../../contracts/log-store.ts'
import { patience } from '../../support/patience.ts'

const child = (id: string, parentId: string, more: Partial<Run> = {}): Run =>
  run(id, { parentId, rootId: 'root', kind: 'chat_model', ...more })

type Payload = RunEvent extends infer Event ? (Event extends RunEvent ? Omit<Event, 'run' | 'at' | 'seq'> : never) : never

/** Returns a function that creates the events of a tree, each 1 ms after the last. */
function eventFactory(): (run: Run, payload: Payload) => RunEvent {
  let seq = 0
  return (of, payload) => ({ run: of, at: 1_000 + seq, seq: seq++, ...payload })
}

async function stored(records: readonly LogRecord[]): Promise<StoredRecord[]> {
  const store = new MemoryLogStore({ retain: {} })
  await store.append(records)
  return all(store.read())
}

const nameOf = (row: Row): string => `${'  '.repeat(row.depth)}${'run' in row ? row.run.name : row.record.message}`
const linesOf = (model: LogModel): readonly string[] => model.rows.map(nameOf)

function modelOf(records: readonly StoredRecord[]): LogModel {
  const model = new LogModel()
  for (const record of records) model.append(record)
  return model
}

/** A chain of two models, with free records before, between and after. */
function chain(): readonly LogRecord[] {
  const emit = eventFactory()
  const root = run('root', { tags: ['chat'] })
  const [one, two] = [child('one', 'root'), child('two', 'root', { tags: ['late'] })]
  return [
    logMessage('before', { at: 999 }),
    emit(root, { type: 'start', input: 'Hi' }),
    emit(one, { type: 'start', input: 'Hi' }),
    emit(one, { type: 'token', token: 'Bears ' }),
    emit(one, { type: 'token', token: 'sleep.' }),
    logMessage('between', { level: 'warning', at: 1_004 }),
    emit(one, { type: 'end', output: 'Bears sleep.', usage: { inputTokens: 3, outputTokens: 2 } }),
    emit(two, { type: 'start', input: 'more' }),
    emit(two, { type: 'error', error: new ModelError('http', 'Overloaded'), partial: undefined, usage: { inputTokens: 4 } }),
    emit(root, { type: 'end', output: 'Bears sleep.' }),
    logMessage('after', { at: 2_000 }),
  ]
}

/** A log of interleaved run trees; the choices select what happens next. */
function random(choices: readonly number[]): readonly LogRecord[] {
  const [open, records]: [Run[], LogRecord[]] = [[], []]
  const seqs = new Map<string, number>()
  const emit = (of: Run, payload: Payload): void => {
    const seq = seqs.get(of.rootId) ?? 0
    seqs.set(of.rootId, seq + 1)
    records.push({ run: of, at: records.length, seq, ...payload })
  }
  for (const [i, choice] of choices.entries()) {
    const [what, which] = [choice % 5, Math.floor(choice / 5)]
    const of = open[which % Math.max(1, open.length)]
    if (what === 0) records.push(logMessage(`said ${i}`, { at: i }))
    else if (!of || what === 1) open.push(what === 1 && of ? child(`run ${i}`, of.id, { rootId: of.rootId }) : run(`run ${i}`))
    else if (what === 2) open.push(run(`run ${i}`))
    else if (what === 3) emit(of, { type: 'token', token: 'a' })
    else if (!open.some(({ parentId }) => parentId === of.id)) emit(open.splice(open.indexOf(of), 1)[0] ?? of, { type: 'end', output: 1 })
    const last = open.at(-1)
    if (last && last.id === `run ${i}`) emit(last, { type: 'start', input: 1 })
  }
  return records
}

const found = (model: LogModel, id: string) => {
  const row = model.run(id)
  if (!row) throw new Error(`no run ${id}`)
  return row
}

describe('LogModel', () => {
  test('places runs below their parent, where they began, and free records between them', async () => {
    const model = modelOf(await stored(chain()))
    expect(linesOf(model)).toEqual(['before', 'root', '  one', '  two', 'between', 'after'])
    expect(model.rows.map(({ position }) => position)).toEqual([1, 2, 1, 2, 3, 4])
    expect(model.topCounts).toEqual({ all: 4, shown: 4 })
    expect(found(model, 'root').size).toBe(2)
  })

  test('places a resumed run below its last call, and counts it once', async () => {
    const emit = eventFactory()
    const [one, two] = [run('call 1'), run('call 2')]
    const below = (call: Run): Run => run('model', { parentId: call.id, rootId: call.id, kind: 'chat_model' })
    const records = await stored([
      emit(one, { type: 'start', input: 'Hi' }),
      emit(below(one), { type: 'start', input: 'Hi' }),
      emit(below(one), { type: 'token', token: 'Bears ' }),
      emit(two, { type: 'start', input: undefined }),
      emit(below(two), { type: 'start', input: 'Hi' }),
      emit(below(two), { type: 'token', token: 'Bears ' }),
      emit(below(two), { type: 'token', token: 'sleep.' }),
      emit(below(two), { type: 'end', output: 'Bears sleep.' }),
      emit(two, { type: 'end', output: 'Bears sleep.' }),
    ])
    for (const seam of records.keys()) {
      const model = modelOf(records.slice(seam))
      for (const record of records.slice(0, seam).reverse()) model.prepend([record])
      expect([seam, ...linesOf(model)]).toEqual([seam, 'call 1', 'call 2', '  model'])
      expect(found(model, 'model')).toMatchObject({ tokens: 2, ending: 'ended' })
    }
  })

  test('builds the same lines from prepended pages as from all records in order', async () => {
    const records = await stored(chain())
    const whole = modelOf(records)
    await fc.assert(
      fc.asyncProperty(fc.nat(records.length), fc.integer({ min: 1, max: 5 }), async (seam, piece) => {
        const model = new LogModel()
        const older = records.slice(0, seam).reverse()
        for (const record of records.slice(seam)) model.append(record)
        for (let i = 0; i < older.length; i += piece) {
          model.prepend(older.slice(i, i + piece))
          expect(model.rows.length).toBeGreaterThan(0)
        }
        expect(linesOf(model)).toEqual(linesOf(whole))
        for (const counts of ['kinds', 'levels', 'tags'] as const)
          expect(Object.fromEntries(model[counts])).toEqual(Object.fromEntries(whole[counts]))
        const { version: _, isLive: __, index: ___, children: ____, ...root } = found(model, 'root')
        expect(found(whole, 'root')).toMatchObject(root)
      }),
    )
  })

  test('builds the same lines from prepended, appended and filtered random logs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 60 }), fc.nat(), fc.integer({ min: 1, max: 20 }), async (choices, cut, piece) => {
        const records = await stored(random(choices))
        const [whole, model] = [modelOf(records), new LogModel()]
        const seam = cut % (records.length + 1)
        for (const record of records.slice(seam)) model.append(record)
        const older = records.slice(0, seam).reverse()
        for (let i = 0; i < older.length; i += piece) model.prepend(older.slice(i, i + piece))
        expect(linesOf(model)).toEqual(linesOf(whole))
        for (const filter of [{}, { kinds: new Set(['chat_model'] as const) }]) {
          const live = new LogModel()
          live.filter = filter
          whole.filter = filter
          for (const record of records) {
            live.append(record)
            expect(live.rows.length).toBeGreaterThanOrEqual(0)
          }
          expect(linesOf(live)).toEqual(linesOf(whole))
        }
        for (const row of model.rows) expect(model.indexOf(row)).toBe(model.rows.indexOf(row))
      }),
    )
  })

  test('computes times, tokens, usage and ending of runs', async () => {
    const model = modelOf(await stored(chain()))
    const [root, one, two] = ['root', 'one', 'two'].map((id) => found(model, id))
    expect(one).toMatchObject({ start: 1_001, firstTokenAt: 1_002, lastTokenAt: 1_003, end: 1_004, tokens: 2, level: 'info' })
    expect(two).toMatchObject({ ending: 'failed', level: 'error', firstTokenAt: undefined })
    expect(one && tokenRate(one)).toBe(1_000)
    expect(two && tokenRate(two)).toBeUndefined()
    expect(root && runDuration(root)).toBe(7)
    expect(root?.totalUsage).toEqual({ inputTokens: 7, outputTokens: 2 })
  })

  test('distinguishes stopped and failed runs, and running and unfinished ones', async () => {
    const emit = eventFactory()
    const records = await stored([
      emit(run('stopped'), { type: 'error', error: new UserStop(), partial: undefined }),
      emit(run('running'), { type: 'start', input: 1 }),
    ])
    const live = modelOf(records)
    expect(runStateOf(found(live, 'stopped'))).toBe('stopped')
    expect(runStateOf(found(live, 'running'))).toBe('running')
    const past = new LogModel()
    past.prepend(records.toReversed())
    expect(runStateOf(found(past, 'running'))).toBe('unfinished')
  })

  test('counts levels of runs and free records, kinds and tags', async () => {
    const { levels, kinds, tags } = modelOf(await stored(chain()))
    expect(Object.fromEntries(levels)).toEqual({ info: 4, warning: 1, error: 1 })
    expect(Object.fromEntries(kinds)).toEqual({ chain: 1, chat_model: 2, message: 3 })
    expect(Object.fromEntries(tags)).toEqual({ chat: 1, late: 1 })
  })

  test('hides the children of collapsed runs', async () => {
    const model = modelOf(await stored(chain()))
    model.toggle(found(model, 'root'))
    expect(linesOf(model)).toEqual(['before', 'root', 'between', 'after'])
    model.toggle(found(model, 'root'))
    expect(linesOf(model)).toHaveLength(6)
    model.setAllOpen(false)
    expect(linesOf(model)).toEqual(['before', 'root', 'between', 'after'])
    expect(model.indexOf(found(model, 'two'))).toBe(-1)
  })

  test.each([
    [{ levels: new Set(['error'] as const) }, ['root', '  two']],
    [{ levels: new Set(['warning', 'error'] as const) }, ['root', '  two', 'between']],
    [{ kinds: new Set(['message'] as const) }, ['before', 'between', 'after']],
    [{ kinds: new Set(['chain'] as const) }, ['root']],
    [{ tag: 'late' }, ['root', '  two']],
    [{ after: 1_500 }, ['after']],
    [{ before: 1_000 }, ['before', 'root']],
    [{ found: new Set(['one']) }, ['root', '  one']],
    [{ tag: 'late', kinds: new Set(['message'] as const) }, []],
  ])('keeps matches and their parents with the filter %o', async (filter, lines) => {
    const model = modelOf(await stored(chain()))
    model.filter = filter
    expect(linesOf(model)).toEqual(lines)
    expect(model.rows.filter(({ isMatch }) => !isMatch).map(nameOf)).toEqual(
      lines.filter((line) => line === 'root' && !('kinds' in filter) && !('before' in filter)),
    )
    model.filter = {}
    expect(linesOf(model)).toHaveLength(6)
  })

  test('updates rows after each appended record, with a filter too', async () => {
    const records = await stored(chain())
    for (const filter of [{}, { levels: new Set(['error', 'warning'] as const) }]) {
      const [model, whole] = [new LogModel(), modelOf(records)]
      model.filter = filter
      whole.filter = filter
      for (const record of records) {
        model.append(record)
        expect(model.rows.every((row) => model.rows[model.indexOf(row)] === row)).toBe(true)
      }
      expect(linesOf(model)).toEqual(linesOf(whole))
    }
  })

  test('appends new lines without rebuilding the others', async () => {
    const emit = eventFactory()
    const model = modelOf(await stored([...Array.from({ length: 2_000 }, (_, i) => logMessage(`${i}`)), ...chain()]))
    const { rows } = model
    const [first, version] = [rows[0], found(model, 'root').version]
    const more = [
      emit(child('one', 'root'), { type: 'token', token: 'a' }),
      emit(child('three', 'root'), { type: 'start', input: 1 }),
      logMessage('later'),
    ]
    for (const record of await stored(more)) {
      model.append(record)
      // A rebuilt list would be a new array.
      expect(model.rows).toBe(rows)
    }
    expect(rows[0]).toBe(first)
    expect(rows).toHaveLength(2_008)
    expect(found(model, 'root').version).toBe(version + 2)
  })

  test('builds lines from imported logs whose parents form cycles', async () => {
    const ids = ['a', 'b', 'c', 'd']
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...ids), fc.option(fc.constantFrom(...ids)), fc.constantFrom(...ids)), { maxLength: 12 }),
        async (links) => {
          const records = links.map(
            ([id, parentId, rootId], seq): StoredRecord => ({
              id: `${seq}`,
              cursor: `${seq}`,
              at: seq,
              level: 'info',
              event: { run: run(id, { parentId: parentId ?? undefined, rootId }), at: seq, seq, type: 'start', input: 1 },
            }),
          )
          for (const model of [modelOf(records), new LogModel()]) {
            if (model.records === 0) model.prepend(records.toReversed())
            expect(new Set(model.rows).size).toBe(model.rows.length)
            for (const [id] of links) expect(model.indexOf(found(model, id))).not.toBe(-1)
          }
        },
      ),
    )
  })
})

describe('describeRow()', () => {
  const describeChain = async (id: string, prices?: Parameters<typeof describeRow>[2]) => {
    const records = await stored(chain())
    const events = records.flatMap((record) => ('event' in record && record.event.run.id === id ? [record.event] : []))
    return describeRow(found(modelOf(records), id), events, prices)
  }

  test('returns figures, input and output', async () => {
    const { figures, sections } = await describeChain('one')
    expect(Object.fromEntries(figures)).toMatchObject({
      State: 'ended',
      Duration: '3 ms',
      'First token': '1 ms',
      Input: '3 tokens',
      Output: '2 tokens',
    })
    expect(Object.fromEntries(figures)).not.toHaveProperty('Cost')
    expect(sections.map(({ title, blocks }) => [title, blocks[0]?.text])).toEqual([
      ['Input', 'Hi'],
      ['Output', 'Bears sleep.'],
      ['Run', 'one'],
    ])
  })

  test('returns strings for arbitrary event contents', async () => {
    const value = fc.oneof(fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true }), fc.constant({ toString: 1 }))
    const messageLike = fc.record(
      { role: value, content: fc.oneof(value, fc.array(value)), toolCalls: fc.array(value) },
      { requiredKeys: [] },
    )
    const partLike = fc.record(
      { type: fc.constantFrom('text', 'image', 'reasoning'), text: value, url: value, data: value },
      { requiredKeys: [] },
    )
    const content = fc.oneof(value, fc.array(messageLike), fc.record({ role: fc.constant('user'), content: fc.array(partLike) }))
    await fc.assert(
      fc.asyncProperty(content, content, content, async (input, output, usage) => {
        const of = run('any', { kind: 'chat_model' })
        const emit = eventFactory()
        const payloads = [
          emit(of, { type: 'start', input }),
          emit(of, { type: 'action', action: { tool: input, toolInput: output, log: usage } as never }),
          emit(of, { type: 'finish', finish: { returnValues: output, log: input } as never }),
          emit(of, { type: 'error', error: output, partial: input, usage: Object(usage) as never, answered: { model: usage } as never }),
        ]
        const records = await stored(payloads)
        const events = records.flatMap((record) => ('event' in record ? [record.event] : []))
        const row = modelOf(records).run('any')
        if (!row) return
        const description = describeRow(row, events, { price: () => ({ total: 1, currency: 'USD' }) })
        const texts = [
          ...description.figures.flat(),
          ...description.sections.flatMap(({ title, blocks }) => [title, ...blocks.map(({ text }) => text)]),
        ]
        for (const text of texts) expect(typeof text).toBe('string')
        expect(typeof descriptionToText(row, description)).toBe('string')
      }),
      { numRuns: 60 },
    )
  })

  test('includes the year of a run of another year', async () => {
    const events: RunEvent[] = [{ run: run('old'), at: Date.UTC(2001, 5, 15, 12), seq: 0, type: 'start', input: 1 }]
    const { figures } = describeRow(found(modelOf(await stored(events)), 'old'), events)
    expect(Object.fromEntries(figures).Started).toMatch(/^2001-06-1\d \d\d:\d\d:00$/)
  })

  test('formats durations up to the next unit', async () => {
    const of = run('long')
    const lasting = async (ms: number) => {
      const events: RunEvent[] = [
        { run: of, at: 0, seq: 0, type: 'start', input: 1 },
        { run: of, at: ms, seq: 1, type: 'end', output: 1 },
      ]
      return Object.fromEntries(describeRow(found(modelOf(await stored(events)), 'long'), events).figures).Duration
    }
    expect(await Promise.all([999, 59_990, 60_000, 119_600, 3_599_900].map(lasting))).toEqual([
      '999 ms',
      '59.99 s',
      '1 min 0 s',
      '2 min 0 s',
      '60 min 0 s',
    ])
  })

  test('sums the costs of a tree and counts unknown ones, instead of 0 (P8)', async () => {
    const prices = {
      price: ({ outputTokens }: { outputTokens?: number }) => (outputTokens ? { total: outputTokens / 100, currency: 'USD' } : undefined),
    }
    expect(Object.fromEntries((await describeChain('one', prices)).figures)).toMatchObject({ Cost: '0.0200 USD' })
    expect(Object.fromEntries((await describeChain('root', prices)).figures)).toMatchObject({
      Cost: '0.0200 USD + 1 unknown',
      Input: '7 tokens',
    })
  })

  test('passes model, url and cache writes of a call to prices.price()', async () => {
    const emit = eventFactory()
    const answered = { id: 'a', model: 'm', url: 'https://x.test', cacheWrite1hTokens: 2 }
    const usage = { inputTokens: 12, outputTokens: 5, cacheWriteTokens: 2 }
    const calls: unknown[] = []
    const price = (_: unknown, call: unknown): undefined => void calls.push(call)
    const of = run('m', { kind: 'chat_model' })
    const records = await stored([emit(of, { type: 'start', input: 'Hi' }), emit(of, { type: 'end', output: 'Ho', usage, answered })])
    describeRow(found(modelOf(records), 'm'), [], { price })
    expect(calls).toEqual([expect.objectContaining({ model: 'm', url: 'https://x.test', cacheWrite1hTokens: 2 })])
  })

  test('returns errors first, with causes and fields, and messages one by one', () => {
    const cause = new TypeError('reset')
    const error = new ModelError('http', 'Overloaded', { status: 529, cause })
    const emit = eventFactory()
    const of = run('m', { kind: 'chat_model', metadata: { user: 'bo' }, tags: ['x'] })
    const messages = [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'Look' },
          { type: 'image', url: 'https://example.com/bear.png' },
        ],
      },
      { role: 'assistant', content: '', toolCalls: [{ id: '1', name: 'calculator', args: { sum: '1+1' } }] },
    ]
    const events = [emit(of, { type: 'start', input: messages }), emit(of, { type: 'error', error, partial: 'Bea' })]
    const model = modelOf(events.map((event, i) => ({ id: `${i}`, cursor: `${i}`, at: event.at, level: 'error', event })))
    const description = describeRow(found(model, 'm'), events)
    expect(description.sections.map(({ title, blocks }) => [title, ...blocks.map(({ label, text }) => `${label ?? ''}|${text}`)])).toEqual([
      ['Error', '|ModelError: Overloaded\ncode: http\nstatus: 529', 'caused by|TypeError: reset'],
      ['Input', 'user|Look', 'user: image|https://example.com/bear.png', 'assistant: tool call calculator|{\n  "sum": "1+1"\n}'],
      ['Partial output', '|Bea'],
      ['Tags', '|x'],
      ['Metadata', '|{\n  "user": "bo"\n}'],
      ['Run', '|m'],
    ])
    expect(descriptionToText(found(model, 'm'), description)).toMatch(/^chat model m\nState: failed\n.*\[caused by\] TypeError: reset\n/s)
  })

  test('returns each error of an AggregateError', () => {
    const of = run('m')
    const error = new AggregateError([new Error('one'), new TypeError('two')], 'All have failed')
    const event: RunEvent = { run: of, at: 1, seq: 0, type: 'error', error, partial: undefined }
    const { sections } = describeRow(found(modelOf([{ id: '1', cursor: '1', at: 1, level: 'error', event }]), 'm'), [event])
    expect(sections[0]?.blocks.map(({ text }) => text)).toEqual(['AggregateError: All have failed', 'Error: one', 'TypeError: two'])
  })

  test('returns the tokens so far as output of an unfinished run', async () => {
    const emit = eventFactory()
    const of = run('m', { kind: 'llm' })
    const events = [
      emit(of, { type: 'start', input: 'Hi' }),
      emit(of, { type: 'token', token: 'Bea' }),
      emit(of, { type: 'token', token: 'rs' }),
    ]
    const { sections } = describeRow(found(modelOf(await stored(events)), 'm'), events)
    expect(sections[1]).toEqual({ title: 'Output', variant: 'growing', blocks: [{ text: 'Bears' }] })
  })
})

test('chaintap/viewer can be imported without a DOM', async () => {
  const { ChaintapLog } = await import('chaintap/viewer')
  expect(typeof ChaintapLog).toBe('function')
  expect(globalThis.customElements?.get('chaintap-log')).toBe(globalThis.customElements && ChaintapLog)
})

describe('LogFeed', () => {
  const listen = (model: LogModel) => ({
    append: (record: StoredRecord) => void model.append(record),
    prepend: (records: readonly StoredRecord[]) => model.prepend(records),
    changed() {},
    cleared() {
      throw new Error('Unexpected cleared()')
    },
    failed(error: unknown) {
      throw error
    },
  })
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20))

  test('reads pages of older records and receives each new record once', async () => {
    const store = new MemoryLogStore({ retain: {} })
    let written = 0
    const write = (count: number) => {
      for (let i = 0; i < count; i++) store.write(logMessage(`${written++}`))
    }
    write(2_500)
    const model = new LogModel()
    const feed = new LogFeed(store, listen(model))
    const started = feed.start()
    write(700)
    for (let i = 0; i < 10; i++) {
      await settled()
      write(50)
      await feed.loadOlder()
    }
    await vi.waitFor(() => expect(linesOf(model)).toEqual(Array.from({ length: written }, (_, i) => `${i}`)), patience)
    expect(feed.hasOlder).toBe(false)
    feed.stop()
    await started
  })

  test('follows an empty log from its first record and receives nothing after stop()', async () => {
    const store = new MemoryLogStore()
    const model = new LogModel()
    const feed = new LogFeed(store, listen(model))
    const started = feed.start()
    await settled()
    store.write(logMessage('first'))
    await vi.waitFor(() => expect(linesOf(model)).toEqual(['first']), patience)
    feed.stop()
    await started
    store.write(logMessage('after stop'))
    await settled()
    expect(linesOf(model)).toEqual(['first'])
  })
})
