import { TimeoutError } from '../core/errors.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Source } from '../core/flow/source.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { createChildRun, startRun } from '../core/run/start.ts'
import { isUnrecoverable } from '../core/run/unrecoverable.ts'
import type { Runnable } from '../core/runnable/runnable.ts'

/** A child that has begun to answer, or why it did not. */
export type FirstBatchResult<Chunk> =
  | { readonly flow: Flow<Chunk> }
  /** `exceedsLimits`: trying something else would go on with what somebody has stopped. */
  | { readonly error: unknown; readonly isOver: boolean }

/**
 * Starts a child and waits for its first batch: what fails until then has shown nothing to the reader, and something else may be tried.
 * A child that ran into a timeout of its own has failed; any other abort is an end.
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
    // The failure of a flow closes no run: as a rule its reader is the root's, and closes all.
    run.tree.close(run, error)
    const isStopped = run.wasStopped && !(error instanceof TimeoutError)
    return { error, isOver: isStopped || isUnrecoverable(error, parent) }
  }
}

/** The flow from its first batch on. A flow that has been read takes no more stages, so a new one reads it. */
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
