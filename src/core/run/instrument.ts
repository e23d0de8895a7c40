import type { Delta } from '../delta.ts'
import type { Flow } from '../flow/flow.ts'
import type { MaybePromise } from '../flow/link.ts'
import { checkUsage } from './check-usage.ts'
import { closeRun } from './close.ts'
import type { PendingHandlers } from './dispatch.ts'
import type { ActiveRun } from './run.ts'

/**
 * Adds the last stage of a run to its flow: it emits the run's events, accumulates the output, and ends the run with the flow.
 *
 * @param emitsChunks Also emits a `chunk` event for each chunk, for the reader of `events()`.
 */
export function instrument<Chunk>(run: ActiveRun, flow: Flow<Chunk>, emitsChunks: boolean): Flow<Chunk> {
  const { dispatcher } = run
  const folding = flow.retained
  if (dispatcher.hasListeners) run.output.needed = 'yes'
  const retained = run.output.start(flow.fold, folding)
  const accumulating = retained === folding ? undefined : retained
  const emitFromChunk = tokenEmitter(run)
  const pass = (chunk: Chunk, controller: TransformStreamDefaultController<Chunk>): void => {
    if (emitsChunks) dispatcher.emitChunk(chunk)
    controller.enqueue(chunk)
  }
  const isChatModel = run.run.kind === 'chat_model'
  const transform = (received: Chunk, controller: TransformStreamDefaultController<Chunk>): MaybePromise => {
    // A handler may have stopped the run in the middle of a pass.
    if (run.phase === 'failed') return
    const chunk = isChatModel && (received as Delta).type !== 'text' ? (recordDelta(run, received as Delta) as Chunk) : received
    accumulating?.add(chunk)
    const wait = emitFromChunk?.(chunk)
    if (wait) return wait.then(() => pass(chunk, controller))
    pass(chunk, controller)
  }
  const instrumented = flow.through<Chunk>({
    ...((accumulating || emitFromChunk || emitsChunks) && { transform }),
    flush: () => run.end() as Promise<void> | undefined,
    cancel: (reason) => closeRun(run.tree, run, reason),
  })
  instrumented.retained = retained
  return instrumented
}

/** Records what a Delta says about the response: its usage, its id, its model. Returns the Delta, without usage that cannot be true. */
export function recordDelta(run: ActiveRun, delta: Delta): Delta {
  if (delta.type === 'meta') run.report({ answered: delta })
  if (delta.type !== 'usage') return delta
  const usage = checkUsage(delta.usage, run)
  run.report({ usage })
  return usage === delta.usage ? delta : { ...delta, usage }
}

/** Emits a model's chunks: text as `token`, any other Delta as `delta`. Undefined for other kinds of run: their children emit. */
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
    return run.emitsTokens ? dispatcher.emit({ type: 'delta', delta: { ...delta } }) : undefined
  }
}
