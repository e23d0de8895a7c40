import type { Backend } from '../pipeline/backend.ts'
import { CREATE_TABLES, type SqlRows, type SqlStatement, sqlBackend } from './sql-backend.ts'

/**
 * The part of a Durable Object's storage that the log uses. It must be backed by SQLite: `new_sqlite_classes` in wrangler.toml.
 *
 * @see https://developers.cloudflare.com/durable-objects/api/sqlite-storage-api/
 */
export interface SqliteStorage {
  /** Executes SQL statements. */
  readonly sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> }
  /** Runs `closure` in a transaction. */
  transactionSync<T>(closure: () => T): T
  /** Resolves when every write so far is durable. */
  sync(): Promise<void>
}

/** Stores segments in the SQLite database of a Durable Object. */
export function sqliteBackend(storage: SqliteStorage): Backend {
  const run = ([query, ...values]: SqlStatement): SqlRows => [...storage.sql.exec(query, ...values)]
  const write = async (queries: readonly SqlStatement[]): Promise<readonly SqlRows[]> => {
    const rows = storage.transactionSync(() => queries.map(run))
    await storage.sync()
    return rows
  }
  storage.transactionSync(() => CREATE_TABLES.map(run))
  return sqlBackend({ read: async (queries) => queries.map(run), write })
}
