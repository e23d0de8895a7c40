import { Flow } from '../flow/flow.ts'
import type { Fold } from '../flow/fold.ts'
import type { MergeBranch } from '../flow/merge.ts'
import type { Source } from '../flow/source.ts'
import type { RunHandle } from './run-handle.ts'
import { readOutput, type Startable, startChild, startDownstream } from './start.ts'

/** The modules that share and merge chunks: they import nothing, so they can be loaded on demand without splitting the core. */
export type Merging = typeof import('../flow/merge.ts') & typeof import('../flow/shared-input.ts')

/** The steps of a map by the key of their output. */
export type StartableMap = Readonly<Record<string, Startable<unknown>>>

/**
 * Opens the flow of all steps.
 *
 * @param base Its output is the base to which the outputs are added, and its chunks come before theirs.
 */
export function openParallel<Chunk>(
  steps: StartableMap,
  input: unknown,
  run: RunHandle,
  { MergedSource, foldByKey }: Merging,
  base?: Flow,
): Flow<Chunk> {
  const branches = Object.entries(steps).map(
    ([key, step]): MergeBranch => ({ key, open: () => startChild(step, input, run, { tags: [`map:key:${key}`] }) }),
  )
  if (base) branches.unshift({ flow: base, open: async () => base })
  return ofBatches(new MergedSource(branches, run.maxConcurrency), () => foldByKey(branches))
}

/**
 * Continues a flow with all steps: those that work on chunks receive them as they come, the others the whole output.
 *
 * @param toBase Makes the base, as in {@link openParallel}, from the flow.
 */
export function continueParallel<Chunk>(
  steps: StartableMap,
  flow: Flow,
  run: RunHandle,
  { MergedSource, SharedInput, foldByKey }: Merging,
  toBase?: (flow: Flow) => Flow,
): Flow<Chunk> {
  const input = new SharedInput(flow)
  const fork = (): Flow => withPassOf(flow, ofBatches(input.reader(), flow.fold))
  const base = toBase?.(fork())
  const unread = Object.values(steps).some(({ through }) => !through) ? fork() : undefined
  let whole: Promise<unknown> | undefined
  const branches = Object.entries(steps).map(([key, step]): MergeBranch => {
    const tags = [`map:key:${key}`]
    const own = step.through && fork()
    const open = async (): Promise<Flow> => {
      if (own) return startDownstream(step, own, run, tags)
      whole ??= unread && readOutput(unread)
      return startChild(step, await whole, run, { tags })
    }
    return { key, open }
  })
  if (base) branches.unshift({ flow: base, open: async () => base })
  const source = new MergedSource(branches, run.maxConcurrency, (reason) => flow.cancel(reason))
  const merged = withPassOf(
    flow,
    ofBatches<Chunk>(source, () => foldByKey(branches)),
  )
  merged.ready = flow.ready
  return merged
}

/** Creates a flow of the chunks of batches. */
function ofBatches<Chunk>(source: Source<readonly unknown[]>, fold: () => Fold): Flow<Chunk> {
  return new Flow(source).through<Chunk>(
    {
      transform: (batch, controller) => {
        for (const chunk of batch as readonly Chunk[]) controller.enqueue(chunk)
      },
    },
    fold,
  )
}

function withPassOf<Chunk>(flow: Flow, next: Flow<Chunk>): Flow<Chunk> {
  next.passClock = flow.passClock
  return next
}
