import type { Flow } from '../flow/flow.ts'
import type { RunHandle } from '../run/run-handle.ts'
import { readOutput, startChild, startDownstream } from '../run/start.ts'
import { createRunnable, flattenSteps, type Runnable } from './runnable.ts'

/**
 * Runs steps one after another (LangChain's RunnableSequence): each step receives the output of the step before it, in chunks if it can
 * work on chunks. `a.pipe(b)` is short for `sequence(a, b)`.
 *
 * Neighbouring steps that work on chunks become one pass over the source: a chunk goes through all of them by plain calls.
 *
 * @example
 * const joke = sequence(prompt, model, new StringOutputParser())
 */
export function sequence<A, B, BC, C, CC>(a: Runnable<A, B, BC>, b: Runnable<B, C, CC>): Runnable<A, C, CC>
export function sequence<A, B, BC, C, CC, D, DC>(a: Runnable<A, B, BC>, b: Runnable<B, C, CC>, c: Runnable<C, D, DC>): Runnable<A, D, DC>
export function sequence<A, B, BC, C, CC, D, DC, E, EC>(
  a: Runnable<A, B, BC>,
  b: Runnable<B, C, CC>,
  c: Runnable<C, D, DC>,
  d: Runnable<D, E, EC>,
): Runnable<A, E, EC>
export function sequence(...nested: readonly Runnable<never, unknown, unknown>[]): Runnable<never, unknown, unknown> {
  const steps = nested.flatMap(flattenSteps)
  const [first] = steps
  return createRunnable<never, unknown, unknown>({
    name: 'RunnableSequence',
    steps,
    open: (input, run) => openSteps(steps, undefined, input, run),
    ...(first?.through && { through: (flow: Flow, run: RunHandle) => openSteps(steps, flow, undefined, run) }),
  })
}

/** Opens the steps in turn. A step that works on chunks continues the flow of the step before it; any other gets its folded output. */
async function openSteps(
  steps: readonly Runnable<never, unknown, unknown>[],
  from: Flow | undefined,
  input: unknown,
  run: RunHandle,
): Promise<Flow> {
  let flow = from
  let value = input
  for (const [index, step] of steps.entries()) {
    const tags = [`seq:step:${index + 1}`]
    if (flow && step.through) flow = await startDownstream(step, flow, run, tags)
    else {
      if (flow) value = await readOutput(flow)
      const next = steps[index + 1]
      flow = await startChild(step, value, run, { tags, ...(next && !next.through && { streaming: false }) })
    }
  }
  return flow as Flow
}
