import type { Tree, TreeMember } from './tree.ts'

/**
 * Fails a run and all runs below it, in three steps: all are closed, so that they emit nothing more; then all stop working (signals
 * abort, bodies are cancelled); then all emit `error`, children before parents, siblings in the order of their start (P1, P2). A run that
 * completes is ended by `ActiveRun.end`.
 */
export function closeRun(tree: Tree, top: TreeMember, reason: unknown): void {
  const descendants = openDescendants(top)
  closeAll(tree, top.phase === 'open' ? [top, ...descendants] : descendants, reason)
  // A run that never started emits no end, but may own resources.
  if (top.phase !== 'new') return
  top.markFailed(reason)
  top.stopWork()
}

/** Fails all runs below a run. */
export function closeDescendants(tree: Tree, top: TreeMember, reason: unknown): void {
  closeAll(tree, openDescendants(top), reason)
}

/** The open runs below a run, level by level; those of a level in the order of their start, if they have the same parent. */
function openDescendants(top: TreeMember): readonly TreeMember[] {
  const found: TreeMember[] = []
  for (const child of top.openChildren ?? []) found.push(child)
  // Also visits what it adds.
  for (const run of found) for (const child of run.openChildren ?? []) found.push(child)
  return found
}

function closeAll(tree: Tree, runs: readonly TreeMember[], reason: unknown): void {
  const closing = runs.toSorted((a, b) => b.depth - a.depth)
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
