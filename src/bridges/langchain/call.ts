import type { EventOf, RunEvent, RunKind } from '../../core/event.ts'
import type { LangChainHandler, LangChainMethodName } from '../../core/handler/langchain.ts'
import type { Message } from '../../core/message.ts'
import type { ModelRequest } from '../../core/model-request.ts'
import { errorMessage } from '../../core/util/error-message.ts'
import { defined, LangChainMessage } from './message.ts'
import { chainInputs, chainOutputs, llmResult, partialResult, serialized, toolInput, toolOutput } from './value.ts'

type Flag = Extract<keyof LangChainHandler, `ignore${string}`>
type Result = PromiseLike<void> | undefined

/** Calls a method, if the handler has it and does not ignore its kind. */
function callMethodOf(handler: LangChainHandler, flag: Flag | undefined, name: LangChainMethodName, ...args: unknown[]): Result {
  if (flag && handler[flag]) return
  const method = handler[name] as ((...given: unknown[]) => Result) | undefined
  return method?.apply(handler, args)
}

/** The part of the method names, and the flag, for each kind of run. */
const groups = {
  chat_model: ['LLM', 'ignoreLLM'],
  llm: ['LLM', 'ignoreLLM'],
  tool: ['Tool', 'ignoreAgent'],
  retriever: ['Retriever', 'ignoreRetriever'],
  chain: ['Chain', 'ignoreChain'],
  prompt: ['Chain', 'ignoreChain'],
  parser: ['Chain', 'ignoreChain'],
  agent: ['Chain', 'ignoreChain'],
} as const satisfies Readonly<Record<RunKind, readonly [string, Flag]>>

/** Calls the method for an event, with the arguments in the order in which LangChain.js passes them (CallbackManager in its source). */
export function callHandler(handler: LangChainHandler, event: RunEvent): Result {
  const { run } = event
  const { id, parentId, metadata } = run
  const tags = [...run.tags]
  const [group, flag] = groups[run.kind]
  switch (event.type) {
    case 'start':
      return callStart(handler, event)
    case 'end':
      return callMethodOf(handler, flag, `handle${group}End`, outputOf(event), id, parentId, tags)
    case 'error':
      return callMethodOf(handler, flag, `handle${group}Error`, asError(event.error), id, parentId, tags, partialResult(event))
    case 'token':
      return callMethodOf(
        handler,
        flag,
        'handleLLMNewToken',
        event.token,
        { prompt: 0, completion: 0 },
        id,
        parentId,
        tags,
        tokenFields(event),
      )
    case 'text':
      return callMethodOf(handler, undefined, 'handleText', event.text, id, parentId, tags)
    case 'action':
      return callMethodOf(handler, 'ignoreAgent', 'handleAgentAction', event.action, id, parentId, tags)
    case 'finish':
      return callMethodOf(handler, 'ignoreAgent', 'handleAgentEnd', event.finish, id, parentId, tags)
    case 'custom':
      return callMethodOf(handler, 'ignoreCustomEvent', 'handleCustomEvent', event.name, event.data, id, tags, { ...metadata })
    case 'delta':
    case 'chunk':
    case 'retry':
      return undefined
  }
}

function callStart(handler: LangChainHandler, event: EventOf<'start'>): Result {
  const { run, input } = event
  const { id, parentId, name, kind } = run
  const [tags, metadata, object] = [[...run.tags], { ...run.metadata }, serialized(run)]
  switch (kind) {
    case 'chat_model':
    case 'llm':
      return callModelStart(handler, event)
    case 'tool': {
      const { text, callId } = toolInput(input)
      return callMethodOf(handler, 'ignoreAgent', 'handleToolStart', object, text, id, parentId, tags, metadata, name, callId)
    }
    case 'retriever':
      return callMethodOf(handler, 'ignoreRetriever', 'handleRetrieverStart', object, input, id, parentId, tags, metadata, name)
    default: {
      const runType = kind === 'agent' ? 'chain' : kind
      return callMethodOf(
        handler,
        'ignoreChain',
        'handleChainStart',
        object,
        chainInputs(input),
        id,
        parentId,
        tags,
        metadata,
        runType,
        name,
      )
    }
  }
}

/** A handler without `handleChatModelStart` receives the messages of a chat model as text. */
function callModelStart(handler: LangChainHandler, { run, input, request }: EventOf<'start'>): Result {
  const { id, parentId, name, kind } = run
  const messages = kind === 'chat_model' ? (input as readonly Message[]).map((message) => new LangChainMessage(message)) : undefined
  const metadata = { ...run.metadata, ...modelMetadata(request, kind) }
  const rest = [id, parentId, modelParameters(request), [...run.tags], metadata, name]
  if (!messages || !handler.handleChatModelStart)
    return callMethodOf(handler, 'ignoreLLM', 'handleLLMStart', serialized(run), [messages ? messages.join('\n') : input], ...rest)
  return callMethodOf(handler, 'ignoreLLM', 'handleChatModelStart', serialized(run), [messages], ...rest)
}

function outputOf(event: EventOf<'end'>): unknown {
  const { run, output } = event
  if (run.kind === 'chat_model' || run.kind === 'llm') return llmResult(event)
  if (run.kind === 'retriever') return output
  return run.kind === 'tool' ? toolOutput(output) : chainOutputs(run, output)
}

/** LangChain's handlers read `message` and `stack`. */
const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(errorMessage(error)))

/** The streamed chunk (LangChain's ChatGenerationChunk or GenerationChunk). */
function tokenFields({ token, run }: EventOf<'token'>): object {
  if (run.kind === 'llm') return { chunk: { text: token } }
  return { chunk: { text: token, message: new LangChainMessage({ role: 'assistant', content: token }) } }
}

const modelParameters = ({ model, temperature, maxTokens, topP, stop }: ModelRequest = {}): object => ({
  options: {},
  invocation_params: defined({ model, temperature, max_tokens: maxTokens, top_p: topP, stop }),
  batch_size: 1,
})

/** The metadata that LangChain's models add, by which tracers know the model. */
const modelMetadata = ({ model, temperature, maxTokens, stop }: ModelRequest = {}, kind: RunKind): object =>
  defined({
    ls_model_name: model,
    ls_model_type: kind === 'llm' ? 'llm' : 'chat',
    ls_temperature: temperature,
    ls_max_tokens: maxTokens,
    ls_stop: stop,
  })

/** Sends what the handler has collected: Langfuse's and others' `flushAsync`, LangSmith's pending batches. */
export async function flushHandler(handler: LangChainHandler): Promise<void> {
  const { flushAsync, client } = handler as FlushableHandler
  if (flushAsync) await flushAsync.call(handler)
  await client?.awaitPendingTraceBatches?.()
}

interface FlushableHandler {
  readonly flushAsync?: () => Promise<unknown>
  readonly client?: { readonly awaitPendingTraceBatches?: () => Promise<unknown> }
}
