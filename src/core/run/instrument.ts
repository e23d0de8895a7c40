import type { Delta } from '../delta.ts'
import type { Answered } from '../event.ts'
import type { Flow } from '../flow/flow.ts'
import type { Settled } from '../flow/link.ts'
import { mergeUsage } from '../usage.ts'
import type { Wait } from './dispatch.ts'
import type { OpenRun } from './run.ts'

/**
 * Puts a run around its flow: it tells and folds what passes, and ends with it. `isShown`: its chunks are events too, for the reader
 * of `events()`.
 */
export function around<Chunk>(run: OpenRun, flow: Flow<Chunk>, isShown: boolean): Flow<Chunk> {
  const { audience } = run
  const folding = flow.kept
  const kept = run.keep(flow.fold, folding)
  const adding = kept === folding ? undefined : kept
  const say = voice(run)
  const pass = (chunk: Chunk, controller: TransformStreamDefaultController<Chunk>): void => {
    if (isShown) audience.chunk(chunk)
    controller.enqueue(chunk)
  }
  const transform = (chunk: Chunk, controller: TransformStreamDefaultController<Chunk>): Settled => {
    // Stopped by a handler in the middle of a pass.
    if (run.phase === 'failed') return
    adding?.add(chunk)
    const wait = say?.(chunk)
    if (wait) return wait.then(() => pass(chunk, controller))
    pass(chunk, controller)
  }
  const told = flow.through<Chunk>({
    ...((adding || say || isShown) && { transform }),
    flush: () => run.end() as Promise<void> | undefined,
    cancel: (reason) => run.tree.close(run, reason),
  })
  told.kept = kept
  return told
}

/** Notes which answer of which model a run is about. What is not known now is left as it is. */
export function note(run: OpenRun, { id, model, url, cacheWrite1hTokens }: Answered): void {
  run.answered = mergeUsage<Answered>(run.answered, { id, model, url, cacheWrite1hTokens })
}

/** Notes what a model says of its answer. */
export function learn(run: OpenRun, delta: Delta): void {
  if (delta.type === 'usage') run.usage = mergeUsage(run.usage, delta.usage)
  if (delta.type === 'meta') note(run, delta)
}

/** How a model's run tells its chunks: text as `token`, anything else as `delta`. Other runs tell nothing: their child did. */
function voice(run: OpenRun): ((chunk: unknown) => Wait) | undefined {
  const { audience, tree } = run
  const token = (text: string): Wait => {
    tree.firstTokenAt ??= Date.now()
    return text === '' || !run.announces ? undefined : audience.token(text)
  }
  if (run.run.kind === 'llm') return (chunk) => token(chunk as string)
  if (run.run.kind !== 'chat_model') return
  return (chunk) => {
    const delta = chunk as Delta
    if (delta.type === 'text') return token(delta.text)
    learn(run, delta)
    return run.announces ? audience.tell({ type: 'delta', delta: { ...delta } }) : undefined
  }
}
