import { TimeoutError } from '../core/errors.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Source } from '../core/flow/source.ts'
import { closeRun } from '../core/run/close.ts'
import type { ActiveRun } from '../core/run/run.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { createChildRun, startRun } from '../core/run/start.ts'
import { isUnrecoverable } from '../core/run/unrecoverable.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { listenForAbort } from '../core/util/signal.ts'

/** The flow of a child that has produced its first batch, or the error before it. */
export type FirstBatchResult<Chunk> =
  | { readonly flow: Flow<Chunk> }
  /** `isUnrecoverable`: the run was stopped, or the error must not be caught, so nothing else may be tried. */
  | { readonly error: unknown; readonly isUnrecoverable: boolean }

/**
 * Starts a child and waits for its first batch. If it fails before that, the reader has seen nothing, and something else may be tried. A
 * timeout of the child counts as a failure; any other abort is unrecoverable.
 */
export async function firstBatch<Chunk>(
  runnable: Runnable<never, unknown, Chunk>,
  input: unknown,
  parent: RunHandle,
  tags: readonly string[],
): Promise<FirstBatchResult<Chunk>> {
  const run = createChildRun(runnable, parent, { tags })
  try {
    const flow = await startRun(runnable, input, run)
    return { flow: prependBatch(flow, await flow.next()) }
  } catch (error) {
    // A failed flow does not close its run: usually its reader is the root's reader, which closes the tree.
    closeRun(run.tree, run, error)
    const isStopped = run.wasStopped && !(error instanceof TimeoutError)
    if (isStopped || isUnrecoverable(error, parent)) return { error, isUnrecoverable: true }
    await handlersDone(run, parent)
    return { error, isUnrecoverable: false }
  }
}

/** Waits until handlers have received how a failed attempt ended: what follows it comes after that. A stop of the parent ends the wait. */
async function handlersDone(run: ActiveRun, parent: RunHandle): Promise<void> {
  const handled = run.tree.handledWithin(run.dispatcher)
  if (!handled) return
  await new Promise<void>((resolve, reject) => {
    const stopListening = listenForAbort(parent.signal, reject)
    // It never rejects.
    void handled.then(() => resolve()).finally(stopListening)
  })
}

/** Puts the first batch back. Stages cannot be added to a flow that was read, so a new flow reads it. */
function prependBatch<Chunk>(flow: Flow<Chunk>, first: readonly Chunk[] | undefined): Flow<Chunk> {
  let batch = first
  const source: Source<readonly Chunk[]> = {
    async next() {
      const value = batch ?? (await flow.next())
      batch = undefined
      return value ? { done: false, value } : { done: true }
    },
    cancel: (reason) => flow.cancel(reason),
  }
  return new Flow(source).through<Chunk>(
    {
      transform(chunks, controller) {
        for (const chunk of chunks as readonly Chunk[]) controller.enqueue(chunk)
      },
    },
    () => flow.fold(),
  )
}
