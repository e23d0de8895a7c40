import { TimeoutError } from '../core/errors.ts'
import { Flow } from '../core/flow/flow.ts'
import { defaultFold } from '../core/flow/fold.ts'
import type { Source } from '../core/flow/source.ts'
import { closeRun } from '../core/run/close.ts'
import type { ActiveRun } from '../core/run/run.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { createChildRun, startRun } from '../core/run/start.ts'
import { isUnrecoverable } from '../core/run/unrecoverable.ts'
import type { Runnable } from '../core/runnable/runnable.ts'
import { listenForAbort } from '../core/util/signal.ts'

/** One attempt: the flow of a child that has begun or completed, or that fails after what was held back. */
export interface Attempt<Chunk> {
  readonly flow: Flow<Chunk>
  /** Why the child failed before it had begun. */
  readonly failure?: {
    readonly error: unknown
    /** The run was stopped, or the error must not be caught, so nothing else may be tried. */
    readonly isUnrecoverable: boolean
  }
}

/** More batches without content than any provider sends before its content. */
const MAX_EMPTY_BATCHES = 1_000

/**
 * Starts a child and holds its batches back until it has begun: until one of them has content, or until its end if no reader receives its
 * chunks. If it fails before that, the reader has seen nothing, and something else may be tried. A timeout of the child counts as a
 * failure; any other abort is unrecoverable.
 */
export async function attemptChild<Chunk>(
  runnable: Runnable<never, unknown, Chunk>,
  input: unknown,
  parent: RunHandle,
  tags: readonly string[],
): Promise<Attempt<Chunk>> {
  const run = createChildRun(runnable, parent, { tags })
  const held: (readonly Chunk[])[] = []
  let flow: Flow<Chunk> | undefined
  try {
    flow = await startRun(runnable, input, run)
    for (let batch = await flow.next(); batch; batch = await flow.next()) {
      held.push(batch)
      if (run.chunksAreRead && (batch.some(hasContent) || held.length > MAX_EMPTY_BATCHES)) break
    }
    return { flow: replay(held, flow) }
  } catch (error) {
    // A failed flow does not close its run: usually its reader is the root's reader, which closes the tree.
    closeRun(run.tree, run, error)
    const isStopped = run.wasStopped && !(error instanceof TimeoutError)
    const failure = { error, isUnrecoverable: isStopped || isUnrecoverable(error, parent) }
    if (!failure.isUnrecoverable) await handlersDone(run, parent)
    return { flow: replay(held, flow, failure), failure }
  }
}

/** Whether a reader sees something of a chunk. Facts about a response and empty pieces are no content. */
function hasContent(chunk: unknown): boolean {
  if (typeof chunk === 'string') return chunk !== ''
  const { type, text, signature, redacted } = Object(chunk) as Readonly<Record<string, unknown>>
  if (text === '' && (type === 'text' || type === 'reasoning')) return Boolean(signature ?? redacted)
  return !/^(?:meta|usage|stop|break)$/.test(String(type))
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

/**
 * Puts batches back before the rest of their flow, or before its failure (P3). Stages cannot be added to a flow that was read, so a new
 * flow reads it.
 */
function replay<Chunk>(
  held: readonly (readonly Chunk[])[],
  flow: Flow<Chunk> | undefined,
  failure?: { readonly error: unknown },
): Flow<Chunk> {
  let at = 0
  const source: Source<readonly Chunk[]> = {
    async next() {
      const value = held[at++] ?? (failure ? undefined : await flow?.next())
      if (value) return { done: false, value }
      if (failure) throw failure.error
      return { done: true }
    },
    cancel: (reason) => flow?.cancel(reason),
  }
  return new Flow(source).through<Chunk>(
    {
      transform(chunks, controller) {
        for (const chunk of chunks as readonly Chunk[]) controller.enqueue(chunk)
      },
    },
    flow ? () => flow.fold() : defaultFold,
  )
}
