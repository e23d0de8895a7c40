import { env } from 'cloudflare:workers'
import { type D1Binding, D1LogStore } from 'chaintap/durable-log'
import { toResponse } from 'chaintap/edge'
import { logHandler } from 'chaintap/log'
import { scriptedModel } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'
import { all, describeLogStore, logMessage, textsOf } from '../../contracts/log-store.ts'

const { LOGS } = env as unknown as { readonly LOGS: D1Database }

/** The database without tables: the store creates them. */
async function empty(): Promise<D1Database> {
  await LOGS.batch(['chaintap_log', 'chaintap_log_parts'].map((table) => LOGS.prepare(`DROP TABLE IF EXISTS ${table}`)))
  return LOGS
}

describeLogStore('D1LogStore', { make: async (options) => new D1LogStore(await empty(), options) })

describe('D1LogStore', () => {
  test('all stores on one database share the log', async () => {
    const [one, other] = [new D1LogStore(await empty()), new D1LogStore(LOGS)]
    await Promise.all([one.append([logMessage('a1'), logMessage('a2')]), other.append([logMessage('b1'), logMessage('b2')])])
    await new D1LogStore(LOGS).append([logMessage('last')])
    const texts = textsOf(await all(new D1LogStore(LOGS).read()))
    expect([...texts].sort()).toEqual(['a1', 'a2', 'b1', 'b2', 'last'])
    expect(texts.at(-1)).toBe('last')
    for (const own of ['a', 'b']) expect(texts.filter((text) => text.startsWith(own))).toEqual([`${own}1`, `${own}2`])
    expect(one.isDurable).toBe(true)
  })

  test('the run of a request is stored when its waitUntil promises settle', async () => {
    await empty()
    const waits: Promise<unknown>[] = []
    const run = scriptedModel([['Hel', 'lo']]).events('hi', { callbacks: [logHandler(new D1LogStore(LOGS))] })
    const response = toResponse(run, { ctx: { waitUntil: (work) => waits.push(work) } })
    // Handlers receive no chunk events, which are for readers only.
    const types = [...(await response.text()).matchAll(/^event: (?!outcome|chunk)(.*)$/gm)].map(([, type]) => type)
    await Promise.all(waits)
    const logged = await all(new D1LogStore(LOGS).read())
    expect(logged.map((record) => 'event' in record && record.event.type)).toEqual(types)
    expect(types.at(-1)).toBe('end')
  })

  test('a record larger than a row is stored', async () => {
    const store = new D1LogStore(await empty(), { limit: 8_000_000 })
    // Row boundaries fall between and inside of surrogate pairs.
    const messages = ['語'.repeat(1_500_000), '💡'.repeat(700_000), `x${'💡'.repeat(700_000)}`]
    for (const message of messages) await store.append([logMessage(message)])
    for (const [i, text] of textsOf(await all(store.read())).entries()) expect(text === messages[i]).toBe(true)
  })

  test('one append() makes two batches: create the tables, and write', async () => {
    const real = await empty()
    let batches = 0
    const counted: D1Binding = {
      prepare: (query) => real.prepare(query),
      batch(statements) {
        batches++
        return real.batch(statements as D1PreparedStatement[])
      },
    }
    await new D1LogStore(counted).append(Array.from({ length: 400 }, (_, i) => logMessage(`${i}`)))
    expect(batches).toBe(2)
  })

  test('prune() removes the oldest records', async () => {
    const store = new D1LogStore(await empty())
    for (let i = 0; i < 3; i++) await store.append(Array.from({ length: 1_000 }, (_, j) => logMessage(`${i}:${j}`)))
    expect(await all(store.read())).toHaveLength(3_000)
    await store.prune({ maxRecords: 1_000 })
    const texts = textsOf(await all(store.read()))
    expect(texts.length).toBeLessThanOrEqual(1_000)
    expect(texts.at(-1)).toBe('2:999')
  })

  test('a failed transaction stores nothing, and one whose confirmation is lost is stored once', async () => {
    const real = await empty()
    let fate: 'fails' | 'goes lost' | 'works' = 'works'
    const flaky: D1Binding = {
      prepare: (query) => real.prepare(query),
      async batch(statements) {
        const given = statements as D1PreparedStatement[]
        const results = await real.batch(fate === 'fails' ? [...given, real.prepare('SELECT * FROM nowhere')] : given)
        if (fate === 'goes lost') throw new Error('Network connection lost.')
        return results
      },
    }
    const [one, other] = [new D1LogStore(flaky), new D1LogStore(flaky)]
    await Promise.all([one.append([logMessage('one')]), other.append([logMessage('other')])])
    fate = 'fails'
    await expect(one.append([logMessage('first')])).rejects.toMatchObject({ code: 'log_not_written' })
    expect([...textsOf(await all(new D1LogStore(LOGS).read()))].sort()).toEqual(['one', 'other'])
    fate = 'goes lost'
    await expect(other.append([logMessage('second')])).rejects.toMatchObject({ code: 'log_not_written' })
    fate = 'works'
    // The store does not know yet that the record is stored.
    expect(textsOf(await all(other.read())).filter((text) => text === 'second')).toEqual(['second'])
    await new Promise((resolve) => setTimeout(resolve, 5_500))
    await Promise.all([one.flush(), other.flush()])
    expect([...textsOf(await all(new D1LogStore(LOGS).read()))].sort()).toEqual(['first', 'one', 'other', 'second'])
  }, 20_000)

  test('append() rejects with the error of the database, and a later attempt stores all records', async () => {
    let isBroken = true
    const real = await empty()
    const broken: D1Binding = {
      prepare: (query) => real.prepare(query),
      batch: (statements) =>
        isBroken ? Promise.reject(new Error('D1_ERROR: overloaded')) : real.batch(statements as D1PreparedStatement[]),
    }
    const store = new D1LogStore(broken)
    await expect(store.append([logMessage('one')])).rejects.toMatchObject({ code: 'log_not_written' })
    isBroken = false
    await new Promise((resolve) => setTimeout(resolve, 5_500))
    await store.append([logMessage('two')])
    expect(textsOf(await all(store.read()))).toEqual(['one', 'two'])
  }, 20_000)
})
