/** What an agent decided to do next: call `tool` with `toolInput`. `log` is what the model said on the way there. */
export interface AgentAction {
  readonly tool: string
  readonly toolInput: unknown
  readonly log: string
}

/** An agent's last word. */
export interface AgentFinish {
  readonly returnValues: Readonly<Record<string, unknown>>
  readonly log: string
}
