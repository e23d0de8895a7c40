import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { DurableContext } from 'chaintap/durable'
import { turn } from '../sources.ts'

/** A Durable Object's storage as documented, over Node's SQLite. Unsynced writes are lost with the instance that made them. */
export class Disk {
  /** Number of event rows written. */
  rows = 0
  /** The times of the alarms that were set. */
  readonly alarms: number[] = []
  readonly #db = new DatabaseSync(':memory:')
  /** The live instance: writes of earlier ones are ignored. */
  #life = 0
  #isOpen = false
  readonly #died = Promise.withResolvers<void>()
  /** Resolves when an instance has died at one of its syncs. */
  readonly died = this.#died.promise

  constructor() {
    this.#db.exec('CREATE TABLE kv (key TEXT PRIMARY KEY, value TEXT)')
  }

  /** Creates the storage of the next instance. A sync takes `syncMs`; the instance dies after `syncs` of them. */
  context(syncMs: number, syncs = Number.POSITIVE_INFINITY): DurableContext {
    let left = syncs
    if (this.#isOpen) this.#db.exec('ROLLBACK')
    this.#isOpen = false
    const life = ++this.#life
    const run = <T>(work: () => T): T => {
      if (life !== this.#life) throw new Error('this instance is dead')
      return work()
    }
    const write = <T>(work: () => T): T =>
      run(() => {
        if (!this.#isOpen) this.#db.exec('BEGIN')
        this.#isOpen = true
        return work()
      })
    return {
      storage: {
        sql: {
          exec: (query, ...bindings) => {
            const all = () => this.#db.prepare(query).all(...(bindings as SQLInputValue[])) as Record<string, unknown>[]
            if (query.startsWith('INSERT')) this.rows++
            return query.startsWith('SELECT') ? run(all) : write(all)
          },
        },
        kv: {
          get: (key) =>
            run(() => JSON.parse(String(this.#db.prepare('SELECT value FROM kv WHERE key = ?').get(key)?.value ?? 'null')) ?? undefined),
          put: (key, value) =>
            void write(() => this.#db.prepare('INSERT OR REPLACE INTO kv VALUES (?, ?)').run(key, JSON.stringify(value))),
        },
        transactionSync: (closure) => closure(),
        sync: async () => {
          await turn(syncMs)
          run(() => this.#isOpen && this.#db.exec('COMMIT'))
          this.#isOpen = false
          if (--left > 0) return
          this.#life++
          this.#died.resolve()
        },
        setAlarm: async (at) => void run(() => this.alarms.push(at)),
        deleteAll: async () => this.#db.exec('DROP TABLE IF EXISTS chaintap_frames; DELETE FROM kv'),
      },
    }
  }
}
