import type { Backend } from '../pipeline/backend.ts'
import { CREATE_TABLES, type SqlRows, type SqlStatement, sqlBackend } from './sql-backend.ts'

/** What is used of a Durable Object's storage. It must be one with SQLite: `new_sqlite_classes` in wrangler.toml. */
export interface SqliteStorage {
  readonly sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> }
  transactionSync<T>(closure: () => T): T
  /** Resolves when all that was written will survive. */
  sync(): Promise<void>
}

/** Segments in the SQLite of a Durable Object. */
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
