import type { ResponseInfo, Run, RunKind } from '../../core/event.ts'
import type { Usage } from '../../core/usage.ts'
import { type Attribute, attributes } from './otlp-value.ts'

/** The month of OpenTelemetry's GenAI conventions used here: they are in development, and their names changed four times in a year. */
export const SEMCONV = '2026-11'

export const SPAN_KIND_INTERNAL = 1
export const SPAN_KIND_CLIENT = 3

/** The conventions' name for a kind of run. */
interface Operation {
  readonly operation: string
  /** The attribute that contains the run's name. */
  readonly nameAttribute?: string
}

const operations: Readonly<Partial<Record<RunKind, Operation>>> = {
  chat_model: { operation: 'chat' },
  llm: { operation: 'text_completion' },
  tool: { operation: 'execute_tool', nameAttribute: 'gen_ai.tool.name' },
  retriever: { operation: 'retrieval' },
  agent: { operation: 'invoke_agent', nameAttribute: 'gen_ai.agent.name' },
}

const workflow: Operation = { operation: 'invoke_workflow', nameAttribute: 'gen_ai.workflow.name' }

/** Returns `undefined` for runs that the conventions have no operation for: a prompt, a parser, a chain below another run. */
export const findOperation = ({ kind, id, rootId }: Run): Operation | undefined =>
  kind === 'chain' && id === rootId ? workflow : operations[kind]

/** The conversation of a run, if its metadata contain one of LangSmith's keys (docs.langchain.com/langsmith/threads). */
export const findConversationId = ({ metadata }: Run): string | undefined =>
  ['session_id', 'thread_id', 'conversation_id'].map((key) => metadata[key]).find((id) => typeof id === 'string')

export const isModel = ({ kind }: Run): boolean => kind === 'chat_model' || kind === 'llm'

/** Both here and in the conventions, input tokens include cached ones, and output tokens include reasoning. */
export const usageAttributes = (usage: Usage): Attribute[] =>
  attributes({
    'gen_ai.usage.input_tokens': usage.inputTokens,
    'gen_ai.usage.output_tokens': usage.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': usage.cacheReadTokens,
    'gen_ai.usage.cache_write.input_tokens': usage.cacheWriteTokens,
    'gen_ai.usage.reasoning.output_tokens': usage.reasoningTokens,
    'chaintap.usage.source': usage.source,
    'chaintap.usage.cost': usage.cost === undefined ? undefined : { double: usage.cost },
  })

/** Providers by host. The last three have no name in the conventions. */
const PROVIDER_HOSTS: readonly (readonly [host: RegExp, provider: string])[] = [
  [/(^|\.)anthropic\.com$/, 'anthropic'],
  [/(^|\.)openai\.com$/, 'openai'],
  [/(^|\.)azure\.com$/, 'azure.ai.openai'],
  [/^bedrock-runtime\..+\.amazonaws\.com$/, 'aws.bedrock'],
  [/^generativelanguage\.googleapis\.com$/, 'gcp.gemini'],
  [/aiplatform\.googleapis\.com$/, 'gcp.vertex_ai'],
  [/(^|\.)mistral\.ai$/, 'mistral_ai'],
  [/(^|\.)groq\.com$/, 'groq'],
  [/(^|\.)deepseek\.com$/, 'deepseek'],
  [/(^|\.)x\.ai$/, 'x_ai'],
  [/(^|\.)(cohere\.com|cohere\.ai)$/, 'cohere'],
  [/(^|\.)perplexity\.ai$/, 'perplexity'],
  [/(^|\.)moonshot\.(ai|cn)$/, 'moonshot_ai'],
  [/(^|\.)openrouter\.ai$/, 'openrouter'],
  [/(^|\.)cloudflare\.com$/, 'cloudflare'],
  [/:11434$/, 'ollama'],
]

/** Providers by model class, for hosts that are not conclusive (a proxy, a binding): the provider whose protocol the class uses. */
const MODEL_PROVIDERS: Readonly<Record<string, string>> = {
  ChatAnthropic: 'anthropic',
  ChatOpenAI: 'openai',
  OpenAI: 'openai',
  WorkersAI: 'cloudflare',
  BrowserAI: 'browser',
}

/** The provider, the model and the server that answered. A log does not contain the requested model. */
export function modelAttributes({ name }: Run, { id, model, url }: ResponseInfo = {}): Attribute[] {
  const server = URL.parse(url ?? '')
  const provider = PROVIDER_HOSTS.find(([host]) => server && (host.test(server.hostname) || host.test(server.host)))?.[1]
  return attributes({
    'gen_ai.provider.name': provider ?? (Object.hasOwn(MODEL_PROVIDERS, name) ? MODEL_PROVIDERS[name] : undefined) ?? '_OTHER',
    'gen_ai.response.model': model,
    'gen_ai.response.id': id,
    'server.address': server?.hostname,
    'server.port': server ? Number(server.port || (server.protocol === 'http:' ? 80 : 443)) : undefined,
  })
}
