import type { Backend } from '../pipeline/backend.ts'
import { type Query, type Rows, sqlBackend, tables } from './sql-backend.ts'

/** What is used of a D1 binding. */
export interface D1Binding {
  prepare(query: string): D1Statement
  /** All of them in one transaction. */
  batch(statements: D1Statement[]): Promise<readonly { readonly results: readonly unknown[] }[]>
}

/** A statement of D1. */
export interface D1Statement {
  bind(...values: unknown[]): D1Statement
}

/** Segments in D1. */
export function d1Backend(database: D1Binding): Backend {
  const batch = async (queries: readonly Query[]): Promise<readonly Rows[]> => {
    const statements = queries.map(([query, ...values]) => database.prepare(query).bind(...values))
    const results = await database.batch(statements)
    return results.map((result) => result.results as Rows)
  }
  let ready: Promise<unknown> | undefined
  const ask = async (queries: readonly Query[]): Promise<readonly Rows[]> => {
    ready ??= batch(tables).catch((error: unknown) => {
      ready = undefined
      throw error
    })
    await ready
    return batch(queries)
  }
  return sqlBackend({ read: ask, write: ask })
}
