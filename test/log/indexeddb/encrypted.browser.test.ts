import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { SegmentHeader } from '../../../src/log/segment/segment.ts'
import { all, first, logMessage, run, textsOf } from '../../contracts/log-store.ts'
import { patience } from '../../support/patience.ts'
import { turn } from '../../support/sources.ts'

const asyncDispose: typeof Symbol.asyncDispose = Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
const opened: IndexedDBLogStore[] = []
const SECRET = 'Why do bears wear no shoes?'
const filler = { filler: 'All work and no play makes Jack a dull boy. '.repeat(50) }

afterEach(async () => {
  vi.restoreAllMocks()
  for (const store of opened.splice(0)) {
    await store[asyncDispose]()
    indexedDB.deleteDatabase(`chaintap:${store.name}`)
  }
})

function make(options: ConstructorParameters<typeof IndexedDBLogStore>[0]): IndexedDBLogStore {
  const store = new IndexedDBLogStore({ name: `sealed-${Math.random()}`, ...options })
  opened.push(store)
  return store
}

/** Closes the store and opens it again, as the next page would. */
async function reopen(store: IndexedDBLogStore, options: ConstructorParameters<typeof IndexedDBLogStore>[0] = {}) {
  await store[asyncDispose]()
  return make({ name: store.name, ...options })
}

const promisify = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })

async function withDatabase<T>(name: string, work: (db: IDBDatabase) => Promise<T>): Promise<T> {
  const db = await promisify(indexedDB.open(name))
  db.onversionchange = () => db.close()
  try {
    return await work(db)
  } finally {
    db.close()
  }
}

/** Reads the database on a separate connection. */
const readDatabase = (
  store: IndexedDBLogStore,
): Promise<{ readonly heads: readonly SegmentHeader[]; readonly bodies: readonly string[] }> =>
  withDatabase(`chaintap:${store.name}`, async (db) => {
    const transaction = db.transaction(['heads', 'bodies'])
    const [heads, bodies] = [promisify(transaction.objectStore('heads').getAll()), promisify(transaction.objectStore('bodies').getAll())]
    return { heads: await heads, bodies: await bodies }
  })

const keyOf = (store: IndexedDBLogStore): Promise<CryptoKey | undefined> =>
  withDatabase('chaintap-keys', (db) => promisify(db.transaction('keys').objectStore('keys').get(`chaintap:${store.name}`)))

const journalEntries = (store: IndexedDBLogStore): readonly (readonly [string, string])[] =>
  Object.entries(localStorage as Readonly<Record<string, string>>).filter(([key]) => key.startsWith(`chaintap:${store.name}:`))

describe('gzip', () => {
  test('segments are smaller, retention counts the compressed size, and a store without gzip reads them', async () => {
    const store = make({ gzip: true })
    await store.append(Array.from({ length: 100 }, (_, i) => logMessage(`${i}`, { properties: filler })))
    const { heads, bodies } = await readDatabase(store)
    expect(bodies[0]?.length).toBeLessThan(20_000)
    expect(heads.map(({ bytes }) => bytes)).toEqual(bodies.map(({ length }) => length))
    expect(textsOf(await all((await reopen(store)).read()))).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
  })

  test('a segment that would not become smaller is stored uncompressed', async () => {
    const store = make({ gzip: true })
    await store.append([logMessage('x')])
    await store.append([logMessage('dull dull dull dull dull dull')])
    expect((await readDatabase(store)).bodies.map((body) => body[0])).toEqual(['{', '{'])
  })

  test('on pagehide, segments are written uncompressed, in that turn, and once', async () => {
    const store = make({ gzip: true })
    await store.append([logMessage('open')])
    const add = vi.spyOn(IDBObjectStore.prototype, 'add')
    for (let i = 0; i < 600; i++) store.write(logMessage(`${i}`, { properties: filler }))
    dispatchEvent(new Event('pagehide'))
    const bodies = add.mock.calls.map(([value]) => value).filter((value) => typeof value === 'string')
    expect(bodies.join('\n').split('\n')).toHaveLength(600)
    await store.flush()
    expect(journalEntries(store)).toEqual([])
    expect(textsOf(await all(store.read()))).toEqual(['open', ...Array.from({ length: 600 }, (_, i) => `${i}`)])
  })

  test('without CompressionStream, segments are stored uncompressed', async () => {
    vi.stubGlobal('CompressionStream', undefined)
    const store = make({ gzip: true })
    await store.append([logMessage('x', { properties: filler })])
    vi.unstubAllGlobals()
    expect(store.isDurable).toBe(true)
    expect((await readDatabase(store)).bodies[0]).toContain('dull boy')
  })
})

test('encrypt without a key: the log is in memory, and no plain text is stored', async () => {
  vi.spyOn(crypto.subtle, 'generateKey').mockRejectedValue(new DOMException('no', 'NotSupportedError'))
  const store = make({ encrypt: true })
  store.write(logMessage(SECRET))
  dispatchEvent(new Event('pagehide'))
  await store.flush()
  expect(store.isDurable).toBe(false)
  expect(textsOf(await all(store.read()))).toEqual([SECRET])
  expect(journalEntries(store)).toEqual([])
})

describe('encrypt', () => {
  const model = run('model', { name: 'secret-name', kind: 'chat_model', metadata: { user: SECRET } })

  test.each([{ encrypt: true }, { encrypt: true, gzip: true }])('%j: no content is readable in the database', async (options) => {
    const store = make(options)
    await store.append([
      { run: model, at: 1, seq: 0, type: 'start', input: SECRET },
      { run: model, at: 2, seq: 1, type: 'token', token: SECRET },
      logMessage(SECRET, { properties: { ...filler, SECRET } }),
    ])
    expect(store.isDurable).toBe(true)
    const { heads, bodies } = await readDatabase(store)
    const raw = JSON.stringify([heads, bodies])
    for (const word of ['bears', 'shoes', 'secret-name', 'dull boy', 'SECRET']) expect(raw).not.toContain(word)
    // Readable, as documented in docs/log.md.
    expect(heads[0]).toMatchObject({ records: 3, from: 1, to: 2, runs: ['model'], roots: ['model'] })
    expect(journalEntries(store)).toEqual([])
    expect(textsOf(await all((await reopen(store)).read()))).toEqual(['secret-name start', 'secret-name token', SECRET])
  })

  test('equal records are encrypted to different bytes', async () => {
    const store = make({ encrypt: true })
    for (let i = 0; i < 3; i++) await store.append([logMessage(SECRET)])
    expect(new Set((await readDatabase(store)).bodies).size).toBe(3)
  })

  test('scripts can use the key, and cannot export it', async () => {
    const store = make({ encrypt: true })
    await store.append([logMessage(SECRET)])
    const key = await keyOf(store)
    expect(key).toMatchObject({ type: 'secret', extractable: false, algorithm: { name: 'AES-GCM', length: 256 } })
    if (!key) throw new Error('There is no key')
    await expect(crypto.subtle.exportKey('raw', key)).rejects.toMatchObject({ name: 'InvalidAccessError' })
  })

  test('another tab uses the same key, follows the log, and writes to it', async () => {
    const here = make({ name: 'sealed-tabs', encrypt: true })
    const frame = document.createElement('iframe')
    const url = new URL('../../../src/log/indexeddb/index.ts', import.meta.url)
    const runner = 'globalThis.__vitest_browser_runner__ = { wrapDynamicImport: (load) => load() }'
    frame.srcdoc = `<script type="module">${runner}; globalThis.log = await import(${JSON.stringify(url.href)})</script>`
    document.body.appendChild(frame)
    const there = await vi.waitFor(() => {
      const { log } = frame.contentWindow as unknown as { log?: typeof import('chaintap/indexeddb') }
      if (!log) throw new Error('The frame has not loaded')
      return new log.IndexedDBLogStore({ name: 'sealed-tabs', encrypt: true })
    }, patience)
    const tail = here.tail()
    // Both create the key at the same time.
    await Promise.all([here.append([logMessage('here')]), there.append([logMessage('there')])])
    expect(textsOf(await first(2, tail)).toSorted()).toEqual(['here', 'there'])
    expect(textsOf(await all(there.read())).toSorted()).toEqual(['here', 'there'])
    await there[asyncDispose]()
    frame.remove()
  })

  test('pagehide writes no plain text and notes the possible loss; a page that stays loses no record and removes the note', async () => {
    const store = make({ encrypt: true })
    await store.append([logMessage('open')])
    const [add, note] = [vi.spyOn(IDBObjectStore.prototype, 'add'), vi.spyOn(Storage.prototype, 'setItem')]
    for (let i = 0; i < 600; i++) store.write(logMessage(`${SECRET} ${i}`))
    dispatchEvent(new Event('pagehide'))
    const notes = note.mock.calls.map(([, value]) => /records lost: (\d+)/.exec(value)?.[1])
    expect(notes.map(Number).reduce((sum, lost) => sum + lost, 0)).toBe(600)
    await store.flush()
    const written = JSON.stringify([add.mock.calls, note.mock.calls])
    expect(written).not.toContain('bears')
    expect(journalEntries(store)).toEqual([])
    expect(textsOf(await all(store.read()))).toEqual(['open', ...Array.from({ length: 600 }, (_, i) => `${SECRET} ${i}`)])
  })

  test('a loss noted by a closed page is in the log, and the segments that it had encrypted are read', async () => {
    const store = make({ encrypt: true })
    await store.append([logMessage('open')])
    const entries: (readonly [string, string])[] = []
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation((key, value) => void entries.push([key, value]))
    store.write(logMessage(SECRET))
    dispatchEvent(new Event('pagehide'))
    await store.flush()
    vi.restoreAllMocks()
    const [lost, sealed] = entries
    expect(entries).toHaveLength(2)
    await store.clear()
    if (lost) localStorage.setItem(...lost)
    const again = await reopen(store, { encrypt: true })
    expect(textsOf(await all(again.read()))).toEqual(['records lost: 1'])
    if (sealed) localStorage.setItem(...sealed)
    expect(textsOf(await all((await reopen(again)).read()))).toEqual(['records lost: 1', SECRET])
    expect(journalEntries(store)).toEqual([])
  })

  test('a segment without its key is one record with the number of unreadable records; other segments are read', async () => {
    const store = make({})
    await store.append([logMessage('plain')])
    const sealed = await reopen(store, { encrypt: true })
    await sealed.append([logMessage(SECRET, { at: 5 }), logMessage(SECRET, { at: 7 })])
    const zipped = await reopen(sealed, { gzip: true })
    await zipped.append([logMessage('zipped', { properties: filler })])
    expect(textsOf(await all(zipped.read()))).toEqual(['plain', SECRET, SECRET, 'zipped'])
    await withDatabase('chaintap-keys', (db) =>
      promisify(db.transaction('keys', 'readwrite').objectStore('keys').delete(`chaintap:${store.name}`)),
    )
    const expected = ['plain', 'records unreadable: 2', 'zipped']
    const keyless = await all(zipped.read())
    expect(textsOf(keyless)).toEqual(expected)
    expect(keyless[1]).toMatchObject({ level: 'warning', at: 7, category: ['chaintap', 'log'], properties: { unreadable: 2 } })
    // Also with a different key.
    const other = await reopen(zipped, { encrypt: true })
    await other.append([logMessage('new')])
    expect(textsOf(await all(other.read()))).toEqual([...expected, 'new'])
    expect(textsOf(await all(other.read({ order: 'desc' })))).toEqual([...expected, 'new'].toReversed())
  })

  test('read() rejects while the key cannot be loaded, and skips no record', async () => {
    const store = make({ encrypt: true })
    await store.append([logMessage(SECRET)])
    const open = indexedDB.open.bind(indexedDB)
    vi.spyOn(IDBFactory.prototype, 'open').mockImplementation((name, version) => {
      if (name === 'chaintap-keys') throw new DOMException('Connection to Indexed Database server lost', 'UnknownError')
      return open(name, version)
    })
    await expect(all(store.read())).rejects.toMatchObject({ name: 'UnknownError' })
    vi.restoreAllMocks()
    expect(textsOf(await all(store.read()))).toEqual([SECRET])
  })

  test('the constructor throws for `encrypt` if this page has the log open without it', async () => {
    const plain = make({})
    expect(() => new IndexedDBLogStore({ name: plain.name, encrypt: true })).toThrow(expect.objectContaining({ code: 'invalid_options' }))
    const sealed = await reopen(plain, { encrypt: true })
    const second = make({ name: sealed.name })
    await second.append([logMessage(SECRET)])
    expect(JSON.stringify(await readDatabase(second))).not.toContain('bears')
  })

  test('changed or swapped bodies are not decrypted', async () => {
    const store = make({ encrypt: true })
    for (const text of ['one', 'two', 'three']) await store.append([logMessage(text)])
    await withDatabase(`chaintap:${store.name}`, async (db) => {
      const bodies = db.transaction('bodies', 'readwrite').objectStore('bodies')
      const names = await promisify(bodies.getAllKeys())
      const [one = '', two = '', three = ''] = await Promise.all(names.map((name) => promisify<string>(bodies.get(name))))
      const [a = '', b = '', c = ''] = names.map(String)
      await Promise.all([bodies.put(two, a), bodies.put(one, b), bodies.put(`${three.slice(0, -1)}\0`, c)].map(promisify))
    })
    expect(textsOf(await all(store.read())).map((text) => text.replace(/\d+/, 'n'))).toEqual(Array(3).fill('records unreadable: n'))
  })

  /** Changes the only segment of a log in the database, and returns what a new page reads. */
  async function readForged(
    options: { readonly gzip?: boolean },
    forge: (head: SegmentHeader, body: string) => readonly [SegmentHeader, string],
    query: Parameters<IndexedDBLogStore['read']>[0] = {},
  ): Promise<readonly string[]> {
    const store = make({ encrypt: true, ...options })
    await store.append([logMessage(SECRET, { at: 5, properties: filler }), logMessage('alarm', { at: 7, level: 'error' })])
    await withDatabase(`chaintap:${store.name}`, async (db) => {
      const transaction = db.transaction(['heads', 'bodies'], 'readwrite')
      const [heads, bodies] = [transaction.objectStore('heads'), transaction.objectStore('bodies')]
      const [head] = await promisify<SegmentHeader[]>(heads.getAll())
      if (!head) throw new Error('There is no header')
      const [newHead, newBody] = forge(head, await promisify<string>(bodies.get(head.name)))
      await Promise.all([promisify(heads.put(newHead)), promisify(bodies.put(newBody, head.name))])
    })
    return textsOf(await all((await reopen(store, { encrypt: true, ...options })).read(query)))
  }

  const FORGED = '{"level":"error","at":6,"category":["a"],"message":"forged","properties":{}}'

  test.each([{}, { gzip: true }])('%j: a body that is not encrypted in place of one that is, is not read', async (options) => {
    const unreadable = ['records unreadable: 2']
    const start = (body: string): string => body.slice(0, body.indexOf('\n') + 1)
    expect(await readForged(options, (head) => [head, FORGED])).toEqual(unreadable)
    expect(await readForged(options, (head, body) => [head, `${start(body)}g${FORGED}`])).toEqual(unreadable)
    expect(await readForged(options, (head, body) => [head, `\x1f${FORGED}\n${body.slice(start(body).length)}`])).toEqual([SECRET, 'alarm'])
    expect(await readForged(options, (head, body) => [head, `\x1f${FORGED}\n${body.slice(start(body).length, -1)}`])).not.toContain(
      'forged',
    )
    expect(await readForged(options, (head, body) => [head, body.replace(/\n./, '\ne')])).not.toContain('forged')
  })

  test.each([{}, { gzip: true }])('%j: a changed header is restored from the encrypted body', async (options) => {
    const query = { level: 'error', after: 6 } as const
    for (const change of [
      { level: 0 },
      { to: 1 },
      { from: 9, to: 9 },
      { records: 1 },
      { runs: ['x'] },
      { seal: 'x' },
      { level: 0, seal: undefined },
    ])
      expect(
        await readForged(options, (head, body) => [{ ...head, ...change } as SegmentHeader, body], query),
        JSON.stringify(change),
      ).toEqual(['alarm'])
    expect(await readForged(options, (head) => [{ ...head, level: 0 }, FORGED], { level: 'warning' })).toEqual(['records unreadable: 2'])
  })

  test('a deleted body is one record with the number of unreadable records, while its header is there', async () => {
    const store = make({ encrypt: true })
    for (const text of ['one', 'two']) await store.append([logMessage(text)])
    await withDatabase(`chaintap:${store.name}`, async (db) => {
      const bodies = db.transaction('bodies', 'readwrite').objectStore('bodies')
      const [name = ''] = await promisify(bodies.getAllKeys())
      await promisify(bodies.delete(name))
    })
    expect(textsOf(await all((await reopen(store, { encrypt: true })).read())).toSorted()).toEqual([
      'records unreadable: 1',
      expect.stringMatching(/one|two/),
    ])
  })

  test('segments that were encrypted before headers had a seal are read', async () => {
    const store = make({ encrypt: true })
    await store.append([logMessage('new')])
    const key = await keyOf(store)
    const { heads } = await readDatabase(store)
    const name = heads[0]?.name ?? ''
    if (!key) throw new Error('There is no key')
    const iv = crypto.getRandomValues(new Uint8Array(12))
    const clear = new TextEncoder().encode('{"level":"info","at":6,"category":["a"],"message":"old","properties":{}}')
    const secret = await crypto.subtle.encrypt({ name: 'AES-GCM', iv, additionalData: new TextEncoder().encode(name) }, key, clear)
    const bytes = String.fromCharCode(...iv, ...new Uint8Array(secret))
    await withDatabase(`chaintap:${store.name}`, async (db) => {
      const transaction = db.transaction(['heads', 'bodies'], 'readwrite')
      const { seal: _seal, ...head } = heads[0] ?? {}
      await Promise.all([
        promisify(transaction.objectStore('heads').put(head)),
        promisify(transaction.objectStore('bodies').put(`\x1f{"message":"records unreadable: 1"}\ne${bytes}`, name)),
      ])
    })
    for (const options of [{ encrypt: true }, {}]) expect(textsOf(await all((await reopen(store, options)).read()))).toEqual(['old'])
  })

  test('a segment that takes long to encrypt is stored in its place', async () => {
    const store = make({ encrypt: true })
    await store.append([logMessage('open')])
    const encrypt = crypto.subtle.encrypt.bind(crypto.subtle)
    const others = Promise.withResolvers<void>()
    let calls = 0
    vi.spyOn(crypto.subtle, 'encrypt').mockImplementation(async (...given) => {
      const isFirst = calls++ === 0
      if (isFirst) await others.promise
      const secret = await encrypt(...given)
      if (!isFirst) setTimeout(() => others.resolve(), 50)
      return secret
    })
    store.write(logMessage('first', { level: 'error' }))
    await vi.waitFor(() => expect(calls).toBe(1), patience)
    // A batch of this size does not wait for a running write.
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`)
    await store.append(texts.map((text) => logMessage(text, { properties: { filler: 'x'.repeat(100_000) } })))
    expect(textsOf(await all(store.read()))).toEqual(['open', 'first', ...texts])
  })

  test('many records at once, of any characters, are stored in order', async () => {
    const store = make({ encrypt: true, gzip: true })
    const texts = Array.from({ length: 2_000 }, (_, i) => `${i}`)
    for (const [i, text] of texts.entries()) {
      store.write(logMessage(text, { properties: { filler: 'é💡'.repeat(i % 100 < 50 ? 1_500 : 1) } }))
      if (i % 50 === 0) void store.flush()
      if (i % 200 === 0) await turn()
    }
    await store.flush()
    expect(textsOf(await all(store.read()))).toEqual(texts)
  })

  test('clear() removes segments that are being encrypted', async () => {
    const store = make({ encrypt: true })
    await store.append([logMessage('open')])
    void store.append([logMessage('one', { properties: filler })])
    await store.clear()
    await store.flush()
    expect((await readDatabase(store)).heads).toEqual([])
    await store.append([logMessage('two')])
    expect(textsOf(await all(store.read()))).toEqual(['two'])
  })
})
