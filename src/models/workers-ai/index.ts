import type { Delta } from '../../core/delta.ts'
import { ChaintapError } from '../../core/errors.ts'
import type { Flow } from '../../core/flow/flow.ts'
import type { Message } from '../../core/message.ts'
import type { RunHandle } from '../../core/run/run-handle.ts'
import type { OwnOptions } from '../../core/run/scope.ts'
import { ChatModel } from '../chat-model.ts'
import { createModelConnection } from '../http/connection.ts'
import { streamCompletion } from '../http/http.ts'
import type { ModelConnection } from '../http/transport.ts'
import type { ModelOptions } from '../model.ts'
import { defaultWorkersAIModel, type WorkersAICallOptions, workersAICallKeys } from './request.ts'
import { bindingTransport, type WorkersAIBinding, type WorkersAIRunOptions } from './transport.ts'
import { workersAIWire } from './wire.ts'

export type { OnTruncated } from '../http/transport.ts'
export type { ChatGeneration, Generation, LLMResult } from '../model.ts'
export type { WorkersAICallOptions } from './request.ts'
export type { WorkersAIBinding, WorkersAIRunOptions } from './transport.ts'

/** Options of {@link WorkersAI}. */
export interface WorkersAIOptions
  extends WorkersAICallOptions,
    OwnOptions,
    Pick<ModelOptions, 'maxRetries' | 'onTruncated' | 'streaming' | 'verbose'> {
  /** The Worker's binding: `env.AI`. */
  readonly binding: WorkersAIBinding
  /** An AI Gateway to go through: `{ id: 'my-gateway', skipCache: true }`. */
  readonly gateway?: WorkersAIRunOptions['gateway']
  /** What else the binding's `run` takes, e.g. `{ extraHeaders }`, and `tags` of the call. */
  readonly runOptions?: Readonly<Record<string, unknown>>
}

/**
 * A model at Cloudflare's Workers AI, by the Worker's `AI` binding (LangChain's ChatCloudflareWorkersAI): messages in, an assistant
 * message out, Deltas while it streams. No key is needed. Models in Workers AI's own format and in OpenAI's are read alike; an answer that
 * was cut off is known by its missing end.
 *
 * A call that finds no capacity (3040) is tried again; one whose neurons are used up for today (3036) is not, and says in `retryAfterMs`
 * when they come back. `providerType` is Cloudflare's code. Over REST, outside of a Worker, `ChatOpenAI` speaks to
 * `https://api.cloudflare.com/client/v4/accounts/…/ai/v1`.
 *
 * @throws ChaintapError `invalid_options` when constructed; its runs fail with ModelError (`http`, `wire`), ChaintapError (`network`,
 *   `event_too_large`) or TruncatedError.
 *
 * @example
 * const model = new WorkersAI({ binding: env.AI, model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', maxTokens: 1_000 })
 * for await (const delta of model.stream('Why is the sky blue?')) if (delta.type === 'text') write(delta.text)
 */
export class WorkersAI extends ChatModel<WorkersAICallOptions> {
  readonly name = 'WorkersAI'
  readonly connection: ModelConnection

  constructor(options: WorkersAIOptions) {
    super(options, workersAICallKeys)
    const { binding, gateway, runOptions } = options
    if (typeof binding?.run !== 'function') throw missingBindingError()
    const line = bindingTransport(binding, { ...runOptions, ...(gateway && { gateway }) })
    this.connection = createModelConnection(() => line, options)
  }

  open(messages: readonly Message[], run: RunHandle): Flow<Delta> {
    // Answers in Workers AI's own format do not say it.
    run.report({ answered: { model: this.options.model ?? defaultWorkersAIModel } })
    return streamCompletion(this, workersAIWire, messages, run)
  }
}

const missingBindingError = (): ChaintapError =>
  new ChaintapError(
    'invalid_options',
    'WorkersAI needs the AI binding of a Worker. Write [ai] and binding = "AI" into wrangler.toml, and { binding: env.AI } here.',
  )
