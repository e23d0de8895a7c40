import type { RunContext, RunEvent, RunKind } from '../event.ts'
import type { Flow } from '../flow/flow.ts'
import type { EventFilter } from '../handler/filter.ts'
import type { Handler } from '../handler/handler.ts'
import { type BatchOptions, type EventOptions, type MergedOptions, mergeOptions, type RunOptions } from '../options.ts'
import { RunDriver } from '../run/driver.ts'
import { RunEventReader } from '../run/event-reader.ts'
import { isActiveRun } from '../run/run.ts'
import type { RunHandle } from '../run/run-handle.ts'
import { drainReader, RunStream } from '../run/run-stream.ts'
import type { OwnOptions } from '../run/scope.ts'
import { mapAll } from './batch.ts'
import { lambda } from './lambda.ts'
import { sequence } from './sequence.ts'
import { transform } from './transform.ts'

/** What may follow a step that gives `Out`, in chunks of `Chunk`: a runnable, a function of the output, or a transformer of the chunks. */
export type NextStep<Out, Chunk> =
  | Runnable<Out, unknown, unknown>
  | ((output: Out, context: RunContext) => unknown)
  | TransformStream<Chunk, unknown>
  | Transformer<Chunk, unknown>

/** What gives its values one by one, not a value that can be iterated, such as an array. */
type ChunkIterable<C> = AsyncIterable<C> | (Iterable<C> & { next(...sent: never): unknown })

/** The output of a step whose function returns `R`. */
export type OutputOf<R> = OutputOfResult<Awaited<R>>
type OutputOfResult<G> = G extends Runnable<never, infer Out, unknown> ? Out : G extends ChunkIterable<infer C> ? FoldedOutput<C> : G
type FoldedOutput<C> = [C] extends [string] ? string : C[]

/** The chunks of a step whose function returns `R`. */
export type ChunkOf<R> = ChunkOfResult<Awaited<R>>
type ChunkOfResult<G> = G extends Runnable<never, unknown, infer Chunk> ? Chunk : G extends ChunkIterable<infer C> ? C : G

/**
 * Something that takes an input and streams an output: prompt, model, parser, tool, agent, or a chain of them (LangChain's Runnable).
 *
 * To write one, extend it and implement `open`, which makes the flow of one run. A class with `#private` fields overrides `copy` too.
 *
 * @example
 * const joke = ChatPromptTemplate.fromTemplate('A joke about {animal}').pipe(model).pipe(new StringOutputParser())
 * await joke.invoke({ animal: 'bears' })
 */
export abstract class Runnable<in In, out Out, out Chunk = Out> {
  abstract readonly name: string
  abstract readonly kind: RunKind
  readonly callbacks: readonly Handler[] | undefined
  readonly tags: readonly string[] | undefined
  readonly metadata: Readonly<Record<string, unknown>> | undefined
  /** The options bound by `withConfig`. @internal */
  readonly config?: MergedOptions | undefined
  /** Carries the types strictly: a step must accept what the one before it gives. */
  declare readonly types?: (input: In) => readonly [Out, Chunk]

  /** Heard, and set, on this object's own runs alone. */
  constructor({ callbacks, tags, metadata }: OwnOptions = {}) {
    this.callbacks = callbacks
    this.tags = tags
    this.metadata = metadata
  }

  /**
   * Opens the work for one input: an `In`, or what `prepare` made of it. What it starts must stop with `run`: see `run.signal` and
   * `run.own`.
   */
  abstract open(input: never, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  /** As a step after a flow, where it can work on chunks: adds its stages. */
  through?(flow: Flow, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  /** Brings the input into the form that `start` tells and `open` takes. */
  prepare?(input: In): unknown
  /** Loads constructor callbacks before a run starts. @internal */
  lazyCallbacks?(): Promise<readonly Handler[]>

  /** Runs to the end and gives the whole output. A model asks its provider for a whole answer, unless made with `streaming: true`. */
  invoke(input: In, options?: RunOptions | RunContext): Promise<Out> {
    const merged = resolveOptions(this, options)
    const whole = (async () => {
      const pump = new RunDriver<Chunk, Out>(this, input, merged, false)
      pump.run.output.needed = 'yes'
      await drainReader(pump)
      return pump.run.output.value as Out
    })()
    // A child left running when its parent returns is aborted, with nobody there to catch it; its error was told as an event.
    if (merged.parent) whole.catch(() => {})
    return whole
  }

  /** Runs while it is read: the output in chunks. */
  stream(input: In, options?: RunOptions | RunContext): RunStream<Chunk, Out> {
    const pump = new RunDriver<Chunk, Out>(this, input, resolveOptions(this, options), true)
    pump.run.output.needed = 'late'
    return new RunStream<Chunk, Out>(pump, pump)
  }

  /** Runs while it is read: everything that happens, the root's chunks among it; a failure is an event first, and then thrown. */
  events(input: In, options?: EventOptions | RunContext): RunStream<RunEvent, Out> {
    const reader = new RunEventReader(isActiveRun(options) ? undefined : (options as EventFilter))
    const pump = new RunDriver<Chunk, Out>(this, input, resolveOptions(this, options), true, reader)
    reader.driver = pump
    return new RunStream<RunEvent, Out>(pump, reader)
  }

  /** Runs each input, side by side, each a root of its own; `maxConcurrency` bounds how many at once. */
  batch(inputs: readonly In[], options: BatchOptions & { readonly returnErrors: true }): Promise<(Out | Error)[]>
  batch(inputs: readonly In[], options?: BatchOptions): Promise<Out[]>
  batch(inputs: readonly In[], options: BatchOptions = {}): Promise<(Out | Error)[]> {
    return mapAll(inputs, options, resolveOptions(this, options).maxConcurrency, (input, own) => this.invoke(input, own))
  }

  /** The next step: a runnable, a function of the output, or a transformer of the chunks. */
  pipe<N, C = N>(next: Runnable<Out, N, C>): Runnable<In, N, C>
  pipe<R>(next: (output: Out, context: RunContext) => R): Runnable<In, OutputOf<R>, ChunkOf<R>>
  pipe<C>(next: TransformStream<Chunk, C>): Runnable<In, OutputOf<AsyncIterable<C>>, C>
  pipe<C>(next: Transformer<Chunk, C>): Runnable<In, OutputOf<AsyncIterable<C>>, C>
  // The last overload is the one that errors are told of: all forms, so that they are about the one that came nearest.
  pipe(next: NextStep<Out, Chunk>): Runnable<In, unknown, unknown>
  pipe(next: unknown): Runnable<In, unknown, unknown> {
    return sequence(this as never, toRunnable(next) as never)
  }

  /** The same object with options bound: its callbacks hear every run below it. */
  withConfig(options: RunOptions): this {
    return Object.assign(this.copy(), { config: mergeOptions(this.config, options) })
  }

  /**
   * Makes the copy that `withConfig` binds options to. By default it has the same prototype and the same own properties, without a call of
   * the constructor, so it has no `#private` fields. Override it in a class that has some: the constructor makes them anew, and takes
   * callbacks, tags and metadata from `this`.
   *
   * @example
   * class Repeat extends Runnable<string, string> {
   *   readonly name = 'Repeat'
   *   readonly kind = 'chain'
   *   #times: number
   *
   *   constructor(times: number, options?: OwnOptions) {
   *     super(options)
   *     this.#times = times
   *   }
   *
   *   open(text: string): Flow<string> {
   *     return Flow.of(text.repeat(this.#times))
   *   }
   *
   *   protected override copy(): this {
   *     return new Repeat(this.#times, this) as this
   *   }
   * }
   */
  protected copy(): this {
    return Object.create(Object.getPrototypeOf(this), Object.getOwnPropertyDescriptors(this)) as this
  }
}

// Not a #private method: copies made without the constructor have none.
function resolveOptions({ config }: { readonly config?: MergedOptions | undefined }, options: RunOptions | RunContext = {}): MergedOptions {
  return mergeOptions(config, isActiveRun(options) ? { parent: options } : options)
}

/** A step of any form as a runnable. */
export function toRunnable(step: unknown): Runnable<never, unknown, unknown> {
  if (step instanceof Runnable) return step as Runnable<never, unknown, unknown>
  if (typeof step === 'function') return lambda(step as (input: never) => unknown)
  return transform(step as Transformer)
}

/** What makes a combinator's runnable. */
export interface RunnableParts<In, Chunk> {
  readonly name: string
  readonly kind?: RunKind
  open(input: In, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  through?(flow: Flow, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  readonly steps?: readonly Runnable<never, unknown, unknown>[]
}

class ComposedRunnable<In, Out, Chunk> extends Runnable<In, Out, Chunk> {
  readonly name: string
  readonly kind: RunKind
  readonly steps: readonly Runnable<never, unknown, unknown>[] | undefined
  readonly open: RunnableParts<In, Chunk>['open']
  override readonly through?: NonNullable<RunnableParts<In, Chunk>['through']>

  constructor(made: RunnableParts<In, Chunk>) {
    super()
    this.name = made.name
    this.kind = made.kind ?? 'chain'
    this.steps = made.steps
    this.open = made.open
    if (made.through) this.through = made.through
  }
}

/** A runnable from its parts: how the combinators are made, without a class each. */
export function createRunnable<In, Out, Chunk>(made: RunnableParts<In, Chunk>): Runnable<In, Out, Chunk> {
  return new ComposedRunnable<In, Out, Chunk>(made)
}

/** The steps of a bare sequence, so that chains of chains are flat; one with bound options stands for itself. */
export function flattenSteps(step: Runnable<never, unknown, unknown>): readonly Runnable<never, unknown, unknown>[] {
  return step instanceof ComposedRunnable && step.steps && !step.config ? step.steps : [step]
}
