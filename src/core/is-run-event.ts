import type { RunEvent } from './event.ts'

/** Whether an item is an event, not a chunk of `stream()`. */
export const isRunEvent = (item: unknown): item is RunEvent => typeof item === 'object' && item !== null && 'run' in item && 'seq' in item
