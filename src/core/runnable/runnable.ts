import type { RunContext, RunEvent, RunKind } from '../event.ts'
import type { Flow } from '../flow/flow.ts'
import { checkCallbacks } from '../handler/check-handlers.ts'
import type { EventFilter } from '../handler/filter.ts'
import type { Handler } from '../handler/handler.ts'
import type { ModelRequest } from '../model-request.ts'
import { type BatchOptions, type EventOptions, type MergedOptions, mergeOptions, type RunOptions } from '../options.ts'
import { RunDriver } from '../run/driver.ts'
import { RunEventReader } from '../run/event-reader.ts'
import { isActiveRun } from '../run/run.ts'
import type { RunHandle } from '../run/run-handle.ts'
import { drainReader, RunStream } from '../run/run-stream.ts'
import type { OwnOptions } from '../run/scope.ts'
import { mapAll } from './batch.ts'
import type { ChunkOf, FormOfStep, OutputOf, StepChunk, StepMap, StepOutput } from './lambda.ts'
import { sequenceOf, toRunnable } from './sequence.ts'

/**
 * Takes an input and streams an output: a prompt, model, parser, tool, agent, or a chain of them (LangChain's Runnable).
 *
 * To write one, extend this class and implement {@link Runnable.open | open}. A class with `#private` fields overrides `copy` too.
 *
 * @example
 * const joke = ChatPromptTemplate.fromTemplate('A joke about {animal}').pipe(model).pipe(new StringOutputParser())
 * await joke.invoke({ animal: 'bears' })
 */
export abstract class Runnable<in In, out Out, out Chunk = Out> {
  /** The name of its runs, unless a call sets `runName`. */
  abstract readonly name: string
  /** The kind of its runs: which callback methods receive their events. */
  abstract readonly kind: RunKind
  /** Handlers of its own runs, from the constructor. */
  readonly callbacks: readonly Handler[] | undefined
  /** Tags of its own runs, from the constructor. */
  readonly tags: readonly string[] | undefined
  /** Metadata of its own runs, from the constructor. */
  readonly metadata: Readonly<Record<string, unknown>> | undefined
  /** The options bound by `withConfig`. @internal */
  readonly config?: MergedOptions | undefined
  /** Type parameters for the compiler, which checks that a step accepts the output of the step before it. Never set. */
  declare readonly types?: (input: In) => readonly [Out, Chunk]

  /** Callbacks, tags and metadata apply to the runs of this object only, not to runs below them. */
  constructor({ callbacks, tags, metadata }: OwnOptions = {}) {
    checkCallbacks(callbacks)
    this.callbacks = callbacks
    this.tags = tags
    this.metadata = metadata
  }

  /**
   * Opens the flow of one run. Work that it starts must end with the run: pass on `run.signal`, or register a cleanup with `run.onEnd`.
   *
   * @param input The input of the call, or the result of `prepare`.
   */
  abstract open(input: never, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  /** Adds its stages to the flow of the step before it. For a runnable that can work on chunks; without it, a step gets the whole output. */
  through?(flow: Flow, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  /** Converts the input for `open` and the `start` event. If it throws, the run starts and fails with that error. */
  prepare?(input: In): unknown
  /** What a model asks of its provider, for the `start` event. */
  modelRequest?(): ModelRequest
  /** Whether one whole value goes to `open`, not to `through`: its run then starts with the input. @internal */
  readonly prefersValue?: boolean | undefined
  /** Loads constructor callbacks before a run starts. @internal */
  lazyCallbacks?(): Promise<readonly Handler[]>

  /**
   * Runs to the end and resolves with the whole output. A model asks its provider for a whole response, so no `token` events are emitted,
   * unless it was constructed with `streaming: true`.
   *
   * @param options Options of the call, or the context of the run that makes it: the call is then its child.
   */
  invoke(input: In, options?: RunOptions | RunContext): Promise<Out> {
    const merged = resolveOptions(this, options)
    const output = (async () => {
      const driver = new RunDriver<Chunk, Out>(this, input, merged, false)
      driver.run.output.needed = 'yes'
      await drainReader(driver)
      return driver.run.output.value as Out
    })()
    // A child that is left running when its parent returns is aborted, and nothing catches its rejection. Its error was emitted as an event.
    if (merged.parent) output.catch(() => {})
    return output
  }

  /** Returns the output as a stream of chunks. The run starts with the first read, and advances only while it is read. */
  stream(input: In, options?: RunOptions | RunContext): RunStream<Chunk, Out> {
    const driver = new RunDriver<Chunk, Out>(this, input, resolveOptions(this, options), true)
    driver.run.output.needed = 'late'
    return new RunStream<Chunk, Out>(driver, driver)
  }

  /**
   * Returns the events of the run and all runs below it as a stream, with the output as `chunk` events. The run advances only while it is
   * read. A failure is emitted as an `error` event, then the read throws it.
   */
  events(input: In, options?: EventOptions | RunContext): RunStream<RunEvent, Out> {
    const reader = new RunEventReader(isActiveRun(options) ? undefined : (options as EventFilter))
    const driver = new RunDriver<Chunk, Out>(this, input, resolveOptions(this, options), true, reader)
    reader.driver = driver
    return new RunStream<RunEvent, Out>(driver, reader)
  }

  /**
   * Runs all inputs concurrently, each in a run of its own, at most `maxConcurrency` at once. Resolves with the outputs in the order of
   * the inputs. The first failure aborts the other runs and is thrown, unless `returnErrors` is set.
   */
  batch(inputs: readonly In[], options: BatchOptions & { readonly returnErrors: true }): Promise<(Out | Error)[]>
  batch(inputs: readonly In[], options?: BatchOptions): Promise<Out[]>
  batch(inputs: readonly In[], options: BatchOptions = {}): Promise<(Out | Error)[]> {
    return mapAll(inputs, options, resolveOptions(this, options).maxConcurrency, (input, own) => this.invoke(input, own))
  }

  /**
   * Returns a sequence of this runnable and a next step.
   *
   * @param next A runnable; a function, which receives the whole output; a `Transformer` or `TransformStream`, which receives the chunks; or
   *   an object of steps, which run concurrently as in `parallel`.
   * @throws ChaintapError `invalid_options` for anything else
   */
  pipe<N, C = N>(next: Runnable<Out, N, C>): Runnable<In, N, C>
  pipe<R>(next: (output: Out, context: RunContext) => R): Runnable<In, OutputOf<R>, ChunkOf<R>>
  pipe<C>(next: TransformStream<Chunk, C>): Runnable<In, OutputOf<AsyncIterable<C>>, C>
  pipe<C>(next: Transformer<Chunk, C>): Runnable<In, OutputOf<AsyncIterable<C>>, C>
  pipe<const S extends StepMap<Out, Chunk>>(next: S): Runnable<In, StepOutput<S, Out>, StepChunk<S, Chunk>>
  // The compiler reports errors of the last overload.
  pipe<S>(next: S & FormOfStep<S, Out, Chunk>): Runnable<In, unknown, unknown>
  pipe(next: unknown): Runnable<In, unknown, unknown> {
    return sequenceOf([this, toRunnable(next, 'pipe()')]) as never
  }

  /** Returns a copy with options bound to every call. Bound callbacks receive the events of every run below, too. */
  withConfig(options: RunOptions): this {
    return Object.assign(this.copy(), { config: mergeOptions(this.config, options) })
  }

  /**
   * Makes the copy for `withConfig`. By default it has the same prototype and own properties, but no `#private` fields: a class with such
   * fields overrides this method and calls its constructor. `this` has the callbacks, tags and metadata to pass on.
   *
   * @example
   * class Repeat extends Runnable<string, string> {
   *   readonly name = 'Repeat'
   *   readonly kind = 'chain'
   *   #times: number
   *   constructor(times: number, options?: OwnOptions) {
   *     super(options)
   *     this.#times = times
   *   }
   *   open(text: string) { return Flow.of(text.repeat(this.#times)) }
   *   protected override copy() { return new Repeat(this.#times, this) as this }
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

/** The parts of a combinator's runnable. */
export interface RunnableParts<In, Chunk> {
  readonly name: string
  readonly kind?: RunKind
  open(input: In, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  through?(flow: Flow, run: RunHandle): Flow<Chunk> | Promise<Flow<Chunk>>
  readonly steps?: readonly Runnable<never, unknown, unknown>[]
  readonly prefersValue?: boolean
}

class ComposedRunnable<In, Out, Chunk> extends Runnable<In, Out, Chunk> {
  readonly name: string
  readonly kind: RunKind
  readonly steps: readonly Runnable<never, unknown, unknown>[] | undefined
  override readonly prefersValue: boolean | undefined
  readonly open: RunnableParts<In, Chunk>['open']
  override readonly through?: NonNullable<RunnableParts<In, Chunk>['through']>

  constructor(parts: RunnableParts<In, Chunk>) {
    super()
    this.name = parts.name
    this.kind = parts.kind ?? 'chain'
    this.steps = parts.steps
    this.prefersValue = parts.prefersValue
    this.open = parts.open
    if (parts.through) this.through = parts.through
  }
}

/** Makes a runnable from its parts. Combinators use it instead of a class each. */
export const createRunnable = <In, Out, Chunk>(parts: RunnableParts<In, Chunk>): Runnable<In, Out, Chunk> => new ComposedRunnable(parts)

/** The steps of a sequence without bound options, so that sequences of sequences are flat; otherwise the step itself. */
export function flattenSteps(step: Runnable<never, unknown, unknown>): readonly Runnable<never, unknown, unknown>[] {
  return step instanceof ComposedRunnable && step.steps && !step.config ? step.steps : [step]
}
