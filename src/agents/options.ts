import type { AgentAction } from '../core/agent-types.ts'
import type { OwnOptions } from '../core/run/scope.ts'

/** A tool that the agent ran. */
export interface AgentStep {
  /** Which tool, with which input. */
  readonly action: AgentAction
  /** The text of the tool's output, or of its error. */
  readonly observation: string
}

/** The output of an {@link AgentExecutor}. */
export interface AgentOutput {
  /** The final answer. */
  readonly output: string
  /** The tools that were run. Present with `returnIntermediateSteps`. */
  readonly intermediateSteps?: readonly AgentStep[]
}

/** Options of an {@link AgentExecutor}. */
export interface ExecutorOptions extends OwnOptions {
  /**
   * The maximum number of times that the model may choose tools. Same as LangChain's.
   *
   * @defaultValue 15
   */
  readonly maxIterations?: number
  /**
   * The time in ms after which no further step starts. To abort a step, pass a `timeout` to the run.
   *
   * @defaultValue no limit
   */
  readonly maxExecutionTime?: number
  /**
   * What happens at a limit: `force` ends with a fixed text, `generate` asks the model once more, for its final answer, and ends with
   * that text too if there is none.
   *
   * @defaultValue 'force'
   */
  readonly earlyStoppingMethod?: 'force' | 'generate'
  /**
   * Adds the steps to the output.
   *
   * @defaultValue false
   */
  readonly returnIntermediateSteps?: boolean
  /**
   * What to do if the model breaks the format. `false` rejects with `agent_format`; `true` sends the model a description of the problem;
   * a string or a function's result is sent instead.
   *
   * @defaultValue false
   */
  readonly handleParsingErrors?: boolean | string | ((problem: string) => string)
  /**
   * Whether a tool's error is sent to the model, which then decides again. `false` rejects with the error.
   *
   * @defaultValue true
   */
  readonly handleToolErrors?: boolean
  /**
   * The maximum number of tool calls of one answer that run at the same time.
   *
   * @defaultValue the run's `maxConcurrency`, otherwise unlimited
   */
  readonly maxConcurrency?: number
  /**
   * Prints the agent's and its tools' own runs to the console.
   *
   * @defaultValue false
   */
  readonly verbose?: boolean
}
