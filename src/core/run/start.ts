import { AbortReason, TimeoutError } from '../errors.ts'
import type { Flow } from '../flow/flow.ts'
import type { Stage } from '../flow/link.ts'
import { isThenable } from '../handler/handler.ts'
import type { MergedOptions } from '../options.ts'
import type { Runnable } from '../runnable/runnable.ts'
import { follow, LONGEST_TIMER } from '../util/signal.ts'
import { around } from './instrument.ts'
import { OpenRun } from './run.ts'
import type { Place } from './scope.ts'

/** A run that has started, and the flow of its chunks. */
export interface Launched<Chunk = unknown> {
  readonly run: OpenRun
  readonly flow: Flow<Chunk>
}

type AnyRunnable<Chunk> = Runnable<never, unknown, Chunk>

/** Starts a runnable as a child: `start` is told, its flow is open, and whatever fails from here on ends its run. */
export function begin<Chunk>(
  runnable: AnyRunnable<Chunk>,
  input: unknown,
  parent: OpenRun,
  place: Omit<Place, 'tree' | 'parent'> = {},
): Promise<Launched<Chunk>> {
  return launch(runnable, input, new OpenRun(runnable, { options: runnable.config, ...place, tree: parent.tree, parent }))
}

/** Starts a run that has been made. A stop does not wait for what is being opened: `open` closes it when it comes. */
export function launch<Chunk>(runnable: AnyRunnable<Chunk>, input: unknown, run: OpenRun, isShown = false): Promise<Launched<Chunk>> {
  return new Promise((resolve, reject) => {
    run.own((failure) => failure && reject(failure.reason))
    open(runnable, input, run, isShown).then(resolve, reject)
  })
}

async function open<Chunk>(runnable: AnyRunnable<Chunk>, input: unknown, run: OpenRun, isShown: boolean): Promise<Launched<Chunk>> {
  throwIfOver(run)
  limit(run, run.options)
  if (runnable.lateCallbacks) run.audience.admit(await runnable.lateCallbacks())
  throwIfOver(run)
  try {
    const prepared = prepare(runnable, input)
    const wait = run.start(prepared.input)
    if (wait) await wait
    throwIfOver(run)
    if (prepared.failure) throw prepared.failure.error
    const opened = runnable.open(prepared.input as never, run)
    const flow = isThenable(opened) ? await opened : opened
    flow.clock = run.tree
    if (run.views.length > 0) flow.gate = () => run.gate()
    // Also where the run was stopped while the flow was opening: then it is closed here, at once.
    run.own((failure) => failure && flow.cancel(failure.reason))
    throwIfOver(run)
    return { run, flow: around(run, flow, isShown) }
  } catch (error) {
    run.tree.close(run, error)
    throw error
  }
}

/** Starts a runnable as a step after a flow, to work on its chunks: its run starts with the first of them. */
export async function join<Chunk>(
  runnable: AnyRunnable<Chunk>,
  flow: Flow,
  parent: OpenRun,
  tags: readonly string[],
): Promise<Launched<Chunk>> {
  const run = new OpenRun(runnable, { tree: parent.tree, parent, tags, options: runnable.config })
  if (runnable.lateCallbacks) run.audience.admit(await runnable.lateCallbacks())
  if (!runnable.through) throw new TypeError(`${runnable.name} does not work on chunks`)
  const joined = await runnable.through(flow.through(starter(run)), run)
  run.own((failure) => failure && joined.cancel(failure.reason))
  return { run, flow: around(run, joined, false) }
}

/** Reads a flow to its end and gives the output of its chunks. */
export async function fold({ flow }: Launched): Promise<unknown> {
  const output = flow.fold()
  for (let batch = await flow.next(); batch; batch = await flow.next()) for (const chunk of batch) output.add(chunk)
  return output.result()
}

function prepare(runnable: AnyRunnable<unknown>, input: unknown): { input: unknown; failure?: { error: unknown } } {
  if (!runnable.prepare) return { input }
  try {
    return { input: runnable.prepare(input as never) }
  } catch (error) {
    // Told as an error of the run, which therefore has to start first.
    return { input, failure: { error } }
  }
}

/** Signals and the timeout of a run: each stops it, and is let go when it ends. */
function limit(run: OpenRun, { signals, timeout }: MergedOptions): void {
  for (const signal of signals ?? []) run.own(follow(signal, (reason) => run.stop(reason)))
  if (timeout === undefined || timeout > LONGEST_TIMER) return
  const timer = setTimeout(() => run.stop(new TimeoutError(`${run.run.name} took longer than ${timeout} ms.`, timeout)), timeout)
  run.own(() => clearTimeout(timer))
}

/** The run, or the one that it would be a part of, may have been stopped while something was awaited. */
function throwIfOver(run: OpenRun): void {
  if (run.phase === 'failed') throw run.error
  if (run.phase === 'new' && run.parent && run.parent.phase !== 'open')
    throw run.parent.error ?? new AbortReason(`${run.parent.run.name} has ended.`)
}

/** Tells a run's start with its first chunk; where none came, with the end. */
function starter(run: OpenRun): Stage {
  const start = (): PromiseLike<void> | undefined => {
    if (run.phase !== 'new' || run.parent?.phase !== 'open') return
    limit(run, run.options)
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
