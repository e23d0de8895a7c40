import type { RunEvent } from '../core/event.ts'

/** Whether an event ends the run with this id. */
export const isEndOf = ({ run, type }: RunEvent, runId: string): boolean => (type === 'end' || type === 'error') && run.id === runId

/** Whether an event ends a whole run tree. */
export const isTreeEnd = (event: RunEvent): boolean => isEndOf(event, event.run.rootId)
