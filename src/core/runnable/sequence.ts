import type { Flow } from '../flow/flow.ts'
import type { RunHandle } from '../run/run-handle.ts'
import { readOutput, startChild, startDownstream } from '../run/start.ts'
import { createRunnable, flattenSteps, type Runnable } from './runnable.ts'

type SequenceStep = Runnable<never, unknown, unknown>

/**
 * Steps one after another (LangChain's RunnableSequence, what `pipe` makes): each takes the output of the one before it, by chunks
 * where it can. Where two meet as flow and stage they become one pass over the source.
 *
 * @example
 * const chain = sequence(prompt, model, new StringOutputParser())
 */
export function sequence<A, B, BC, C, CC>(a: Runnable<A, B, BC>, b: Runnable<B, C, CC>): Runnable<A, C, CC>
export function sequence<A, B, BC, C, CC, D, DC>(a: Runnable<A, B, BC>, b: Runnable<B, C, CC>, c: Runnable<C, D, DC>): Runnable<A, D, DC>
export function sequence<A, B, BC, C, CC, D, DC, E, EC>(
  a: Runnable<A, B, BC>,
  b: Runnable<B, C, CC>,
  c: Runnable<C, D, DC>,
  d: Runnable<D, E, EC>,
): Runnable<A, E, EC>
export function sequence(...given: readonly SequenceStep[]): SequenceStep {
  const steps = given.flatMap(flattenSteps)
  const [first] = steps
  return createRunnable<never, unknown, unknown>({
    name: 'RunnableSequence',
    steps,
    open: (input, run) => openSteps(steps, undefined, input, run),
    ...(first?.through && { through: (flow: Flow, run: RunHandle) => openSteps(steps, flow, undefined, run) }),
  })
}

/** Data flowing through the steps: on as a flow where the next one takes chunks, folded to a value where it does not. */
async function openSteps(steps: readonly SequenceStep[], from: Flow | undefined, input: unknown, run: RunHandle): Promise<Flow> {
  let at = from
  let value = input
  for (const [index, step] of steps.entries()) {
    const tags = [`seq:step:${index + 1}`]
    if (at && step.through) at = await startDownstream(step, at, run, tags)
    else {
      if (at) value = await readOutput(at)
      at = await startChild(step, value, run, { tags })
    }
  }
  return at as Flow
}
