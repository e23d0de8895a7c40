import { Flow } from '../flow/flow.ts'
import type { MergeBranch } from '../flow/merge.ts'
import type { RunHandle } from './run-handle.ts'
import { type Startable, startChild } from './start.ts'

/** The module that merges chunks: it imports nothing, so it can be loaded on demand without splitting the core. */
export type Merging = typeof import('../flow/merge.ts')

/** The steps of a map by the key of their output. */
export type StartableMap = Readonly<Record<string, Startable<unknown>>>

/** Opens the flow of all steps. `base`, if given, is the first chunk, and the outputs are added to it. */
export function openParallel<Chunk>(
  steps: StartableMap,
  input: unknown,
  run: RunHandle,
  { MergedSource, foldByKey }: Merging,
  base?: Readonly<Record<string, unknown>>,
): Flow<Chunk> {
  const branches = Object.entries(steps).map(
    ([key, step]): MergeBranch => ({ key, open: () => startChild(step, input, run, { tags: [`map:key:${key}`] }) }),
  )
  const flow = new Flow(new MergedSource(branches, run.maxConcurrency))
  return flow.through<Chunk>(
    {
      start: (controller) => {
        if (base) controller.enqueue(base as Chunk)
      },
      transform: (chunks, controller) => {
        for (const chunk of chunks as readonly Chunk[]) controller.enqueue(chunk)
      },
    },
    () => foldByKey(branches, base),
  )
}
