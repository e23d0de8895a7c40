import { invalidOptionsError } from '../errors.ts'
import type { Flow } from '../flow/flow.ts'
import { valueFold } from '../flow/fold.ts'
import { continueParallel, type Merging, openParallel } from '../run/parallel.ts'
import type { RunHandle } from '../run/run-handle.ts'
import { readOutput, startChild, startDownstream } from '../run/start.ts'
import { describeForError } from '../util/describe.ts'
import { type AnyStep, lambda, type NextStep, type StepChunk, type StepInput, type StepOutput } from './lambda.ts'
import { createRunnable, flattenSteps, Runnable } from './runnable.ts'
import { isPlainObject, isTransformer, transform } from './transform.ts'

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
export function sequence<const A extends AnyStep, const B extends StepAfter<A>>(a: A, b: B): Then<A, B>
export function sequence<const A extends AnyStep, const B extends StepAfter<A>, const C extends StepAfter<Then<A, B>>>(
  a: A,
  b: B,
  c: C,
): Then<Then<A, B>, C>
export function sequence<
  const A extends AnyStep,
  const B extends StepAfter<A>,
  const C extends StepAfter<Then<A, B>>,
  const D extends StepAfter<Then<Then<A, B>, C>>,
>(a: A, b: B, c: C, d: D): Then<Then<Then<A, B>, C>, D>
export function sequence<
  const A extends AnyStep,
  const B extends StepAfter<A>,
  const C extends StepAfter<Then<A, B>>,
  const D extends StepAfter<Then<Then<A, B>, C>>,
  const E extends StepAfter<Then<Then<Then<A, B>, C>, D>>,
>(a: A, b: B, c: C, d: D, e: E): Then<Then<Then<Then<A, B>, C>, D>, E>
export function sequence(...steps: readonly unknown[]): Runnable<never, unknown, unknown> {
  if (steps.length === 0) throw invalidOptionsError('sequence() requires at least one step.')
  return sequenceOf(steps.map((step, index) => toRunnable(step, `sequence(), step ${index + 1}`)))
}

/** The forms of a step after `S`. */
type StepAfter<S> = NextStep<StepOutput<S>, StepChunk<S>>
/** `A`, then `B`, as one step. */
type Then<A, B> = Runnable<StepInput<A>, StepOutput<B, StepOutput<A>>, StepChunk<B, StepChunk<A>>>

/** A sequence of runnables. */
export function sequenceOf(nested: readonly AnyRunnable[]): Runnable<never, unknown, unknown> {
  const steps = nested.flatMap(flattenSteps)
  const [first] = steps
  return createRunnable<never, unknown, unknown>({
    name: 'RunnableSequence',
    steps,
    open: (input, run) => openSteps(steps, undefined, input, run),
    ...(first?.through && { through: (flow: Flow, run: RunHandle) => openSteps(steps, flow, undefined, run) }),
  })
}

type AnyRunnable = Runnable<never, unknown, unknown>

/**
 * Makes a runnable of a step of any form.
 *
 * @param place Where the step stands, for the error.
 * @throws ChaintapError `invalid_options` for anything else
 */
export function toRunnable(step: unknown, place: string): AnyRunnable {
  if (step instanceof Runnable) return step as AnyRunnable
  if (typeof step === 'function') return lambda(step as (input: never) => unknown)
  if (typeof step === 'object' && step !== null) {
    if (isTransformer(step)) return transform(step)
    if (isPlainObject(step) && Object.keys(step).length > 0) return mapOf(step, place)
  }
  throw invalidOptionsError(`${place}: expected ${STEP_FORMS}, but received ${describeForError(step)}.`)
}

const STEP_FORMS = 'a runnable, a function, a Transformer, a TransformStream or an object of steps'

/**
 * Makes a runnable of a map of steps.
 *
 * @param merging What merges their chunks. Loaded on demand where the program uses neither `parallel` nor `assign`.
 */
export function mapOf(map: unknown, place: string, merging?: Merging): AnyRunnable {
  const steps = toRunnables(map, place)
  const load = async (): Promise<Merging> =>
    merging ?? { ...(await import('../flow/merge.ts')), ...(await import('../flow/shared-input.ts')) }
  return createRunnable({
    name: 'RunnableParallel',
    prefersValue: true,
    open: async (input: unknown, run) => openParallel(steps, input, run, await load()),
    ...(Object.values(steps).some(({ through }) => through) && {
      through: async (flow: Flow, run: RunHandle) => continueParallel(steps, flow, run, await load()),
    }),
  })
}

/** Makes runnables of the steps of a map. */
export function toRunnables(map: unknown, place: string): Readonly<Record<string, AnyRunnable>> {
  if (!isPlainObject(map)) throw invalidOptionsError(`${place}: expected an object of steps, but received ${describeForError(map)}.`)
  return Object.fromEntries(Object.entries(map).map(([key, step]) => [key, toRunnable(step, `${place}, key ${JSON.stringify(key)}`)]))
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
    if (flow && step.through && !(step.prefersValue && flow.fold === valueFold)) flow = await startDownstream(step, flow, run, tags)
    else {
      if (flow) value = await readOutput(flow)
      const next = steps[index + 1]
      flow = await startChild(step, value, run, { tags, ...(next && !next.through && { streaming: false }) })
    }
  }
  return flow as Flow
}
