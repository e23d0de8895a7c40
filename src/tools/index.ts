// Tools: functions that models can call.

export { type ArithmeticProblem, type ArithmeticResult, arithmetic } from '../arithmetic/index.ts'
export type { Issue } from '../schema/issue.ts'
export type { AnySchema, JsonSchema } from '../schema/json-schema.ts'
export type { StandardResult, StandardSchema } from '../schema/standard.ts'
export type { ToolSpec } from '../schema/tool-spec.ts'
export { calculator } from './calculator.ts'
export { type CallToolsOptions, callTools, failureText, toolNamed } from './call-tools.ts'
export { llmMath } from './llm-math.ts'
export { type LoadToolsOptions, loadTools, type ToolName } from './load-tools.ts'
export { type AnyTool, Tool, type ToolOptions, tool } from './tool.ts'
