import type { Backend } from '../pipeline/backend.ts'
import { CREATE_TABLES, type SqlRows, type SqlStatement, sqlBackend } from './sql-backend.ts'

/**
 * The part of a D1 binding that the log uses.
 *
 * @see https://developers.cloudflare.com/d1/worker-api/d1-database/
 */
export interface D1Binding {
  /** Prepares a statement. */
  prepare(query: string): D1Statement
  /** Runs statements in one transaction. */
  batch(statements: D1Statement[]): Promise<readonly { readonly results: readonly unknown[] }[]>
}

/** The part of a D1 prepared statement that the log uses. */
export interface D1Statement {
  /** Binds values to the parameters. */
  bind(...values: unknown[]): D1Statement
}

/** Stores segments in D1. */
export function d1Backend(database: D1Binding): Backend {
  const batch = async (queries: readonly SqlStatement[]): Promise<readonly SqlRows[]> => {
    const statements = queries.map(([query, ...values]) => database.prepare(query).bind(...values))
    const results = await database.batch(statements)
    return results.map((result) => result.results as SqlRows)
  }
  let ready: Promise<unknown> | undefined
  const runBatch = async (queries: readonly SqlStatement[]): Promise<readonly SqlRows[]> => {
    ready ??= batch(CREATE_TABLES).catch((error: unknown) => {
      ready = undefined
      throw error
    })
    await ready
    return batch(queries)
  }
  return sqlBackend({ read: runBatch, write: runBatch })
}
