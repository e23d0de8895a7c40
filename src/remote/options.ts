/** When a connection counts as lost, and how it is reopened. */
export interface ReconnectOptions {
  /**
   * Time without a byte, heartbeats included, after which a connection counts as lost, in ms. 0 for no limit.
   *
   * @defaultValue 45,000, which is three heartbeats
   */
  readonly idleMs?: number
  /**
   * Reconnect attempts without receiving an event before the run fails. Used only if the server can resume the run.
   *
   * @defaultValue 10
   */
  readonly maxReconnects?: number
  /**
   * Returns the pause before a reconnect attempt, in ms. Attempts are counted from 1.
   *
   * @defaultValue random pauses that grow from 250 ms to 8 s
   */
  readonly reconnectDelay?: (attempt: number) => number
  /**
   * How long a page may be hidden, in ms. When it is shown again after a longer time, a connection that was silent meanwhile is reopened.
   *
   * @defaultValue 5,000
   */
  readonly graceMs?: number
}

/** A run that the server can resume. */
export interface ResumableRun {
  /** The id of the run on the server: pass it to `resume`. */
  readonly id: string
  /** The server's sequence number of the last event received; -1 before the first. `resume(id, { after: seq })` continues after it. */
  readonly seq: number
}
