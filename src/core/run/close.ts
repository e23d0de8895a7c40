import type { Tree, TreeMember } from './tree.ts'

/**
 * Fails a run and all runs below it, in three steps: all are closed, so that they emit nothing more; then all stop working (signals
 * abort, bodies are cancelled); then all emit `error`, children before parents, siblings in the order of their start (P1, P2). A run that
 * completes is ended by `ActiveRun.end`.
 */
export function closeRun(tree: Tree, top: TreeMember, reason: unknown): void {
  closeMatching(tree, (run) => isWithin(run, top), reason)
  // A run that never started emits no end, but may own resources.
  if (top.phase !== 'new') return
  top.markFailed(reason)
  top.stopWork()
}

/** Fails all runs below a run. */
export function closeDescendants(tree: Tree, top: TreeMember, reason: unknown): void {
  closeMatching(tree, (run) => run !== top && isWithin(run, top), reason)
}

function closeMatching(tree: Tree, matches: (run: TreeMember) => boolean, reason: unknown): void {
  const closing = [...tree.openRuns].filter(matches).sort((a, b) => b.depth - a.depth)
  for (const run of closing) run.markFailed(reason)
  tree.dispatchDepth++
  // Deferred before stopWork(), which may close runs above: their errors come after these.
  tree.defer(() => {
    tree.dispatchDepth++
    for (const run of closing) run.emitError()
    tree.endDispatch()
  })
  for (const run of closing) run.stopWork()
  tree.endDispatch()
}

function isWithin(run: TreeMember, top: TreeMember): boolean {
  let at: TreeMember | undefined = run
  while (at && at.depth > top.depth) at = at.parent
  return at === top
}
