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

export type { ChatModel } from '../chat-model.ts'
export type { OnTruncated } from '../http/transport.ts'
export type { ChatGeneration, Generation, LLMResult } from '../model.ts'
export type { WorkersAICallOptions } from './request.ts'
export type { WorkersAIBinding, WorkersAIRunOptions } from './transport.ts'

/** Options of {@link WorkersAI}. */
export interface WorkersAIOptions
  extends WorkersAICallOptions,
    OwnOptions,
    Pick<ModelOptions, 'maxRetries' | 'onTruncated' | 'streaming' | 'verbose'> {
  /** The Worker's AI binding: `env.AI`. */
  readonly binding: WorkersAIBinding
  /** Sends the calls through an AI Gateway: `{ id: 'my-gateway', skipCache: true }`. */
  readonly gateway?: WorkersAIRunOptions['gateway']
  /** Further options of the binding's `run`, e.g. `{ extraHeaders }`, and `tags` of the call. */
  readonly runOptions?: Readonly<Record<string, unknown>>
}

/**
 * A model at Cloudflare's Workers AI, by the Worker's `AI` binding (LangChain's ChatCloudflareWorkersAI): takes messages, returns an
 * assistant message and streams Deltas. No API key is needed. Reads Workers AI's own format and OpenAI's. A truncated response is detected
 * by its missing end marker.
 *
 * A call that finds no capacity (code 3040) is retried. A call whose daily neurons are used up (3036) is not; `retryAfterMs` of its error
 * is the time until the next allocation. `providerType` is Cloudflare's code. Outside of a Worker use `ChatOpenAI` with
 * `baseURL: 'https://api.cloudflare.com/client/v4/accounts/…/ai/v1'`.
 *
 * @throws ChaintapError `invalid_options` from the constructor. Runs fail with ModelError (`http`, `wire`), ChaintapError (`network`,
 *   `event_too_large`) or TruncatedError.
 *
 * @example
 * const model = new WorkersAI({ binding: env.AI, model: '@cf/meta/llama-3.3-70b-instruct-fp8-fast', maxTokens: 1_000 })
 * for await (const delta of model.stream('Why is the sky blue?')) if (delta.type === 'text') show(delta.text)
 */
export class WorkersAI extends ChatModel<WorkersAICallOptions> {
  /** Its name in events and errors. */
  readonly name = 'WorkersAI'
  protected override readonly defaultModel: string = defaultWorkersAIModel
  /** How it reaches Workers AI. `bind` and `withConfig` share it with their copies. @internal */
  readonly connection: ModelConnection

  constructor(options: WorkersAIOptions) {
    super(options, workersAICallKeys)
    const { binding, gateway, runOptions } = options
    if (typeof binding?.run !== 'function') throw missingBindingError()
    const transport = bindingTransport(binding, { ...runOptions, ...(gateway && { gateway }) })
    this.connection = createModelConnection(() => transport, options)
  }

  /** Requests one response. Called by the run. */
  open(messages: readonly Message[], run: RunHandle): Flow<Delta> {
    // Responses in Workers AI's own format do not name the model.
    run.report({ answered: { model: this.options.model ?? defaultWorkersAIModel } })
    return streamCompletion(this, workersAIWire, messages, run)
  }
}

const missingBindingError = (): ChaintapError =>
  new ChaintapError(
    'invalid_options',
    'WorkersAI requires the AI binding of a Worker. Add [ai] with binding = "AI" to wrangler.toml, and pass { binding: env.AI }.',
  )
