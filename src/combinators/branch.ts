import type { RunContext } from '../core/event.ts'
import { begin } from '../core/run/start.ts'
import { type ChunkOf, type OutputOf, type Runnable, runnable, toRunnable } from '../core/runnable/runnable.ts'

/** What an input may go to: a runnable, or a function of the input. */
type Step<In> = Runnable<In, unknown, unknown> | ((input: In, context: RunContext) => unknown)
/** A condition and where the input goes that meets it. */
type Case<In, S extends Step<In>> = readonly [condition: (input: In, context: RunContext) => boolean | Promise<boolean>, step: S]

type Output<S> = S extends Runnable<never, infer Out, unknown> ? Out : S extends (...given: never) => infer R ? OutputOf<R> : never
type Branch<In, S> = Runnable<In, Output<S>, Chunks<S>>
type Chunks<S> = S extends Runnable<never, unknown, infer Chunk> ? Chunk : S extends (...given: never) => infer R ? ChunkOf<R> : never

/**
 * Sends an input to the first step whose condition it meets, else to the last one (LangChain's RunnableBranch). The step is a run below
 * it, with the tag `branch:1` … or `branch:default`.
 *
 * @example
 * const answer = branch(
 *   [(question: string) => question.length < 20, short],
 *   [(question) => question.includes('code'), coder],
 *   general,
 * )
 */
export function branch<In, A extends Step<In>, Z extends Step<In>>(a: Case<In, A>, otherwise: Z): Branch<In, A | Z>
export function branch<In, A extends Step<In>, B extends Step<In>, Z extends Step<In>>(
  a: Case<In, A>,
  b: Case<In, B>,
  otherwise: Z,
): Branch<In, A | B | Z>
export function branch<In, A extends Step<In>, B extends Step<In>, C extends Step<In>, Z extends Step<In>>(
  a: Case<In, A>,
  b: Case<In, B>,
  c: Case<In, C>,
  otherwise: Z,
): Branch<In, A | B | C | Z>
export function branch<In>(...cases: readonly [...Case<In, Step<In>>[], Step<In>]): Runnable<In, unknown, unknown>
export function branch<In>(...cases: readonly (Case<In, Step<In>> | Step<In>)[]): Runnable<In, unknown, unknown> {
  const otherwise = toRunnable(cases.at(-1))
  const choices = (cases.slice(0, -1) as readonly Case<In, Step<In>>[]).map(([meets, step]) => ({ meets, step: toRunnable(step) }))
  return runnable<In, unknown, unknown>({
    name: 'RunnableBranch',
    async open(input, run) {
      let [chosen, tag] = [otherwise, 'branch:default']
      for (const [index, { meets, step }] of choices.entries()) {
        if (!(await meets(input, run))) continue
        ;[chosen, tag] = [step, `branch:${index + 1}`]
        break
      }
      const { flow } = await begin(chosen, input, run, { tags: [tag] })
      return flow
    },
  })
}
