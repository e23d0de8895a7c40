import type { EventSourceMessage } from 'eventsource-parser'
import { ChaintapError } from '../core/errors.ts'
import type { Run } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { Stage } from '../core/flow/link.ts'
import type { RunOptions } from '../core/options.ts'
import { inheritedOptions, reportCallbackError } from '../core/run/replica.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import type { RunStream } from '../core/run/run-stream.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import { backoffMs } from '../core/util/backoff.ts'
import { idFactory } from '../core/util/id.ts'
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
  /** The name of its runs. Default `RemoteRunnable`. */
  readonly name?: string
  /** Told of a run that the server can resume, as soon as that is known: keep its `id`, and a page that is loaded anew goes on with `resume`. */
  readonly onResumable?: (remote: ResumableRun, run: Run) => void
}

/** Where to go on with a run. */
export interface ResumeOptions {
  /** The server's number of the last event that is known already ({@link ResumableRun.seq}). Default: none, which gives the whole run. */
  readonly after?: number
}

/**
 * A chain that runs on a server, behind `serve` or `serveDurable`: a runnable like any other, whose runs are told here as they happen there.
 *
 * - Each call is a run of its own, named `RemoteRunnable`, and the server's runs hang below it, with their ids. Handlers, readers of
 *   events and budgets hear them as if they ran here. `seq` counts in the tree here; `at` is the server's clock, moved where the two disagree
 *   on what came first. A call by `invoke` streams too, so tokens are heard.
 * - `tags`, `metadata` and `runName` of a call are sent along, with those from above. Input and metadata go as plain JSON.
 * - Whatever ends the run closes the connection at once, and with it the model's call. A server that can resume its runs is told to stop;
 *   a `Disconnect`, or a page that goes away, does not stop it there.
 * - A connection that is lost or silent is made anew where the server can resume, told as `retry` events; no event is heard twice.
 *   Elsewhere what came is delivered, and `TruncatedError` thrown.
 *
 * @throws RemoteError from reading: where the server refuses, is out of reach, or answers something else. Errors of the chain are of their
 *   class again.
 * @example
 * const joke = new RemoteRunnable<{ animal: string }, string>('/api/joke')
 * for await (const text of joke.stream({ animal: 'bears' })) answer.append(text)
 * @example
 * const joke: Remote<typeof chain> = new RemoteRunnable('/api/joke', { headers: async () => ({ authorization: `Bearer ${await token()}` }) })
 */
export class RemoteRunnable<In, Out, Chunk = Out> extends Runnable<In, Out, Chunk> {
  readonly name: string
  readonly kind = 'chain'
  /** @internal */
  readonly openRemote: OpenRemote

  /** @throws ChaintapError `invalid_options` for an empty url */
  constructor(url: string | URL, options: RemoteOptions = {}) {
    super(options)
    if (String(url) === '') throw new ChaintapError('invalid_options', 'RemoteRunnable needs the url of its server, e.g. "/api/chat".')
    this.name = options.name ?? 'RemoteRunnable'
    this.openRemote = createOpenRemote(createRemoteServer(url, options), options)
  }

  override open(input: In, run: RunHandle): Flow<Chunk> {
    const body = encodeCallBody({ input, options: inheritedOptions(run) })
    // Not the run's id: that stands in logs, and who knows the key may join the run.
    const headers = { 'content-type': 'application/json', 'idempotency-key': `"${idFactory()()}"` }
    return this.openRemote({ method: 'POST', body, headers }, run) as Flow<Chunk>
  }

  /**
   * A run that was started before, by this page or another, as a runnable without an input: read it as chunks or as events. `resume` is the
   * short form of its `stream`.
   */
  attach(runId: string, { after = -1 }: ResumeOptions = {}): Runnable<void, Out, Chunk> {
    const open = (_: unknown, run: RunHandle): Flow => this.openRemote(createResumeRequest(runId, after), run, { id: runId, after })
    return Object.assign(this.withConfig({}), { open }) as unknown as Runnable<void, Out, Chunk>
  }

  /**
   * Goes on with a run that was started before: what has happened since `after` is told at once, then what happens. It takes a server that
   * can resume. `run.stop(new Disconnect())` leaves without stopping it.
   *
   * @throws RemoteError from reading: `http` with status 404 where the server does not know the run, or not as yours
   * @example
   * for await (const text of chat.resume(sessionStorage.run)) answer.append(text)
   */
  resume(runId: string, { after, ...options }: RunOptions & ResumeOptions = {}): RunStream<Chunk, Out> {
    return this.attach(runId, after === undefined ? {} : { after }).stream(undefined, options)
  }
}

/**
 * The RemoteRunnable of a chain, or of what makes it for a Worker, by its type alone: `import type { chain } from './worker.ts'`.
 *
 * @example
 * const joke: Remote<typeof chain> = new RemoteRunnable('/api/joke')
 */
export type Remote<Chain> = Chain extends (...given: never) => infer Made
  ? Remote<Awaited<Made>>
  : Chain extends Runnable<infer In, infer Out, infer Chunk>
    ? RemoteRunnable<In, Out, Chunk>
    : never

type OpenRemote = (ask: RemoteRequest, run: RunHandle, resumed?: { readonly id: string; readonly after: number }) => Flow

/** A closure, as it holds the headers. */
function createOpenRemote(server: RemoteServer, options: RemoteOptions): OpenRemote {
  const { idleMs = 45_000, maxReconnects = 10, reconnectDelay = backoffMs, graceMs = 5_000, onResumable } = options
  return (ask, run, resumed) => {
    const resumable = (line: ResumableEventSource): void => onResumable && notifyResumable(onResumable, line, run)
    const line = new ResumableEventSource(
      { server, request: ask, idleMs, maxReconnects, reconnectDelay, graceMs, onResumable: resumable },
      run,
      resumed,
    )
    const hearing = new RemoteEventStage(line, run, { address: server.address, isLive: !resumed })
    return new Flow<SseMessages>(line).through<EventSourceMessage>(splitMessages).through(hearing, () => hearing.fold)
  }
}

/** Its failure must not harm the run: storage may be full, or forbidden. */
function notifyResumable(onResumable: NonNullable<RemoteOptions['onResumable']>, line: ResumableEventSource, run: RunHandle): void {
  const remote: ResumableRun = {
    id: line.id,
    get seq() {
      return line.seq
    },
  }
  try {
    onResumable(remote, run.run)
  } catch (error) {
    reportCallbackError(error, onResumable, run, { type: 'custom', name: 'resumable', data: remote.id })
  }
}

/** Frames one by one: what follows one whose handlers are busy waits in the link. */
const splitMessages: Stage<SseMessages, EventSourceMessage> = {
  transform(frames, controller) {
    for (const frame of frames) controller.enqueue(frame)
  },
}
