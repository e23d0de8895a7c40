import { ConsoleCallbackHandler } from 'chaintap'
import { type LogStore, MemoryLogStore, type StoredRecord } from 'chaintap/log'
import { type ExportProgress, exportLog, importLog } from 'chaintap/log-export'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { all, logMessage, run, toLogRecord } from '../../contracts/log-store.ts'
import { agentLog, exported, logs, recordsIn, storeOf } from './samples.ts'

/** A log of `count` records that are created when they are read; `made` is their number so far. */
function endless(count = Infinity): Pick<LogStore, 'read'> & { readonly read: LogStore['read']; made: number; cancelled: boolean } {
  const log = {
    made: 0,
    cancelled: false,
    read: () =>
      new ReadableStream<StoredRecord>(
        {
          pull(controller) {
            if (log.made === count) return controller.close()
            const i = log.made++
            controller.enqueue({
              id: `${i}`,
              cursor: `${i}`.padStart(9, '0'),
              at: i,
              level: 'info',
              category: ['test'],
              message: `record ${i}`,
              properties: {},
            })
          },
          cancel() {
            log.cancelled = true
          },
        },
        { highWaterMark: 0 },
      ),
  }
  return log
}

describe('exportLog() as ndjson', () => {
  test('writes a header, then each record as a line with its id', async () => {
    const store = await storeOf(agentLog)
    const lines = (await exported(store)).split('\n')
    expect(lines.shift()).toBe('{"chaintap":"log","version":1}')
    expect(lines.pop()).toBe('')
    const ids = (await all(store.read())).map(({ id }) => id)
    expect(lines.map((line) => JSON.parse(line).id)).toEqual(ids)
    expect(ids).toHaveLength(agentLog.length)
  })

  test('is lossless: imported records equal the exported ones', async () => {
    await fc.assert(
      fc.asyncProperty(logs, async (records) => {
        const copy = new MemoryLogStore()
        const store = await storeOf(records)
        const stored = await recordsIn(store)
        expect(await importLog(copy, exportLog(store))).toEqual({ records: records.length, repeats: 0 })
        expect(await recordsIn(copy)).toEqual(stored)
        expect(stored).toHaveLength(records.length)
      }),
      { numRuns: 60 },
    )
  })

  test('does not cut texts that the log contains whole', async () => {
    const store = new MemoryLogStore({ limit: 1_000_000 })
    const records = [logMessage('x'.repeat(600_000)), { run: run('r'), at: 1, seq: 0, type: 'start', input: 'y'.repeat(600_000) }] as const
    await store.append(records)
    const copy = new MemoryLogStore({ limit: 1_000_000 })
    await importLog(copy, exportLog(store))
    expect(await recordsIn(copy)).toEqual(records)
  })

  test('writes only records that match the filter', async () => {
    const copy = new MemoryLogStore()
    await importLog(copy, exportLog(await storeOf(agentLog), { runId: 'a', kind: 'tool' }))
    expect(await recordsIn(copy)).toEqual(agentLog.filter((record) => 'run' in record && record.run.id === 't'))
  })

  test('writes only the header for an empty log', async () => {
    expect(await exported(new MemoryLogStore())).toBe('{"chaintap":"log","version":1}\n')
  })
})

describe('exportLog() in every format', () => {
  test.each(['text', 'ansi', 'ndjson'] as const)(
    '%s reads the log no further than the stream is read, and stops when it is cancelled (P6)',
    async (format) => {
      const log = endless()
      const reader = exportLog(log, { format }).getReader()
      expect(log.made).toBe(0)
      await reader.read()
      const { made } = log
      expect(made).toBeLessThan(1_000)
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(log.made).toBe(made)
      await reader.cancel()
      expect(log.cancelled).toBe(true)
      expect(log.made).toBe(made)
    },
  )

  test.each(['text', 'ansi', 'html', 'ndjson'] as const)(
    '%s is written in small chunks, and onProgress is called after each',
    async (format) => {
      const log = endless(5_000)
      const reports: ExportProgress[] = []
      // The html format reads the log twice.
      const read = (query?: Parameters<LogStore['read']>[0]) => {
        log.made = 0
        return log.read(query)
      }
      const reader = exportLog({ read }, { format, onProgress: (progress) => reports.push(progress) }).getReader()
      let bytes = 0
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        expect(chunk.value.length).toBeLessThan(70_000)
        bytes += chunk.value.length
        expect(reports.at(-1)?.bytes).toBe(bytes)
      }
      expect(reports.at(-1)).toEqual({ records: 5_000, bytes })
      expect(reports.length).toBeGreaterThan(5)
      expect(reports.map(({ records }) => records)).toEqual(reports.map(({ records }) => records).sort((a, b) => a - b))
    },
  )

  test('rejects with the error of the log', async () => {
    const read = () => new ReadableStream<StoredRecord>({ pull: () => Promise.reject(new RangeError('broken')) })
    await expect(exportLog({ read }).getReader().read()).rejects.toThrow('broken')
  })

  test('throws invalid_options for an unknown format', () => {
    expect(() => exportLog(new MemoryLogStore(), { format: 'pdf' as 'html' })).toThrow(
      expect.objectContaining({ code: 'invalid_options', message: expect.stringContaining('text, ansi, html, ndjson') }),
    )
  })
})

const banner = (name: string): string => `\n\n> Entering new ${name} chain...\n`

describe('exportLog() as text and ansi', () => {
  const log = ' I need a calculator.\nAction: Calculator\nAction Input: 2^0.235'
  const shown = `${banner('AgentExecutor')}${log}
1970-01-01 00:00:01.005Z | WARNING  | app.tools - half <way> {"user":7}
Observation: Answer: 1.18
Thought: I know it.
Final Answer: 1.18

> Finished chain.
1970-01-01 00:00:01.010Z | INFO     | test - 1.18
`

  test("text is the output of LangChain's handlers, with free records between", async () => {
    expect(await exported(await storeOf(agentLog), { format: 'text' })).toBe(shown)
  })

  test('ansi is the same with colours', async () => {
    const ansi = await exported(await storeOf(agentLog), { format: 'ansi' })
    expect(ansi.replaceAll(/\p{Cc}\[[\d;]*m/gu, '')).toBe(shown)
    expect(ansi).toContain(`\n\n\x1b[1m> Entering new AgentExecutor chain...\x1b[0m\n\x1b[32;1m\x1b[1;3m${log}\x1b[0m\n`)
  })

  test('text equals the output of ConsoleCallbackHandler for the same events', async () => {
    const lines: string[] = []
    const handler = new ConsoleCallbackHandler({
      style: 'transcript',
      tokens: true,
      write: (...line) => void lines.push(`${line.join('')}\n`),
    })
    const [agent, llm] = [run('f', { kind: 'agent' }), run('g', { kind: 'llm', parentId: 'f', rootId: 'f' })]
    const error = new RangeError('too far', { cause: 'why' })
    const failing = [
      { run: agent, at: 1, seq: 0, type: 'start', input: 'x' },
      { run: llm, at: 2, seq: 1, type: 'start', input: 'x' },
      { run: llm, at: 3, seq: 2, type: 'error', error, partial: '' },
      { run: agent, at: 4, seq: 3, type: 'error', error, partial: '' },
    ] as const
    const events = [...agentLog.flatMap((record) => ('run' in record ? [record] : [])), ...failing]
    for (const event of events) handler.onEvent(event)
    expect(await exported(await storeOf(events), { format: 'text', tokens: true })).toBe(lines.join(''))
    expect(lines.join('')).toContain('I need a calculator.\n I need')
    expect(lines.join('').match(/failed/g)).toHaveLength(1)
  })

  test('removes control characters from texts, so that they cannot control the terminal', async () => {
    const store = await storeOf([{ run: run('r'), at: 1, seq: 0, type: 'text', text: 'a\x1b[31mb\x9b2Jc\0' }, logMessage('d\x1b]0;t\x07')])
    const text = await exported(store, { format: 'ansi' })
    expect(text).toContain('a[31mb2Jc\n')
    expect(text).toContain('d]0;t')
  })

  test('prints a time out of range as a number', async () => {
    for (const format of ['text', 'html'] as const)
      expect(await exported(await storeOf([logMessage('then', { at: 1e300 })]), { format })).toContain('1e+300')
  })
})

describe('exportLog() as html', () => {
  const root = (id: string) => run(id, { name: `chain <${id}>` })
  const start = (id: string, at: number) => ({ run: root(id), at, seq: 0, type: 'start', input: `question of ${id}` }) as const
  const end = (id: string, at: number) => ({ run: root(id), at, seq: 9, type: 'end', output: `answer of ${id}` }) as const
  const freeRecord = logMessage('<b onclick="x">&\'</b>', { at: 3 })

  test('writes each run tree as one section, even if they are interleaved in the log', async () => {
    const page = await exported(await storeOf([start('one', 1), start('two', 2), freeRecord, end('one', 4), end('two', 5)]), {
      format: 'html',
    })
    const sections = page.split('<section').slice(1)
    expect(sections).toHaveLength(2)
    for (const [i, id] of ['one', 'two'].entries()) {
      expect(sections[i]).toContain(`>chain &lt;${id}&gt;</h2>`)
      expect(sections[i]).toContain(`question of ${id}`)
      expect(sections[i]).toContain(`answer of ${id}`)
      expect(sections[i]).not.toContain(`of ${['two', 'one'][i]}`)
    }
  })

  test('writes each run tree as one section, even if interleaved trees exceed the buffer', async () => {
    const step = (id: string, seq: number) =>
      ({ run: root(id), at: 2, seq, type: 'custom', name: `step ${seq} of ${id}`, data: 'x'.repeat(200_000) }) as const
    const ids = ['one', 'two', 'three']
    const steps = Array.from({ length: 30 }, (_, i) => step(ids[i % 3] ?? '', i))
    const store = await storeOf([...ids.map((id) => start(id, 1)), ...steps, freeRecord, end('three', 5), end('two', 6), start('four', 7)])
    const page = await exported(store, { format: 'html' })
    const sections = page.split('<section').slice(1)
    expect(sections.map((section) => /chain &lt;(\w+)&gt;/.exec(section)?.[1])).toEqual([...ids, 'four'])
    for (const [i, id] of ids.entries()) {
      expect(sections[i]?.match(/step \d+ of \w+/g)).toEqual(steps.flatMap(({ run, name }) => (run.id === id ? [name] : [])))
      expect(sections[i]?.includes('answer of')).toBe(id !== 'one')
    }
    expect(page.match(/x{200000}/g)).toHaveLength(30)
    expect(page.match(/&lt;b onclick/g)).toHaveLength(1)
  })

  test('links to each section from the list at the top', async () => {
    const page = await exported(await storeOf([start('one', 1), start('two', 2), end('one', 4), end('two', 5), start('one', 6)]), {
      format: 'html',
    })
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, id]) => id)
    expect(links).toEqual([...page.matchAll(/<section id="([^"]*)"/g)].map(([, id]) => id))
    expect(new Set(links).size).toBe(3)
  })

  test('escapes all content', async () => {
    const page = await exported(await storeOf([freeRecord]), { format: 'html', title: '<script>alert(1)</script>' })
    expect(page).toContain('&lt;b onclick=&quot;x&quot;&gt;&amp;&#39;&lt;/b&gt;')
    expect(page).toContain('<title>&lt;script&gt;alert(1)&lt;/script&gt;</title>')
    await fc.assert(
      fc.asyncProperty(logs, async (records) => {
        const tags = new Set(
          [...(await exported(await storeOf(records), { format: 'html' })).matchAll(/<\/?([^\s>]*)/g)].map(([, tag]) => tag),
        )
        expect(['script', 'img', 'b', 'a"', ''].filter((tag) => tags.has(tag))).toEqual([])
      }),
      { numRuns: 20 },
    )
  })

  test('writes whole values, errors with their causes, and marks unfinished runs', async () => {
    const error = new RangeError('too far', { cause: new TypeError('because') })
    const page = await exported(
      await storeOf([
        start('one', 1),
        { run: root('one'), at: 2, seq: 1, type: 'error', error, partial: 'x' },
        start('two', 3),
        { run: root('two'), at: 4, seq: 1, type: 'custom', name: 'step', data: { deep: ['x'.repeat(1_000)] } },
      ]),
      { format: 'html' },
    )
    expect(page).toContain('<summary>')
    expect(page).toContain('RangeError: too far\n  caused by TypeError: because')
    expect(page).toContain('x'.repeat(1_000))
    expect(page).toContain('The run failed.')
    expect(page).toContain('The log does not contain the end of this run.')
  })

  test('writes "No records." for an empty log', async () => {
    expect(await exported(new MemoryLogStore(), { format: 'html' })).toContain('No records.')
  })

  test('writes only the given run if it is not a root', async () => {
    const page = await exported(await storeOf(agentLog), { format: 'html', runId: 't' })
    expect(page.match(/<section/g)).toHaveLength(1)
    expect(page).toContain('>Calculator</h2>')
    expect(page).not.toContain('AgentExecutor</span>')
  })
})

describe('exportLog() while the log is written', () => {
  test('leaves the log complete', async () => {
    const store = await storeOf(agentLog)
    const reader = exportLog(store, { format: 'html' }).getReader()
    await reader.read()
    await store.append(agentLog.map((record) => ('run' in record ? { ...record, at: 5_000 } : record)))
    while (!(await reader.read()).done);
    expect((await all(store.read())).map(toLogRecord)).toHaveLength(agentLog.length * 2)
  })
})
