import type { Delta } from '../delta.ts'
import type { ResponseInfo } from '../event.ts'
import type { Flow } from '../flow/flow.ts'
import type { MaybePromise } from '../flow/link.ts'
import { mergeUsage } from '../usage.ts'
import type { PendingHandlers } from './dispatch.ts'
import type { ActiveRun } from './run.ts'

/**
 * Puts a run around its flow: it tells and folds what passes, and ends with it. `emitsChunks`: its chunks are events too, for the reader
 * of `events()`.
 */
export function instrument<Chunk>(run: ActiveRun, flow: Flow<Chunk>, isShown: boolean): Flow<Chunk> {
  const { dispatcher } = run
  const folding = flow.retained
  const kept = run.collectOutput(flow.fold, folding)
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

/** Notes which answer of which model a run is about. What is not known now is left as it is. */
export function recordAnswer(run: ActiveRun, { id, model, url, cacheWrite1hTokens }: ResponseInfo): void {
  run.responseInfo = mergeUsage<ResponseInfo>(run.responseInfo, { id, model, url, cacheWrite1hTokens })
}

/** Notes what a model says of its answer. */
export function recordDelta(run: ActiveRun, delta: Delta): void {
  if (delta.type === 'usage') run.usage = mergeUsage(run.usage, delta.usage)
  if (delta.type === 'meta') recordAnswer(run, delta)
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
