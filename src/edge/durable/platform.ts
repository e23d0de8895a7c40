/** What is used of a Durable Object's storage; it must be one with SQLite (`new_sqlite_classes`). */
export interface DurableStorage {
  readonly sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> }
  readonly kv: { get(key: string): unknown; put(key: string, value: unknown): void }
  transactionSync<T>(closure: () => T): T
  /** Resolves when all that was written will survive. */
  sync(): Promise<void>
  setAlarm(at: number): Promise<void>
  deleteAll(): Promise<void>
}

/** What is used of the first argument of a Durable Object's constructor. */
export interface DurableContext {
  readonly storage: DurableStorage
}

/** What is used of a binding to a class of Durable Objects. */
export interface DurableNamespace {
  getByName(name: string): { fetch(request: Request): Promise<Response> }
}
