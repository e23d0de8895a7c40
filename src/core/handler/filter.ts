import type { RunEvent, RunKind } from '../event.ts'

/** Criteria for events. An event matches if at least one of the lists contains it. */
export interface EventTraits {
  /** Run names. */
  readonly names?: readonly string[]
  /** Run kinds. */
  readonly kinds?: readonly RunKind[]
  /** Event types. */
  readonly types?: readonly RunEvent['type'][]
  /** Run tags: one of the run's tags suffices. */
  readonly tags?: readonly string[]
}

/**
 * Selects events, like the filters of LangChain's `streamEvents`: those that `include` matches and `exclude` does not.
 *
 * @example
 * const filter: EventFilter = { include: { kinds: ['llm', 'chat_model'] }, exclude: { tags: ['draft'] } }
 */
export interface EventFilter {
  /** Events to select. Without lists, all events. */
  readonly include?: EventTraits
  /** Events to leave out. Without lists, none. */
  readonly exclude?: EventTraits
}

/** Creates a function that tests whether an event passes a filter. */
export function createEventPredicate({ include = {}, exclude = {} }: EventFilter): (event: RunEvent) => boolean {
  const isAll = Object.values(include).every((list) => list === undefined)
  const isIncluded = traitPredicate(include)
  const isExcluded = traitPredicate(exclude)
  return (event) => (isAll || isIncluded(event)) && !isExcluded(event)
}

function traitPredicate({ names = [], kinds = [], types = [], tags = [] }: EventTraits): (event: RunEvent) => boolean {
  return ({ type, run }) =>
    types.includes(type) ||
    kinds.includes(run.kind) ||
    names.includes(run.name) ||
    (tags.length > 0 && run.tags.some((tag) => tags.includes(tag)))
}
