const MAX_REMEMBERED_RUNS = 10_000

/** Sets `runs[id]`; when 10,000 runs are in the map, deletes the oldest half first: a run whose `end` never comes must not stay forever. */
export function rememberRun<State>(runs: Map<string, State>, id: string, state: State): State {
  if (runs.size >= MAX_REMEMBERED_RUNS && !runs.has(id))
    for (const oldest of [...runs.keys()].slice(0, MAX_REMEMBERED_RUNS / 2)) runs.delete(oldest)
  runs.set(id, state)
  return state
}
