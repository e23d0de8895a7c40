export { assign } from './combinators/assign.ts'
export { type BranchCase, type BranchRunnable, type BranchStep, branch } from './combinators/branch.ts'
export { fallback } from './combinators/fallback.ts'
export {
  type ParallelChunk,
  type ParallelInput,
  type ParallelOutput,
  type ParallelStep,
  type ParallelSteps,
  parallel,
} from './combinators/parallel.ts'
export { type Passthrough, passthrough } from './combinators/passthrough.ts'
export { type RetryOptions, retry } from './combinators/retry.ts'
export { ConsoleCallbackHandler, type ConsoleOptions } from './console/index.ts'
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
export type {
  EmittablePayload,
  EventOf,
  EventPayload,
  Listener,
  ResponseInfo,
  Run,
  RunContext,
  RunEvent,
  RunKind,
  RunReport,
  StopRun,
} from './core/event.ts'
export type { ChunkIterator } from './core/flow/iterator.ts'
export type { EventFilter, EventTraits } from './core/handler/filter.ts'
export type { Handler } from './core/handler/handler.ts'
export type { CallbackMethods, MethodResult } from './core/handler/methods.ts'
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
export type { ModelRequest } from './core/model-request.ts'
export type { BatchOptions, EventOptions, RunOptions } from './core/options.ts'
export type { Outcome } from './core/outcome.ts'
export type { RunStream } from './core/run/run-stream.ts'
export type { OwnOptions, RunnableInfo } from './core/run/scope.ts'
export {
  type AnyStep,
  type ChunkOf,
  lambda,
  type NextStep,
  type OutputOf,
  type StepChunk,
  type StepInput,
  type StepMap,
  type StepOutput,
} from './core/runnable/lambda.ts'
export { Runnable } from './core/runnable/runnable.ts'
export { sequence } from './core/runnable/sequence.ts'
export { type ChunkTransformer, transform } from './core/runnable/transform.ts'
export { addUsage, type Usage, type UsageSource } from './core/usage.ts'
export type { AsyncDisposableIfKnown, DisposableIfKnown } from './core/util/dispose.ts'
export { type Background, type BackgroundOptions, background } from './handlers/background.ts'
export { withFilter } from './handlers/filter.ts'
export { tap } from './handlers/tap.ts'
export { type ChatInput, type MessageLike, type MessageObject, type RoleName, toMessages } from './messages/coerce.ts'
export { assistantMessage, systemMessage, toolMessage, userMessage } from './messages/create.ts'
export { messageFold } from './messages/fold.ts'
export { type DeepPartial, JsonOutputParser } from './parsers/json.ts'
export { CommaSeparatedListOutputParser, MarkdownListOutputParser, NumberedListOutputParser } from './parsers/list.ts'
export { PartialJson, type PartialJsonOptions } from './parsers/partial-json.ts'
export { StringOutputParser } from './parsers/text.ts'
export { ChatPromptTemplate } from './prompts/chat-prompt-template.ts'
export type { ChatTemplate, ChatValues, NestedChatPrompt } from './prompts/chat-template.ts'
export { type Literal, literal, MessagesPlaceholder, type PlaceholderFields } from './prompts/placeholder.ts'
export { PromptTemplate } from './prompts/prompt-template.ts'
export type { Variables } from './prompts/template.ts'
export type { Partials, PromptInput, PromptOptions, PromptValue, TextValues } from './prompts/values.ts'
