import type { RunEvent } from './event.ts'

/** Whether an event is meant, and not a chunk of a `stream()`. */
export const isRunEvent = (item: unknown): item is RunEvent => typeof item === 'object' && item !== null && 'run' in item && 'seq' in item
