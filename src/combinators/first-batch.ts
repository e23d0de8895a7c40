import { TimeoutError } from '../core/errors.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Source } from '../core/flow/source.ts'
import { OpenRun } from '../core/run/run.ts'
import { launch } from '../core/run/start.ts'
import { isFinal } from '../core/run/unrecoverable.ts'
import type { Runnable } from '../core/runnable/runnable.ts'

/** A child that has begun to answer, or why it did not. */
export type Begun<Chunk> =
  | { readonly flow: Flow<Chunk> }
  /** `isOver`: trying something else would go on with what somebody has stopped. */
  | { readonly error: unknown; readonly isOver: boolean }

/**
 * Starts a child and waits for its first batch: what fails until then has shown nothing to the reader, and something else may be tried.
 * A child that ran into a timeout of its own has failed; any other abort is an end.
 */
export async function firstBatch<Chunk>(
  runnable: Runnable<never, unknown, Chunk>,
  input: unknown,
  parent: OpenRun,
  tags: readonly string[],
): Promise<Begun<Chunk>> {
  const run = new OpenRun(runnable, { tree: parent.tree, parent, tags, options: runnable.config })
  try {
    const { flow } = await launch(runnable, input, run)
    return { flow: resumed(flow, await flow.next()) }
  } catch (error) {
    // The failure of a flow closes no run: as a rule its reader is the root's, and closes all.
    run.tree.close(run, error)
    const isStopped = run.stopped && !(error instanceof TimeoutError)
    return { error, isOver: isStopped || isFinal(error, parent) }
  }
}

/** The flow from its first batch on. A flow that has been read takes no more stages, so a new one reads it. */
function resumed<Chunk>(flow: Flow<Chunk>, first: readonly Chunk[] | undefined): Flow<Chunk> {
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
