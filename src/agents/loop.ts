import type { AgentFinish } from '../core/agent-types.ts'
import { type Fold, textFold } from '../core/flow/fold.ts'
import { textOf } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import type { AnyTool } from '../tools/tool.ts'
import type { Deliberation } from './agent.ts'
import type { AgentOutput, AgentStep, ExecutorOptions } from './options.ts'
import { runToolStep } from './tool-step.ts'

/** The answer at a limit, with `earlyStoppingMethod: 'force'` or if the model gives none. */
const LIMIT_REACHED_OUTPUT = 'Stopped at the limit of iterations or of time, before there was an answer.'

/** One run of an {@link AgentExecutor}. */
export class AgentLoop {
  readonly #deliberation: Deliberation
  readonly #tools: readonly AnyTool[]
  readonly #options: ExecutorOptions
  readonly #run: RunHandle
  readonly #steps: AgentStep[] = []
  #finish: AgentFinish | undefined

  constructor(deliberation: Deliberation, tools: readonly AnyTool[], options: ExecutorOptions, run: RunHandle) {
    this.#deliberation = deliberation
    this.#tools = tools
    this.#options = options
    this.#run = run
  }

  /** Runs steps until there is a final answer, and yields its tokens. */
  async *tokens(): AsyncGenerator<string, void> {
    const { maxIterations = 15, maxExecutionTime = Number.POSITIVE_INFINITY, earlyStoppingMethod } = this.#options
    const startedAt = Date.now()
    for (let iteration = 0; ; iteration++) {
      const isOver = iteration >= maxIterations || Date.now() - startedAt >= maxExecutionTime
      if (isOver && (earlyStoppingMethod !== 'generate' || iteration === 0)) return yield* this.#finishWith(LIMIT_REACHED_OUTPUT)
      const plan = yield* this.#deliberation.next(this.#run, isOver)
      if ('finish' in plan) {
        if (isOver && plan.finish.returnValues.output === '') return yield* this.#finishWith(LIMIT_REACHED_OUTPUT)
        return this.#emitFinish(plan.finish)
      }
      const { actions, answers, direct } = await runToolStep(plan, this.#tools, this.#options, this.#run)
      for (const [index, action] of actions.entries()) {
        const answer = answers[index]
        this.#steps.push({ action, observation: answer ? textOf(answer) : '' })
      }
      if (direct !== undefined) return yield* this.#finishWith(direct)
      this.#deliberation.observe(answers)
    }
  }

  /** Folds the output: from the finish, or from the tokens if there is none yet. */
  fold(): Fold<string, AgentOutput> {
    const text = textFold()
    return {
      add: (token) => text.add(token),
      result: () => ({
        output: text.result(),
        ...this.#finish?.returnValues,
        ...(this.#options.returnIntermediateSteps && { intermediateSteps: [...this.#steps] }),
      }),
    }
  }

  async *#finishWith(output: string): AsyncGenerator<string, void> {
    yield output
    await this.#emitFinish({ returnValues: { output }, log: '' })
  }

  async #emitFinish(finish: AgentFinish): Promise<void> {
    this.#finish = finish
    await this.#run.emit({ type: 'finish', finish })
  }
}
