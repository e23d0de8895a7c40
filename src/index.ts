export type { AgentAction, AgentFinish } from './core/agent-types.ts'
export type { Delta } from './core/delta.ts'
export {
  type AbortCode,
  AbortReason,
  BudgetExceeded,
  ChaintapError,
  Disconnect,
  type ErrorCode,
  ModelError,
  type ModelErrorFacts,
  TimeoutError,
  TruncatedError,
  UserStop,
} from './core/errors.ts'
export type { Announcement, EventOf, Handler, Happening, Listener, Run, RunContext, RunEvent, RunKind } from './core/event.ts'
export type { EventFilter, EventTraits } from './core/filter.ts'
export { Flow } from './core/flow.ts'
export type { Fold } from './core/fold.ts'
export { lambda } from './core/lambda.ts'
export type { Stage } from './core/link.ts'
export type {
  AssistantMessage,
  CacheControl,
  Citation,
  Message,
  Part,
  Role,
  SystemMessage,
  ToolCall,
  ToolMessage,
  UserMessage,
} from './core/message.ts'
export { textOf } from './core/message.ts'
export type { CallbackMethods } from './core/methods.ts'
export type { RunOptions } from './core/options.ts'
export type { Outcome } from './core/outcome.ts'
export type { OpenRun } from './core/run.ts'
export { type BatchOptions, type ChunkOf, type EventOptions, type NextStep, type OutputOf, Runnable } from './core/runnable.ts'
export type { OwnOptions } from './core/scope.ts'
export { sequence } from './core/sequence.ts'
export type { RunStream } from './core/stream.ts'
export { transform } from './core/transform.ts'
export { addUsage, type Usage, type UsageSource } from './core/usage.ts'
export { type Background, type BackgroundOptions, background } from './handlers/background.ts'
export { ConsoleCallbackHandler, type ConsoleOptions } from './handlers/console.ts'
export { withFilter } from './handlers/filter.ts'
export { tap } from './handlers/tap.ts'
export { type ChatInput, type MessageLike, type MessageObject, type RoleName, toMessages } from './messages/coerce.ts'
export { assistantMessage, systemMessage, toolMessage, userMessage } from './messages/create.ts'
export { messageFold } from './messages/fold.ts'
export { type DeepPartial, JsonOutputParser } from './parsers/json.ts'
export { CommaSeparatedListOutputParser, MarkdownListOutputParser, NumberedListOutputParser } from './parsers/list.ts'
export { PartialJson } from './parsers/partial-json.ts'
export { StringOutputParser } from './parsers/text.ts'
export { ChatPromptTemplate } from './prompts/chat-prompt-template.ts'
export type { ChatTemplate, ChatValues } from './prompts/chat-template.ts'
export { type Literal, literal, MessagesPlaceholder } from './prompts/placeholder.ts'
export { PromptTemplate } from './prompts/prompt-template.ts'
export type { Variables } from './prompts/template.ts'
export type { Partials, PromptInput, PromptOptions, PromptValue, TextValues } from './prompts/values.ts'
export { assign } from './runnables/assign.ts'
export { branch } from './runnables/branch.ts'
export { fallback } from './runnables/fallback.ts'
export { parallel } from './runnables/parallel.ts'
export { passthrough } from './runnables/passthrough.ts'
export { type RetryOptions, retry } from './runnables/retry.ts'
