// Agents: models that choose tools and run them.
export type { Agent, Deliberation, Plan } from './agent.ts'
export { AgentExecutor } from './executor.ts'
export { type AgentType, initializeAgent } from './initialize.ts'
export type { AgentOutput, AgentStep, ExecutorOptions } from './options.ts'
export { reactAgent } from './react.ts'
export { type Decision, parseReAct } from './react-parser.ts'
export { toolCallingAgent } from './tool-calling.ts'
