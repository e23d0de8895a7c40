import type { RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'

/**
 * Makes what gives an error that goes up a run tree one object again, as it was when it was logged: by that is known that it has been
 * shown.
 */
export function createErrorDeduplicator(): (event: RunEvent) => RunEvent {
  /** Of each tree the last one. */
  const known = new Map<string, { readonly error: unknown; readonly text: string }>()
  return (event) => {
    if (event.type !== 'error') return event
    const { run, error } = event
    const text = stringify(error)
    const last = known.get(run.rootId)
    const same = last?.text === text ? last.error : error
    if (run.id === run.rootId) known.delete(run.rootId)
    else known.set(run.rootId, { error: same, text })
    return { ...event, error: same }
  }
}
