import type { AgentAction, AgentFinish } from '../core/agent-types.ts'
import type { ToolCall, ToolMessage } from '../core/message.ts'
import type { RunHandle } from '../core/run/run-handle.ts'

/** What a model wants to happen next. */
export type Plan =
  /** Use a tool, as it says in text. */
  | { readonly action: AgentAction }
  /** Calls of tools, side by side. */
  | { readonly calls: readonly ToolCall[]; readonly log: string }
  | { readonly finish: AgentFinish }
  /** It said nothing of the kind; the problem is put in words for it. */
  | { readonly problem: string; readonly log: string }

/** What decides what to do. */
export interface Agent {
  /** Begins with a question. */
  start(input: string): Deliberation
}

/** An agent at work on one question. Its models run as children of the executor's run. */
export interface Deliberation {
  /**
   * Asks the model what to do. Yields the final answer while it comes. `isLast`: there is no time for another step, so what the model
   * says now is the answer.
   */
  next(run: RunHandle, isLast: boolean): AsyncGenerator<string, Plan>
  /** Takes what the tools of the last plan answered, in the order of its calls. */
  observe(answers: readonly ToolMessage[]): void
}
