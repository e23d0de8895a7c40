/** Bounds the runs whose `end` never comes, e.g. because a filter removed it. */
const MAX_REMEMBERED_RUNS = 10_000

/** Stores the state of a run and returns it. If the map already has 10,000 runs, deletes the oldest half first. */
export function rememberRun<State>(runs: Map<string, State>, id: string, state: State): State {
  if (runs.size >= MAX_REMEMBERED_RUNS && !runs.has(id))
    for (const oldest of [...runs.keys()].slice(0, MAX_REMEMBERED_RUNS / 2)) runs.delete(oldest)
  runs.set(id, state)
  return state
}
