import type { AgentAction } from '../core/agent-types.ts'
import type { OwnOptions } from '../core/run/scope.ts'

/** An action that was taken, and what came of it. */
export interface AgentStep {
  readonly action: AgentAction
  readonly observation: string
}

/** What an agent gives. */
export interface AgentOutput {
  readonly output: string
  /** With `returnIntermediateSteps`. */
  readonly intermediateSteps?: readonly AgentStep[]
}

/** How an {@link AgentExecutor} works. */
export interface ExecutorOptions extends OwnOptions {
  /** How often the model may decide. Default 15. */
  readonly maxIterations?: number
  /** Ms after which no further step is begun. Default: no limit. To cut a step short, give the run a `timeout`. */
  readonly maxExecutionTime?: number
  /** At a limit: end with a fixed text (`force`, default), or ask the model once more, for its answer. */
  readonly earlyStoppingMethod?: 'force' | 'generate'
  /** Give the steps beside the output. */
  readonly returnIntermediateSteps?: boolean
  /** What the model is told where it breaks the format: what is wrong with it (`true`), or this. Default: the run fails. */
  readonly handleParsingErrors?: boolean | string | ((problem: string) => string)
  /** Tell the model of a tool that fails, and go on. Default true; otherwise the run fails with it. */
  readonly handleToolErrors?: boolean
  /** How many of the calls of one answer run at once. Default: what the run has as `maxConcurrency`, else all. */
  readonly maxConcurrency?: number
  /** Prints the agent's and its tools' own runs to the console. */
  readonly verbose?: boolean
}
