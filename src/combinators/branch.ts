import { invalidOptionsError } from '../core/errors.ts'
import type { RunContext } from '../core/event.ts'
import { startChild } from '../core/run/start.ts'
import type { NextStep, StepChunk, StepOutput } from '../core/runnable/lambda.ts'
import { createRunnable, type Runnable } from '../core/runnable/runnable.ts'
import { toRunnable } from '../core/runnable/sequence.ts'
import { describeForError } from '../core/util/describe.ts'

/** A step: a runnable, a function of the input, a transformer or a map of steps. */
export type BranchStep<In> = NextStep<In>
/** A condition and the step for inputs that meet it. */
export type BranchCase<In, S extends BranchStep<In>> = readonly [
  condition: (input: In, context: RunContext) => boolean | Promise<boolean>,
  step: S,
]

/** A runnable with the outputs and chunks of the steps `S`. */
export type BranchRunnable<In, S> = Runnable<In, StepOutput<S, In>, StepChunk<S, In>>

/**
 * Creates a runnable that passes its input to the step of the first condition that is true, else to the last step (LangChain's
 * RunnableBranch). The step is a child run with the tag `branch:1`, `branch:2`, … or `branch:default`.
 *
 * @example
 * const answer = branch(
 *   [(question: string) => question.length < 3, () => 'Please ask a question.'],
 *   [(question: string) => question.includes('code'), new ChatOpenAI({ apiKey })],
 *   model,
 * )
 */
export function branch<In, A extends BranchStep<In>, Z extends BranchStep<In>>(
  a: BranchCase<In, A>,
  otherwise: Z,
): BranchRunnable<In, A | Z>
export function branch<In, A extends BranchStep<In>, B extends BranchStep<In>, Z extends BranchStep<In>>(
  a: BranchCase<In, A>,
  b: BranchCase<In, B>,
  otherwise: Z,
): BranchRunnable<In, A | B | Z>
export function branch<In, A extends BranchStep<In>, B extends BranchStep<In>, C extends BranchStep<In>, Z extends BranchStep<In>>(
  a: BranchCase<In, A>,
  b: BranchCase<In, B>,
  c: BranchCase<In, C>,
  otherwise: Z,
): BranchRunnable<In, A | B | C | Z>
export function branch<In>(...cases: readonly [...BranchCase<In, BranchStep<In>>[], BranchStep<In>]): Runnable<In, unknown, unknown>
export function branch<In>(...cases: readonly (BranchCase<In, BranchStep<In>> | BranchStep<In>)[]): Runnable<In, unknown, unknown> {
  const otherwise = toRunnable(cases.at(-1), 'branch(), last step')
  const choices = cases.slice(0, -1).map(toChoice<In>)
  return createRunnable<In, unknown, unknown>({
    name: 'RunnableBranch',
    async open(input, run) {
      let [chosen, tag] = [otherwise, 'branch:default']
      for (const [index, { condition, step }] of choices.entries()) {
        if (!(await condition(input, run))) continue
        ;[chosen, tag] = [step, `branch:${index + 1}`]
        break
      }
      return startChild(chosen, input, run, { tags: [tag] })
    },
  })
}

function toChoice<In>(given: unknown, index: number): { condition: BranchCase<In, never>[0]; step: Runnable<never, unknown, unknown> } {
  const place = `branch(), case ${index + 1}`
  if (!Array.isArray(given) || typeof given[0] !== 'function')
    throw invalidOptionsError(`${place}: expected [condition, step] with a function as condition, but received ${describeForError(given)}.`)
  return { condition: given[0], step: toRunnable(given[1], place) }
}
