import type { PruneLimits } from '../store.ts'

/** Options of an WriteQueue. */
export interface WriteQueueOptions {
  /** Said in errors and warnings. */
  readonly name: string
  /** How many bytes may wait in memory until they are kept; then the oldest are lost. Default 16 MB. */
  readonly room?: number
  /** Held from time to time where the backend is durable; one in memory holds its own. */
  readonly retain?: PruneLimits
}

/** Whoever writes, and is told of it. */
export interface WriteQueueEvents {
  /** There is something new to read. */
  changed(): void
  /** Segments may be gone. */
  removed(): void
}
