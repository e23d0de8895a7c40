import type { Backend, StoredSegmentHeader } from '../pipeline/backend.ts'
import type { Segment, SegmentHeader } from '../segment/segment.ts'

/** A statement and its bound values. */
export type SqlStatement = readonly [sql: string, ...values: readonly (string | number)[]]

/** The rows of one statement. */
export type SqlRows = readonly Readonly<Record<string, unknown>>[]

/** A SQLite-compatible database. */
export interface SqlDatabase {
  /** Resolves with the rows of each statement. */
  read(queries: readonly SqlStatement[]): Promise<readonly SqlRows[]>
  /** Runs all statements, or none; resolves when they are durable. */
  write(queries: readonly SqlStatement[]): Promise<readonly SqlRows[]>
}

/** Maximum characters per row: Durable Objects and D1 accept rows of 2 MB, and a character takes up to three bytes. */
const MAX_ROW_CHARACTERS = 524_288

/** Run before every other statement. */
export const CREATE_TABLES: readonly SqlStatement[] = [
  // Without AUTOINCREMENT the keys of removed segments are reused, and a cursor would point to a different segment.
  ['CREATE TABLE IF NOT EXISTS chaintap_log (key INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, head TEXT)'],
  ['CREATE TABLE IF NOT EXISTS chaintap_log_parts (name TEXT, part INTEGER, text TEXT, PRIMARY KEY (name, part)) WITHOUT ROWID'],
]

// Lists are bound as JSON: D1 allows 100 parameters per statement, and limits the statements per request.
const JSON_LIST = '(SELECT value FROM json_each(?))'

/** Stores segments in a SQLite-compatible database. */
export function sqlBackend({ read, write }: SqlDatabase): Backend {
  return {
    isDurable: true,
    async add(segments) {
      const rows = await write(segments.flatMap(insertStatements))
      return rows.flatMap(([row]) => (row ? [Number(row.key)] : []))
    },
    async heads({ from, to, order, limit }) {
      const query = `SELECT key, head FROM chaintap_log WHERE key BETWEEN ? AND ? ORDER BY key ${order === 'desc' ? 'DESC' : 'ASC'} LIMIT ?`
      const [rows = []] = await read([[query, from, Math.min(to, Number.MAX_SAFE_INTEGER), limit]])
      return rows.map(({ key, head }): StoredSegmentHeader => ({ ...(JSON.parse(String(head)) as SegmentHeader), key: Number(key) }))
    },
    async bodies(names) {
      const query = `SELECT name, text FROM chaintap_log_parts WHERE name IN ${JSON_LIST} ORDER BY name, part`
      const [rows = []] = await read([[query, JSON.stringify(names)]])
      const bodies = new Map<unknown, string>()
      for (const { name, text } of rows) bodies.set(name, (bodies.get(name) ?? '') + String(text))
      return names.map((name) => bodies.get(name))
    },
    async remove(heads) {
      await write([
        [`DELETE FROM chaintap_log WHERE key IN ${JSON_LIST}`, JSON.stringify(heads.map(({ key }) => key))],
        [`DELETE FROM chaintap_log_parts WHERE name IN ${JSON_LIST}`, JSON.stringify(heads.map(({ name }) => name))],
      ])
    },
    async clear() {
      await write([['DELETE FROM chaintap_log'], ['DELETE FROM chaintap_log_parts']])
    },
    close() {},
  }
}

/** The first statement returns the key. A segment that is sent again because its confirmation was lost is stored once. */
function insertStatements({ head, body }: Segment): readonly SqlStatement[] {
  const queries: SqlStatement[] = [
    [
      'INSERT INTO chaintap_log (name, head) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET head = excluded.head RETURNING key',
      head.name,
      JSON.stringify(head),
    ],
  ]
  for (let part = 0, from = 0; from < body.length; part++) {
    // SQLite would replace half a surrogate pair by another character.
    const end = from + MAX_ROW_CHARACTERS - (/[\ud800-\udbff]/.test(body.charAt(from + MAX_ROW_CHARACTERS - 1)) ? 1 : 0)
    queries.push(['INSERT OR REPLACE INTO chaintap_log_parts VALUES (?, ?, ?)', head.name, part, body.slice(from, end)])
    from = end
  }
  return queries
}
