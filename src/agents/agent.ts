import type { AgentAction, AgentFinish } from '../core/agent-types.ts'
import type { ToolCall, ToolMessage } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'

/** What the model decided to do next. */
export type Plan =
  | {
      /** Run one tool, chosen in text. */
      readonly action: AgentAction
    }
  | {
      /** Run these tool calls concurrently. */
      readonly calls: readonly ToolCall[]
      /** The text of the model's answer. */
      readonly log: string
    }
  | {
      /** End with this answer. */
      readonly finish: AgentFinish
    }
  | {
      /** The model broke the format: what is wrong, worded for the model. */
      readonly problem: string
      /** The text of the model's answer. */
      readonly log: string
    }

/** Decides which tools to run. An {@link AgentExecutor} runs it. */
export interface Agent {
  /** Starts work on a question. */
  start(input: string): Deliberation
}

/** An agent's state for one question. Its models run as children of the executor's run. */
export interface Deliberation {
  /**
   * Asks the model what to do next. Yields the tokens of the final answer as they arrive.
   *
   * @param isLast Whether a limit was reached, so that the model's answer is the final answer.
   */
  next(run: RunHandle, isLast: boolean): AsyncGenerator<string, Plan>
  /** Receives the tool messages of the last plan, in the order of its calls. */
  observe(answers: readonly ToolMessage[]): void
}
