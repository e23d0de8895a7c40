import type { RunEvent, RunKind } from '../event.ts'

/** What an event can be chosen by. It is chosen where any one of the lists holds it. */
export interface EventTraits {
  /** Names of runs. */
  readonly names?: readonly string[]
  readonly kinds?: readonly RunKind[]
  readonly types?: readonly RunEvent['type'][]
  /** One tag of the run is enough. */
  readonly tags?: readonly string[]
}

/** Which events to hear, as LangChain's `streamEvents` takes it: those that `include` chooses (all, where it has no list) and `exclude` does not. */
export interface EventFilter {
  readonly include?: EventTraits
  readonly exclude?: EventTraits
}

/**
 * A filter as a function of an event.
 *
 * @example
 * const isHeard = matches({ include: { kinds: ['llm', 'chat_model'] }, exclude: { tags: ['draft'] } })
 */
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
