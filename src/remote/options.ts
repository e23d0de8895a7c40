/** How long a connection may take, and how it is made again. */
export interface ReconnectOptions {
  /** Ms without a byte, heartbeats included, after which a connection counts as lost. Default 45,000: three heartbeats; 0 for no limit. */
  readonly idleMs?: number
  /** How often a lost connection is made again before an event comes, where the server can resume the run. Default 10. */
  readonly maxReconnects?: number
  /** Ms to wait before the next attempt (from 1). Default: growing pauses, from a quarter of a second to eight. */
  readonly reconnectDelay?: (attempt: number) => number
  /** Ms for which a page may be hidden before a connection that has been silent since is made anew. Default 5,000. */
  readonly graceMs?: number
}

/** A run that the server can resume. */
export interface ResumableRun {
  readonly id: string
  /** The server's number of the last event that has been heard; -1 before the first. `resume(id, { after: seq })` goes on behind it. */
  readonly seq: number
}
