/** An agent's decision to call a tool (LangChain's AgentAction). */
export interface AgentAction {
  /** The name of the tool. */
  readonly tool: string
  /** The tool's input: text from a ReAct agent, parsed JSON arguments from a tool-calling one. */
  readonly toolInput: unknown
  /** The model's text that led to the call. */
  readonly log: string
}

/** An agent's final answer (LangChain's AgentFinish). */
export interface AgentFinish {
  /** The outputs by name, e.g. `output`. */
  readonly returnValues: Readonly<Record<string, unknown>>
  /** The model's text that contains the answer. */
  readonly log: string
}
