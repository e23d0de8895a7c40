import type { Backend, StoredSegmentHeader } from '../pipeline/backend.ts'
import type { Segment, SegmentHeader } from '../segment/segment.ts'

/** A statement, and what is bound to it. */
export type SqlStatement = readonly [sql: string, ...values: readonly (string | number)[]]

/** The rows of one statement. */
export type SqlRows = readonly Readonly<Record<string, unknown>>[]

/** A database of the SQLite kind. */
export interface SqlDatabase {
  /** The rows of each. */
  read(queries: readonly SqlStatement[]): Promise<readonly SqlRows[]>
  /** All of them, or none; kept when it resolves. */
  write(queries: readonly SqlStatement[]): Promise<readonly SqlRows[]>
}

/** Characters of a row. A Durable Object's SQLite and D1 take rows of 2 MB, and a character may be three bytes. */
const MAX_ROW_CHARACTERS = 524_288

/** Made before anything else is asked. */
export const CREATE_TABLES: readonly SqlStatement[] = [
  // Without AUTOINCREMENT keys of removed segments are given again, and a cursor would stand for another place.
  ['CREATE TABLE IF NOT EXISTS chaintap_log (key INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, head TEXT)'],
  ['CREATE TABLE IF NOT EXISTS chaintap_log_parts (name TEXT, part INTEGER, text TEXT, PRIMARY KEY (name, part)) WITHOUT ROWID'],
]

// Lists are bound as JSON: D1 takes 100 parameters, and counts statements.
const JSON_LIST = '(SELECT value FROM json_each(?))'

/** Segments in a database. */
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

/** The first of them gives its key. A segment whose confirmation was lost comes again, and is there once. */
function insertStatements({ head, body }: Segment): readonly SqlStatement[] {
  const queries: SqlStatement[] = [
    [
      'INSERT INTO chaintap_log (name, head) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET head = excluded.head RETURNING key',
      head.name,
      JSON.stringify(head),
    ],
  ]
  for (let part = 0, from = 0; from < body.length; part++) {
    // Half a surrogate pair is no text for SQLite, and would come back as another character.
    const end = from + MAX_ROW_CHARACTERS - (/[\ud800-\udbff]/.test(body.charAt(from + MAX_ROW_CHARACTERS - 1)) ? 1 : 0)
    queries.push(['INSERT OR REPLACE INTO chaintap_log_parts VALUES (?, ?, ?)', head.name, part, body.slice(from, end)])
    from = end
  }
  return queries
}
