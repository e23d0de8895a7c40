import type { RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'

/**
 * Returns a function that gives the events of an error that propagates up a run tree the same error object, as they had before they were logged.
 * Formatters recognise by its identity that they have shown it.
 */
export function createErrorDeduplicator(): (event: RunEvent) => RunEvent {
  /** The last error of each tree. */
  const lastErrors = new Map<string, { readonly error: unknown; readonly text: string }>()
  return (event) => {
    if (event.type !== 'error') return event
    const { run, error } = event
    const text = stringify(error)
    const last = lastErrors.get(run.rootId)
    const same = last?.text === text ? last.error : error
    if (run.id === run.rootId) lastErrors.delete(run.rootId)
    else lastErrors.set(run.rootId, { error: same, text })
    return { ...event, error: same }
  }
}
