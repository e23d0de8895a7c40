import type { Delta } from '../delta.ts'
import type { Flow } from '../flow/flow.ts'
import type { MaybePromise } from '../flow/link.ts'
import type { PendingHandlers } from './dispatch.ts'
import type { ActiveRun } from './run.ts'
import type { RunHandle } from './run-handle.ts'

/**
 * Puts a run around its flow: it tells and folds what passes, and ends with it. `emitsChunks`: its chunks are events too, for the reader
 * of `events()`.
 */
export function instrument<Chunk>(run: ActiveRun, flow: Flow<Chunk>, isShown: boolean): Flow<Chunk> {
  const { dispatcher } = run
  const folding = flow.retained
  if (dispatcher.hasListeners) run.output.needed = 'yes'
  const kept = run.output.start(flow.fold, folding)
  const adding = kept === folding ? undefined : kept
  const emitFromChunk = tokenEmitter(run)
  const pass = (chunk: Chunk, controller: TransformStreamDefaultController<Chunk>): void => {
    if (isShown) dispatcher.emitChunk(chunk)
    controller.enqueue(chunk)
  }
  const transform = (chunk: Chunk, controller: TransformStreamDefaultController<Chunk>): MaybePromise => {
    // Stopped by a handler in the middle of a pass.
    if (run.phase === 'failed') return
    adding?.add(chunk)
    const wait = emitFromChunk?.(chunk)
    if (wait) return wait.then(() => pass(chunk, controller))
    pass(chunk, controller)
  }
  const instrumented = flow.through<Chunk>({
    ...((adding || emitFromChunk || isShown) && { transform }),
    flush: () => run.end() as Promise<void> | undefined,
    cancel: (reason) => run.tree.close(run, reason),
  })
  instrumented.retained = kept
  return instrumented
}

/** Records what a Delta says about the response: its usage, its id, its model. */
export function recordDelta(run: RunHandle, delta: Delta): void {
  if (delta.type === 'usage') run.report({ usage: delta.usage })
  if (delta.type === 'meta') run.report({ answered: delta })
}

/** How a model's run tells its chunks: text as `token`, anything else as `delta`. Other runs tell nothing: their child did. */
function tokenEmitter(run: ActiveRun): ((chunk: unknown) => PendingHandlers) | undefined {
  const { dispatcher, tree } = run
  const token = (text: string): PendingHandlers => {
    tree.firstTokenAt ??= Date.now()
    return text === '' || !run.emitsTokens ? undefined : dispatcher.emitToken(text)
  }
  if (run.run.kind === 'llm') return (chunk) => token(chunk as string)
  if (run.run.kind !== 'chat_model') return
  return (chunk) => {
    const delta = chunk as Delta
    if (delta.type === 'text') return token(delta.text)
    recordDelta(run, delta)
    return run.emitsTokens ? dispatcher.emit({ type: 'delta', delta: { ...delta } }) : undefined
  }
}
