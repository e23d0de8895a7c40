import { configure, getLogger, type LogRecord as LogTapeEntry, reset } from '@logtape/logtape'
import { ConsoleCallbackHandler, lambda, PromptTemplate } from 'chaintap'
import { IndexedDBCallbackHandler } from 'chaintap/indexeddb'
import { type LogStore, logHandler, logtapeHandler, logtapeSink, MemoryLogStore } from 'chaintap/log'
import { OpenAI } from 'chaintap/openai'
import { offlineFetch, scriptedModel } from 'chaintap/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { all, textsOf } from '../contracts/log-store.ts'
import { turn } from '../support/sources.ts'

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const read = (store: LogStore) => all(store.read())

describe("LangChain's FileCallbackHandler example with a logger", () => {
  test('events and own messages are in one log, as in docs/log.md', async () => {
    const written: string[] = []
    const name = `program-${Math.random()}`
    const log = new IndexedDBCallbackHandler({ name })
    const logger = log.store.logger('app')

    const prompt = PromptTemplate.fromTemplate('1 + {number} = ')
    const model = new OpenAI({ apiKey: 'offline', fetch: offlineFetch(), dangerouslyAllowBrowser: true })
    const chain = prompt.pipe(model)

    const printer = new ConsoleCallbackHandler({ write: (text) => void written.push(text) })
    const response = await chain.invoke({ number: '2' }, { callbacks: [log, printer] })
    logger.info(response)

    expect(written.length).toBeGreaterThan(0)
    const stored = await read(log.store)
    expect(textsOf(stored)).toEqual([
      'RunnableSequence start',
      'PromptTemplate start',
      'PromptTemplate end',
      'OpenAI start',
      'OpenAI end',
      'RunnableSequence end',
      response,
    ])
    expect(stored.at(-1)).toMatchObject({ level: 'info', category: ['app'], message: response })
    expect(stored[3]).toMatchObject({ event: { input: '1 + 2 = ' } })

    // A later handler reads it, if there is a database.
    const isDurable = log.store.isDurable
    await log.store[asyncDispose]()
    const later = new IndexedDBCallbackHandler({ name })
    expect(textsOf(await read(later.store))).toEqual(isDurable ? textsOf(stored) : [])
    expect(isDurable).toBe(typeof indexedDB === 'object')
    await later.store[asyncDispose]()
    if (isDurable) indexedDB.deleteDatabase(`chaintap:${name}`)
  })

  test('logHandler() reports no error of the log to the run', async () => {
    const failing = { write: vi.fn(), flush: () => Promise.reject(new Error('full')) } as unknown as LogStore
    const run = lambda(() => 1).stream(undefined, { callbacks: [logHandler(failing)] })
    await run.drain()
    await run.flushed
    expect(failing.write).toHaveBeenCalled()
  })
})

test('a log whose flush() never settles delays `flushed` only', async () => {
  const silent = { write: vi.fn(), flush: () => new Promise<void>(() => {}) } as unknown as LogStore
  const run = lambda(() => 1).stream(undefined, { callbacks: [logHandler(silent)] })
  await run.drain()
  expect(await run.outcome).toMatchObject({ status: 'complete', output: 1 })
  expect(await Promise.race([run.flushed.then(() => 'flushed'), turn().then(() => 'waits')])).toBe('waits')
})

describe('LogTape', () => {
  afterEach(() => reset())

  /** Configures LogTape with these sinks for the category `app`. */
  const configured = (sinks: Record<string, (record: LogTapeEntry) => void>) =>
    configure({
      sinks,
      loggers: [
        { category: 'app', sinks: Object.keys(sinks), lowestLevel: 'trace' },
        { category: ['logtape', 'meta'], sinks: [] },
      ],
    })

  test('logtapeSink() writes the records of LogTape loggers to a log', async () => {
    const store = new MemoryLogStore()
    await configured({ log: logtapeSink(store) })
    const logger = getLogger(['app', 'chat'])
    logger.info('The answer is {answer}, said {by}.', { answer: { n: 42 }, by: 'Ann' })
    logger.warn('It took 3 tries.')
    logger.error('no {key} here', { password: 'hunter2-pass' })
    const stored = await read(store)
    expect(stored).toMatchObject([
      { level: 'info', category: ['app', 'chat'], message: 'The answer is {"n":42}, said Ann.', properties: { answer: { n: 42 } } },
      { level: 'warning', message: 'It took 3 tries.' },
      { level: 'error', properties: { password: '[redacted]' } },
    ])
    expect(stored.every(({ at }) => Math.abs(Date.now() - at) < 60_000)).toBe(true)
  })

  test('logtapeSink() flushes the log when LogTape is reset', async () => {
    const store = new MemoryLogStore()
    const flush = vi.spyOn(store, 'flush')
    await configured({ log: logtapeSink(store) })
    await reset()
    expect(flush).toHaveBeenCalledOnce()
    await expect(store.append([])).resolves.toBeUndefined()
  })

  test('logtapeHandler() forwards every event of a run with its level', async () => {
    const entries: LogTapeEntry[] = []
    await configured({ entries: (record) => void entries.push(record) })
    const logger = getLogger(['app', 'chains'])
    const model = scriptedModel([['Hel', 'lo']])
    await model.stream('hi', { callbacks: [logtapeHandler(logger)], tags: ['greeting'] }).drain()
    await lambda(() => Promise.reject(new Error('no')))
      .invoke(undefined, { callbacks: [logtapeHandler(logger)], runName: 'failing' })
      .catch(() => {})
    expect(entries.map(({ level, properties }) => `${level} ${String(properties.run)} ${String(properties.type)}`)).toEqual([
      expect.stringMatching(/^info .* start$/),
      expect.stringMatching(/^trace .* token$/),
      expect.stringMatching(/^trace .* token$/),
      expect.stringMatching(/^info .* end$/),
      'info failing start',
      'error failing error',
    ])
    expect(entries[1]).toMatchObject({ category: ['app', 'chains'], properties: { token: 'Hel', kind: 'chat_model', tags: ['greeting'] } })
    expect(entries[0]?.message.join('')).toMatch(/^chat_model .*: start$/)
  })

  test('logtapeSink() and logHandler() write to one log', async () => {
    const store = new MemoryLogStore()
    await configured({ log: logtapeSink(store) })
    const logger = getLogger('app')
    logger.info('before')
    await lambda(() => 1).invoke(undefined, { callbacks: [logtapeHandler(logger)], runName: 'work' })
    logger.info('after')
    expect(textsOf(await read(store))).toEqual(['before', 'chain work: start', 'chain work: end', 'after'])
  })
})
