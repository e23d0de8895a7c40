import { AbortReason, invalidOptionsError, TimeoutError } from '../errors.ts'
import type { Flow } from '../flow/flow.ts'
import type { Stage } from '../flow/link.ts'
import { type Handler, isThenable } from '../handler/handler.ts'
import type { ModelRequest } from '../model-request.ts'
import type { MergedOptions } from '../options.ts'
import { listenForAbort, MAX_TIMER_MS } from '../util/signal.ts'
import { closeRun } from './close.ts'
import { instrument } from './instrument.ts'
import { ActiveRun, type RunInit, toActiveRun } from './run.ts'
import type { RunHandle } from './run-handle.ts'
import type { RunnableInfo } from './scope.ts'

/** A runnable as the runtime sees it. */
export interface Startable<Chunk> extends RunnableInfo {
  readonly config?: MergedOptions | undefined
  prepare?(input: never): unknown
  modelRequest?(): ModelRequest
  open(input: never, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  through?(flow: Flow, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  lazyCallbacks?(): Promise<readonly Handler[]>
}

type ChildInit = Omit<RunInit, 'tree' | 'parent'>

/** Makes the run of a child, which does not start yet. */
export function createChildRun(runnable: Startable<unknown>, handle: RunHandle, init: ChildInit = {}): ActiveRun {
  const parent = toActiveRun(handle, runnable.name)
  return new ActiveRun(runnable, { options: runnable.config, ...init, tree: parent.tree, parent })
}

/** Starts a runnable as a child: emits `start` and opens its flow. Any failure from here on ends its run. */
export function startChild<Chunk>(runnable: Startable<Chunk>, input: unknown, parent: RunHandle, init?: ChildInit): Promise<Flow<Chunk>> {
  return startRun(runnable, input, createChildRun(runnable, parent, init))
}

/** Starts a run and opens its flow. A stop rejects at once; a flow that is still being opened is cancelled when it arrives. */
export function startRun<Chunk>(runnable: Startable<Chunk>, input: unknown, run: ActiveRun, emitsChunks = false): Promise<Flow<Chunk>> {
  return new Promise((resolve, reject) => {
    run.onEnd((failure) => failure && reject(failure.reason))
    openFlow(runnable, input, run, emitsChunks).then(resolve, reject)
  })
}

async function openFlow<Chunk>(runnable: Startable<Chunk>, input: unknown, run: ActiveRun, emitsChunks: boolean): Promise<Flow<Chunk>> {
  throwIfEnded(run)
  applyLimits(run, run.options)
  if (runnable.lazyCallbacks) run.dispatcher.addHandlers(await runnable.lazyCallbacks())
  try {
    const prepared = prepareInput(runnable, input)
    // After the await above, and after code of the user: a run must not start below one that has ended.
    throwIfEnded(run)
    const wait = run.start(prepared.input, runnable.modelRequest?.())
    if (wait) await wait
    throwIfEnded(run)
    if (prepared.failure) throw prepared.failure.error
    const opened = runnable.open(prepared.input as never, run)
    const flow = isThenable(opened) ? await opened : opened
    flow.passClock = run.tree
    if (run.eventSinks.length > 0) flow.ready = () => run.ready()
    // If the run was stopped while the flow was opening, this cancels the flow at once.
    run.onEnd((failure) => failure && flow.cancel(failure.reason))
    throwIfEnded(run)
    return instrument(run, flow, emitsChunks)
  } catch (error) {
    closeRun(run.tree, run, error)
    throw error
  }
}

/** Makes a runnable work on the chunks of a flow, as the next step. Its run starts with the first chunk. */
export async function startDownstream<Chunk>(
  runnable: Startable<Chunk>,
  flow: Flow,
  parent: RunHandle,
  tags: readonly string[],
): Promise<Flow<Chunk>> {
  const run = createChildRun(runnable, parent, { tags })
  if (runnable.lazyCallbacks) run.dispatcher.addHandlers(await runnable.lazyCallbacks())
  if (!runnable.through)
    throw invalidOptionsError(`${runnable.name} cannot follow a stream: it has no through(). Put it where it receives a whole input.`)
  const output = await runnable.through(flow.through(startOnFirstChunk(run)), run)
  run.onEnd((failure) => failure && output.cancel(failure.reason))
  return instrument(run, output, false)
}

/** Reads a flow to its end and resolves with the folded output. */
export async function readOutput(flow: Flow): Promise<unknown> {
  const output = flow.fold()
  for (let batch = await flow.next(); batch; batch = await flow.next()) for (const chunk of batch) output.add(chunk)
  return output.result()
}

function prepareInput(runnable: Startable<unknown>, input: unknown): { input: unknown; failure?: { error: unknown } } {
  if (!runnable.prepare) return { input }
  try {
    return { input: runnable.prepare(input as never) }
  } catch (error) {
    // It becomes the run's error, so the run has to start first.
    return { input, failure: { error } }
  }
}

/** Stops the run when one of its signals aborts or its timeout passes. Listeners and timer are removed when the run ends. */
function applyLimits(run: ActiveRun, { signals, timeout }: MergedOptions): void {
  for (const signal of signals ?? []) run.onEnd(listenForAbort(signal, (reason) => run.stop(reason)))
  if (timeout === undefined || timeout > MAX_TIMER_MS) return
  const timer = setTimeout(() => run.stop(new TimeoutError(`${run.run.name} took longer than ${timeout} ms.`, timeout)), timeout)
  run.onEnd(() => clearTimeout(timer))
}

/** Throws if the run, or the parent of a run that has not started, was stopped during an await. */
function throwIfEnded(run: ActiveRun): void {
  if (run.phase === 'failed') throw run.error
  if (run.phase === 'new' && run.parent && run.parent.phase !== 'open')
    throw run.parent.error ?? new AbortReason(`${run.parent.run.name} has ended.`)
}

/** Starts a run with its first chunk, or at the end of the flow if there was none. */
function startOnFirstChunk(run: ActiveRun): Stage {
  const start = (): PromiseLike<void> | undefined => {
    if (run.phase !== 'new' || run.parent?.phase !== 'open') return
    applyLimits(run, run.options)
    return run.start(undefined)?.then(() => {})
  }
  return {
    transform(chunk, controller) {
      const wait = start()
      if (wait) return wait.then(() => controller.enqueue(chunk))
      controller.enqueue(chunk)
    },
    flush: () => start(),
  }
}
