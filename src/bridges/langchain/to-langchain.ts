import type { EventPayload, ResponseInfo, RunKind } from '../../core/event.ts'
import { checkHandler } from '../../core/handler/check-handlers.ts'
import { type Handler, handlerName, raisesErrors } from '../../core/handler/handler.ts'
import type { LangChainHandler, LangChainMethodName } from '../../core/handler/langchain.ts'
import type { ModelRequest } from '../../core/model-request.ts'
import { isRecord } from '../../core/util/is-record.ts'
import { omitUndefined } from '../../core/util/omit-undefined.ts'
import { HandlerFeed } from './feed.ts'
import { readUsage, withOwnMessages } from './read.ts'

type Fields = Readonly<Record<string, unknown>>
/** A method of {@link LangChainCallbacks}. */
export type LangChainCallback = (...args: unknown[]) => Promise<void>

/** What {@link toLangChain} makes: an object for LangChain's `callbacks`. LangChain waits for its methods. */
export type LangChainCallbacks = Readonly<Record<LangChainMethodName, LangChainCallback>> &
  Readonly<Required<Pick<LangChainHandler, 'name' | 'awaitHandlers' | 'raiseError'>>>

/**
 * Makes a LangChain.js callback handler of a handler: the console, a log, a TokenCounter, or a function of an event. Pass it in
 * `callbacks` of LangChain's models, chains, agents and graphs. The handler receives the events of each run in chaintap's form, with
 * messages, usage and tool arguments converted. LangChain has no event for retries, for chunks, and for runs that are left early.
 *
 * LangChain wraps a value that is no object as `{ input: … }` or `{ output: … }`: it is unwrapped.
 *
 * @throws ChaintapError `invalid_options` if it is no handler
 * @see https://js.langchain.com/docs/concepts/callbacks
 *
 * @example
 * import { ChatAnthropic } from '@langchain/anthropic'
 * const callbacks = [toLangChain(counter), toLangChain((event) => show(event.type))]
 * await new ChatAnthropic().invoke('Hello', { callbacks })
 */
export function toLangChain(handler: Handler): LangChainCallbacks {
  checkHandler(handler, 'toLangChain()')
  const feed = new HandlerFeed(handler)
  return {
    name: handlerName(handler),
    awaitHandlers: true,
    raiseError: raisesErrors(handler),
    ...startMethods(feed),
    ...endMethods(feed),
    handleLLMNewToken: async (token, _index, id, _parentId, _tags, fields) => {
      for (const payload of tokenPayloads(token, fields)) await feed.emit(id, payload)
    },
    handleText: (text, id) => feed.emit(id, { type: 'text', text: String(text) }),
    handleAgentAction: (action, id) => feed.emit(id, { type: 'action', action: action as never }),
    handleAgentEnd: (finish, id) => feed.emit(id, { type: 'finish', finish: finish as never }),
    handleCustomEvent: (name, data, id) => feed.emit(id, { type: 'custom', name: String(name), data }),
  }
}

type StartName = Extract<LangChainMethodName, `${string}Start`>
type EndName = Extract<LangChainMethodName, `handle${'LLM' | 'Chain' | 'Tool' | 'Retriever'}${'End' | 'Error'}`>

function startMethods(feed: HandlerFeed): Readonly<Record<StartName, LangChainCallback>> {
  const startModel =
    (kind: RunKind): LangChainCallback =>
    (object, inputs, id, parentId, extra, tags, metadata, name) =>
      feed.start(
        { kind, object, id, parentId, tags, metadata, name },
        withOwnMessages(Array.isArray(inputs) ? inputs[0] : inputs),
        modelRequest(extra, metadata),
      )
  return {
    handleLLMStart: startModel('llm'),
    handleChatModelStart: startModel('chat_model'),
    handleChainStart: (object, inputs, id, parentId, tags, metadata, runType, name) =>
      feed.start({ kind: chainKind(runType), object, id, parentId, tags, metadata, name }, unwrap(inputs, 'input')),
    handleToolStart: (object, input, id, parentId, tags, metadata, name) =>
      feed.start({ kind: 'tool', object, id, parentId, tags, metadata, name }, toolArguments(input)),
    handleRetrieverStart: (object, query, id, parentId, tags, metadata, name) =>
      feed.start({ kind: 'retriever', object, id, parentId, tags, metadata, name }, query),
  }
}

function endMethods(feed: HandlerFeed): Readonly<Record<EndName, LangChainCallback>> {
  const fail: LangChainCallback = (error, id) => feed.end(id, { type: 'error', error, partial: undefined })
  return {
    handleLLMEnd: (result, id) => feed.end(id, modelEnd(result, feed.requestOf(id))),
    handleChainEnd: (outputs, id) => feed.end(id, { type: 'end', output: unwrap(outputs, 'output') }),
    handleToolEnd: (output, id) => feed.end(id, { type: 'end', output: withOwnMessages(output) }),
    handleRetrieverEnd: (output, id) => feed.end(id, { type: 'end', output }),
    handleLLMError: fail,
    handleChainError: fail,
    handleToolError: fail,
    handleRetrieverError: fail,
  }
}

const chainKind = (runType: unknown): RunKind => (runType === 'prompt' || runType === 'parser' ? runType : 'chain')

function unwrap(value: unknown, key: 'input' | 'output'): unknown {
  const isWrapped = isRecord(value) && Object.keys(value).length === 1 && key in value && !isRecord(value[key])
  return withOwnMessages(isWrapped ? value[key] : value)
}

/** The arguments of a tool: JSON, or the text of a tool that takes one. */
function toolArguments(input: unknown): unknown {
  if (typeof input !== 'string') return input
  try {
    const args: unknown = JSON.parse(input)
    return isRecord(args) ? unwrap(args, 'input') : input
  } catch {
    return input
  }
}

function modelRequest(extra: unknown, metadata: unknown): object {
  const settings: Fields = isRecord(extra) && isRecord(extra.invocation_params) ? extra.invocation_params : {}
  const known: Fields = isRecord(metadata) ? metadata : {}
  return omitUndefined({
    model: settings.model ?? settings.model_name ?? known.ls_model_name,
    temperature: settings.temperature ?? known.ls_temperature,
    maxTokens: settings.max_tokens ?? settings.max_completion_tokens ?? known.ls_max_tokens,
    topP: settings.top_p,
    stop: settings.stop ?? known.ls_stop,
  })
}

/** A token's text, and the pieces of tool calls that a token without text stands for. */
function tokenPayloads(token: unknown, fields: unknown): readonly EventPayload[] {
  if (typeof token === 'string' && token !== '') return [{ type: 'token', token }]
  const { chunk } = (isRecord(fields) ? fields : {}) as { readonly chunk?: { readonly message?: Fields } }
  const pieces = chunk?.message?.tool_call_chunks
  return (Array.isArray(pieces) ? pieces.filter(isRecord) : []).map(({ index, id, name, args }) => ({
    type: 'delta',
    delta: omitUndefined({ type: 'tool-call', index: Number(index ?? 0), id, name, args }) as never,
  }))
}

/** The end of a model's run, from LangChain's LLMResult. Its streams do not name the model: then it is the requested one. */
function modelEnd(result: unknown, request: ModelRequest | undefined): EventPayload & { readonly type: 'end' } {
  const { generations, llmOutput } = result as { readonly generations?: readonly (readonly Fields[])[]; readonly llmOutput?: Fields }
  const generation = generations?.[0]?.[0]
  const output = generation?.message ? withOwnMessages(generation.message) : generation?.text
  const { id, model, usage: own } = isRecord(output) ? (output as Fields) : {}
  const usage = readUsage(llmOutput?.tokenUsage) ?? readUsage(llmOutput?.estimatedTokenUsage)
  const reported = isRecord(own) ? own : usage
  const answered: ResponseInfo = omitUndefined({
    id,
    model: model ?? llmOutput?.model_name ?? llmOutput?.model ?? request?.model,
  }) as ResponseInfo
  return { type: 'end', output, answered, ...(reported && { usage: { ...reported, requests: 1, source: 'provider' } }) }
}
