import type { EventSourceMessage } from 'eventsource-parser'
import { ChaintapError } from '../core/errors.ts'
import type { Run, RunContext } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Stage } from '../core/flow/link.ts'
import type { ToolCall, ToolMessage } from '../core/message.ts'
import type { RunOptions } from '../core/options.ts'
import { inheritedOptions, reportRunCallbackError } from '../core/run/replica.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import type { RunStream } from '../core/run/run-stream.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { backoffMs } from '../core/util/backoff.ts'
import { idFactory } from '../core/util/id.ts'
import type { Tool } from '../tools/tool.ts'
import { RemoteEventStage } from './event-stage.ts'
import type { ReconnectOptions, ResumableRun } from './options.ts'
import { ResumableEventSource } from './resumable-source.ts'
import {
  createRemoteServer,
  createResumeRequest,
  encodeCallBody,
  type RemoteRequest,
  type RemoteServer,
  type ServerOptions,
} from './server.ts'
import type { SseMessages } from './sse-messages.ts'

/** Options of a {@link RemoteRunnable}. */
export interface RemoteOptions extends OwnOptions, ServerOptions, ReconnectOptions {
  /**
   * The name of the runs of this object.
   *
   * @defaultValue `'RemoteRunnable'`
   */
  readonly name?: string
  /**
   * Called as soon as the server has announced that it can resume a run. Store `remote.id` to continue the run after a page reload with
   * {@link RemoteRunnable.resume}.
   */
  readonly onResumable?: (remote: ResumableRun, run: Run) => void
}

/** Options of {@link RemoteRunnable.resume} and {@link RemoteRunnable.attach}. */
export interface ResumeOptions {
  /**
   * The server's sequence number of the last event that is already known ({@link ResumableRun.seq}).
   *
   * @defaultValue none: the whole run is read
   */
  readonly after?: number
}

/**
 * A chain that runs on a server behind `serve` or `serveDurable`, used like any other runnable.
 *
 * - Each call is a run named `RemoteRunnable`. The server's runs are its children and keep their ids, so handlers, `events()` and budgets
 *   receive their events as if they ran here. `seq` counts in the local run tree. `at` is the server's clock, corrected if the two clocks
 *   disagree about the order. `invoke` streams too, so handlers receive tokens.
 * - The `tags`, `metadata` and `runName` of a call are sent with it, including those of parent runs. Input and metadata are sent as plain
 *   JSON.
 * - When the run ends for any reason, the connection closes at once, and with it the model's call. A server that can resume the run is
 *   sent a stop request, except after a `Disconnect` or when the page unloads.
 * - If the server can resume the run, a lost or silent connection is reopened; each attempt emits `retry`, and no event is delivered
 *   twice. Otherwise the chunks received are delivered, then `TruncatedError` is thrown.
 *
 * @throws RemoteError while reading, if the server refuses the call, cannot be reached or responds with something else. Errors of the
 *   chain are rethrown as instances of their class.
 * @example
 * const joke = new RemoteRunnable<{ animal: string }, string>('/api/joke')
 * for await (const text of joke.stream({ animal: 'bears' })) show(text)
 * @example
 * const token = async () => 'a token that has not expired'
 * const joke: Remote<typeof chain> = new RemoteRunnable('/api/joke', { headers: async () => ({ authorization: `Bearer ${await token()}` }) })
 */
export class RemoteRunnable<In, Out, Chunk = Out, Call = never> extends Runnable<In, Out, Chunk> {
  /** The name of its runs. */
  readonly name: string
  /** The kind of its runs: `chain`. */
  readonly kind = 'chain'
  /** @internal Opens a run on the server. */
  readonly openRemote: OpenRemote

  /**
   * @param url The address of the server's handler. In a page it may be relative.
   * @throws ChaintapError `invalid_options` if `url` is empty
   */
  constructor(url: string | URL, options: RemoteOptions = {}) {
    super(options)
    if (String(url) === '') throw new ChaintapError('invalid_options', 'RemoteRunnable requires the URL of its server, e.g. "/api/chat".')
    this.name = options.name ?? 'RemoteRunnable'
    this.openRemote = createOpenRemote(createRemoteServer(url, options), options)
  }

  /** Runs the chain on the server and resolves to its output. A remote tool that is given a tool call resolves to a tool message. */
  override invoke(call: Call, options?: RunOptions | RunContext): Promise<ToolMessage>
  override invoke(input: In, options?: RunOptions | RunContext): Promise<Out>
  override invoke(input: never, options?: RunOptions | RunContext): Promise<Out> | Promise<ToolMessage> {
    return super.invoke(input, options)
  }

  /** Runs the chain on the server and streams its chunks. */
  override stream(call: Call, options?: RunOptions | RunContext): RunStream<Chunk, ToolMessage>
  override stream(input: In, options?: RunOptions | RunContext): RunStream<Chunk, Out>
  override stream(input: never, options?: RunOptions | RunContext): RunStream<Chunk, never> {
    return super.stream(input, options) as RunStream<Chunk, never>
  }

  override open(input: In, run: RunHandle): Flow<Chunk> {
    const body = encodeCallBody({ input, options: inheritedOptions(run) })
    // Not the run's id, which is in logs: anyone who knows the key can join the run.
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${idFactory()()}"` }
    return this.openRemote({ method: 'POST', body, headers }, run) as Flow<Chunk>
  }

  /**
   * Returns a runnable without input that reads a run started earlier by this page or another. Use its `stream` or `events`; `resume` is
   * short for `stream`.
   *
   * @example
   * const joke: Remote<typeof chain> = new RemoteRunnable('/api/joke')
   * for await (const event of joke.attach('a run id').events()) show(event.type)
   */
  attach(runId: string, { after = -1 }: ResumeOptions = {}): Runnable<void, Out, Chunk> {
    const open = (_: unknown, run: RunHandle): Flow => this.openRemote(createResumeRequest(runId, after), run, { id: runId, after })
    return Object.assign(this.withConfig({}), { open }) as unknown as Runnable<void, Out, Chunk>
  }

  /**
   * Continues a run started earlier: replays the events after `after`, then follows the run. Requires a server that can resume runs.
   * `run.stop(new Disconnect())` stops reading without stopping the run.
   *
   * @throws RemoteError while reading: `http` with status 404 if the server does not know the run or the caller may not read it
   * @example
   * const joke: Remote<typeof chain> = new RemoteRunnable('/api/joke')
   * for await (const text of joke.resume(sessionStorage.getItem('run') ?? '')) show(text)
   */
  resume(runId: string, { after, ...options }: RunOptions & ResumeOptions = {}): RunStream<Chunk, Out> {
    return this.attach(runId, after === undefined ? {} : { after }).stream(undefined, options)
  }
}

/**
 * The type of the {@link RemoteRunnable} of a chain, or of a function that creates one. Import only the type of the server's chain:
 * `import type { chain } from './worker.ts'`. The remote of a tool accepts tool calls, as the tool does.
 *
 * @example
 * const joke: Remote<typeof chain> = new RemoteRunnable('/api/joke')
 */
export type Remote<Chain> = Chain extends (...args: never) => infer Made
  ? Remote<Awaited<Made>>
  : Chain extends Tool<infer In, infer Out, infer Chunk>
    ? RemoteRunnable<In, Out, Chunk, ToolCall>
    : Chain extends Runnable<infer In, infer Out, infer Chunk>
      ? RemoteRunnable<In, Out, Chunk>
      : never

type OpenRemote = (request: RemoteRequest, run: RunHandle, resumed?: { readonly id: string; readonly after: number }) => Flow

/** Returns a closure, so that the headers are in no property of the runnable. */
function createOpenRemote(server: RemoteServer, options: RemoteOptions): OpenRemote {
  const { idleMs = 45_000, maxReconnects = 10, reconnectDelay = backoffMs, graceMs = 5_000, onResumable } = options
  return (request, run, resumed) => {
    const notify = (source: ResumableEventSource): void => onResumable && notifyResumable(onResumable, source, run)
    const source = new ResumableEventSource(
      { server, request, idleMs, maxReconnects, reconnectDelay, graceMs, onResumable: notify },
      run,
      resumed,
    )
    const stage = new RemoteEventStage(source, run, { address: server.address, isLive: !resumed })
    return new Flow<SseMessages>(source).through<EventSourceMessage>(splitMessages).through(stage, () => stage.fold)
  }
}

/** Calls `onResumable`. Its errors are reported and do not fail the run: it may write to storage that is full or blocked. */
function notifyResumable(onResumable: NonNullable<RemoteOptions['onResumable']>, source: ResumableEventSource, run: RunHandle): void {
  const remote: ResumableRun = {
    id: source.id,
    get seq() {
      return source.seq
    },
  }
  try {
    onResumable(remote, run.run)
  } catch (error) {
    reportRunCallbackError(error, onResumable, run, { type: 'custom', name: 'resumable', data: remote.id })
  }
}

/** Emits messages one by one. While the handlers of one are busy, the link queues those behind it. */
const splitMessages: Stage<SseMessages, EventSourceMessage> = {
  transform(messages, controller) {
    for (const message of messages) controller.enqueue(message)
  },
}
