/** The part of a Durable Object's storage that is used. It requires SQLite (`new_sqlite_classes`). */
export interface DurableStorage {
  /** The SQLite database of the object. */
  readonly sql: { exec(query: string, ...bindings: unknown[]): Iterable<Record<string, unknown>> }
  /** The synchronous key-value API. */
  readonly kv: { get(key: string): unknown; put(key: string, value: unknown): void }
  /** Runs `closure` in a transaction, which is rolled back if it throws. */
  transactionSync<T>(closure: () => T): T
  /** Resolves once all writes are durable. */
  sync(): Promise<void>
  /** Schedules a call of `alarm()`, in ms since epoch. Replaces the previous alarm. */
  setAlarm(at: number): Promise<void>
  /** Deletes everything, the alarm included. */
  deleteAll(): Promise<void>
}

/** The part of a Durable Object's state, its first constructor argument, that is used. */
export interface DurableContext {
  /** The object's storage. */
  readonly storage: DurableStorage
}

/** The part of a binding to a Durable Object class that is used. */
export interface DurableNamespace {
  /** Returns the stub of the object with a name. */
  getByName(name: string): { fetch(request: Request): Promise<Response> }
}
