import type { RunContext } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import { startChild } from '../core/run/start.ts'
import { createRunnable, type Runnable, toRunnable } from '../core/runnable/runnable.ts'
import { foldByKey, type MergeBranch, MergedSource } from './merge.ts'
import type { StepChunk, StepOutput } from './step-types.ts'

/** A step of {@link parallel}: a runnable, or a function of the input. */
export type ParallelStep = Runnable<never, unknown, unknown> | ((input: never, context: RunContext) => unknown)
/** The steps of {@link parallel} by the key of their output. */
export type ParallelSteps = Readonly<Record<string, ParallelStep>>

type InputOfStep<S> =
  S extends Runnable<infer In, unknown, unknown> ? In : S extends (input: infer In, ...rest: never) => unknown ? In : never
/** A step that declares no input, such as a function without parameters, is inferred as `never` here and accepts everything. */
type AcceptedBy<S> = [InputOfStep<S>] extends [never] ? unknown : InputOfStep<S>

/** The input that all steps accept: the intersection of their inputs, each of which may be a union, such as a prompt's. */
export type ParallelInput<S extends ParallelSteps> = { [K in keyof S]: (input: AcceptedBy<S[K]>) => void }[keyof S] extends (
  input: infer I,
) => void
  ? I
  : never
/** The outputs of the steps by key. */
export type ParallelOutput<S extends ParallelSteps> = { [K in keyof S]: StepOutput<S[K]> }
/** A chunk of one step: an object with the step's key. */
export type ParallelChunk<S extends ParallelSteps> = { [K in keyof S]: { [Key in K]: StepChunk<S[K]> } }[keyof S]

/**
 * Creates a runnable that runs several steps concurrently on the same input (LangChain's RunnableParallel or RunnableMap). The output is
 * an object with a key per step. Its stream yields `{ key: chunk }` for the chunks of the steps as they arrive. The option
 * `maxConcurrency` limits the steps that run at once.
 *
 * @example
 * const both = parallel({ joke: prompt.pipe(model), length: ({ animal }: { animal: string }) => animal.length })
 * const { joke, length } = await both.invoke({ animal: 'bears' })
 */
export function parallel<const S extends ParallelSteps>(steps: S): Runnable<ParallelInput<S>, ParallelOutput<S>, ParallelChunk<S>> {
  return createRunnable({ name: 'RunnableParallel', open: (input: unknown, run) => openParallel(steps, input, run) })
}

/** Opens the flow of all steps. `base`, if given, is the first chunk, and the outputs are added to it. */
export function openParallel<Chunk>(
  steps: ParallelSteps,
  input: unknown,
  run: RunHandle,
  base?: Readonly<Record<string, unknown>>,
): Flow<Chunk> {
  const branches = Object.entries(steps).map(([key, step]): MergeBranch => {
    const runnable = toRunnable(step)
    return { key, open: () => startChild(runnable, input, run, { tags: [`map:key:${key}`] }) }
  })
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
