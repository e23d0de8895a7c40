import type { Backend, KeptHead } from './backend.ts'
import type { Head, Segment } from './segment.ts'

/** What is used of a Durable Object's storage. It must be one with SQLite: `new_sqlite_classes` in wrangler.toml. */
export interface SqliteStorage {
  readonly sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> }
  transactionSync<T>(closure: () => T): T
  /** Resolves when all that was written will survive. */
  sync(): Promise<void>
}

/** Characters of a row. SQLite in a Durable Object takes rows of 2 MB, and a character may be three bytes. */
const PART = 524_288

const tables = [
  // Without AUTOINCREMENT keys of removed segments are given again, and a cursor would stand for another place.
  'CREATE TABLE IF NOT EXISTS chaintap_log (key INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, head TEXT)',
  'CREATE TABLE IF NOT EXISTS chaintap_log_parts (name TEXT, part INTEGER, text TEXT, PRIMARY KEY (name, part)) WITHOUT ROWID',
]

/** Segments in the SQLite of a Durable Object. */
export function sqliteBackend(storage: SqliteStorage): Backend {
  const { sql } = storage
  /** All of the work, or nothing of it; kept when it resolves. */
  const commit = async <T>(work: () => T): Promise<T> => {
    const result = storage.transactionSync(work)
    await storage.sync()
    return result
  }
  storage.transactionSync(() => {
    for (const table of tables) sql.exec(table)
  })
  return {
    isDurable: true,
    add: (segments) => commit(() => segments.map((segment) => add(sql, segment))),
    async heads({ from, to, order, limit }) {
      const query = `SELECT key, head FROM chaintap_log WHERE key BETWEEN ? AND ? ORDER BY key ${order === 'desc' ? 'DESC' : 'ASC'} LIMIT ?`
      const rows = [...sql.exec(query, from, Math.min(to, Number.MAX_SAFE_INTEGER), limit)]
      return rows.map(({ key, head }): KeptHead => ({ ...(JSON.parse(String(head)) as Head), key: Number(key) }))
    },
    bodies: async (names) => names.map((name) => bodyOf(sql, name)),
    remove: (heads) =>
      commit(() => {
        for (const { key, name } of heads) {
          sql.exec('DELETE FROM chaintap_log WHERE key = ?', key)
          sql.exec('DELETE FROM chaintap_log_parts WHERE name = ?', name)
        }
      }),
    clear: () =>
      commit(() => {
        sql.exec('DELETE FROM chaintap_log')
        sql.exec('DELETE FROM chaintap_log_parts')
      }),
    close() {},
  }
}

type Sql = SqliteStorage['sql']

/** Gives its key. A segment whose confirmation was lost comes again, and is there once. */
function add(sql: Sql, { head, body }: Segment): number {
  sql.exec('INSERT OR IGNORE INTO chaintap_log (name, head) VALUES (?, ?)', head.name, JSON.stringify(head))
  for (let part = 0; part * PART < body.length; part++) {
    const text = body.slice(part * PART, (part + 1) * PART)
    sql.exec('INSERT OR REPLACE INTO chaintap_log_parts VALUES (?, ?, ?)', head.name, part, text)
  }
  const [row] = sql.exec('SELECT key FROM chaintap_log WHERE name = ?', head.name)
  return Number(row?.key)
}

function bodyOf(sql: Sql, name: string): string | undefined {
  const parts = [...sql.exec('SELECT text FROM chaintap_log_parts WHERE name = ? ORDER BY part', name)]
  return parts.length === 0 ? undefined : parts.map(({ text }) => String(text)).join('')
}
