import type { RunContext } from '../event.ts'
import { Flow } from '../flow/flow.ts'
import { defaultFold } from '../flow/fold.ts'
import { fromIterator, fromStream } from '../flow/source.ts'
import { toActiveRun } from '../run/run.ts'
import type { RunHandle } from '../run/run-handle.ts'
import { remainingDepthBelow } from '../run/scope.ts'
import { startChild } from '../run/start.ts'
import { createRunnable, Runnable } from './runnable.ts'

/** An iterator whose values are chunks, unlike a value that can be iterated, such as an array. */
type ChunkIterable<C> = AsyncIterable<C> | (Iterable<C> & { next(...sent: never): unknown })

/** The output of a step whose function returns `R`: what a runnable outputs, the folded values of an iterator, or `R` itself. */
export type OutputOf<R> = OutputOfResult<Awaited<R>>
type OutputOfResult<G> = G extends Runnable<never, infer Out, unknown> ? Out : G extends ChunkIterable<infer C> ? FoldedOutput<C> : G
type FoldedOutput<C> = [C] extends [string] ? string : C[]

/** The chunks of a step whose function returns `R`: those of a runnable, the values of an iterator, or `R` itself. */
export type ChunkOf<R> = ChunkOfResult<Awaited<R>>
type ChunkOfResult<G> = G extends Runnable<never, unknown, infer Chunk> ? Chunk : G extends ChunkIterable<infer C> ? C : G

/** A step after one with this output and these chunks: a runnable, a function of the output, a transformer of the chunks, or a map of steps. */
export type NextStep<Out, Chunk = Out> =
  | Runnable<Out, unknown, unknown>
  | ((output: Out, context: RunContext) => unknown)
  | TransformStream<Chunk, unknown>
  | Transformer<Chunk, unknown>
  | StepMap<Out, Chunk>

/**
 * Steps that run concurrently on the same input, by the key of their output: as a step, short for `parallel`. A plain object with no other
 * keys than `start`, `transform`, `flush` and `cancel`, all of them functions, is a `Transformer` if it has `transform` or `flush`.
 */
export interface StepMap<Out, Chunk = Out> {
  readonly [key: string]: NextStep<Out, Chunk>
}

/** The one form of {@link NextStep} that `S` has, so that errors of the compiler are about that form. */
export type FormOfStep<S, Out, Chunk> =
  S extends Runnable<never, unknown, unknown>
    ? Runnable<Out, unknown, unknown>
    : S extends (...given: never) => unknown
      ? (output: Out, context: RunContext) => unknown
      : S extends TransformStream<never, unknown>
        ? TransformStream<Chunk, unknown>
        : S extends Transformer<never, unknown>
          ? Transformer<Chunk, unknown>
          : StepMap<Out, Chunk>

/** A step of any form, whatever its input. */
export type AnyStep = NextStep<never>

/** The input that a step accepts. For a map: the intersection of its steps' inputs, each of which may be a union, such as a prompt's. */
export type StepInput<S> =
  S extends Runnable<infer In, unknown, unknown>
    ? In
    : S extends (input: infer In, ...rest: never) => unknown
      ? In
      : S extends TransformerStep<S, infer Chunk, unknown>
        ? Chunk
        : { [K in keyof S]: (input: AcceptedBy<S[K]>) => void }[keyof S] extends (input: infer In) => void
          ? In
          : never
/** A step that declares no input, such as a function without parameters, is inferred as `never` here and accepts everything. */
type AcceptedBy<S> = AnyStep extends S ? unknown : [StepInput<S>] extends [never] ? unknown : StepInput<S>

/** The output of a step of any form with the input `In`. */
export type StepOutput<S, In = StepInput<S>> =
  S extends Runnable<never, infer Out, unknown>
    ? IfPassthrough<S, In, Out>
    : S extends (...given: never) => infer R
      ? OutputOf<R>
      : S extends TransformerStep<S, never, infer Chunk>
        ? FoldedOutput<Chunk>
        : { [K in keyof S]: AnyStep extends S[K] ? unknown : StepOutput<S[K], In> }

/** The chunks of a step of any form after a step with the chunks `Before`. */
export type StepChunk<S, Before = StepInput<S>> =
  S extends Runnable<never, unknown, infer Chunk>
    ? IfPassthrough<S, Before, Chunk>
    : S extends (...given: never) => infer R
      ? ChunkOf<R>
      : S extends TransformerStep<S, never, infer Chunk>
        ? Chunk
        : { [K in keyof S]: { [Key in K]: AnyStep extends S[K] ? unknown : StepChunk<S[K], Before> } }[keyof S]

/** What `passthrough()` outputs is its input, which the compiler does not know where it is made. */
type IfPassthrough<S, Yes, No> = 'isPassthrough' extends keyof S ? Yes : No

/** The type of `S` if it is a transformer of `I` to `O`. */
type TransformerStep<S, I, O> =
  | { readonly readable: ReadableStream<O>; readonly writable: WritableStream<I> }
  | (Extract<keyof S, 'transform' | 'flush'> extends never ? never : Transformer<I, O>)

/**
 * Makes a runnable of a function (LangChain's RunnableLambda).
 *
 * @param fn Receives the input and the context of its run. It may return
 *
 *   - a value or a promise of one, which is the output;
 *   - a generator, an async iterable or a stream: its values are the chunks;
 *   - a runnable, which is then run with the same input.
 * @param options `name`: the name of its runs. Default: the name of the function, or `RunnableLambda`.
 *
 * @example
 * const shout = lambda((text: string) => text.toUpperCase())
 * const words = lambda(async function* (text: string) { for (const word of text.split(' ')) yield word })
 * const route = lambda((text: string) => (text.length < 20 ? shout : words))
 */
export function lambda<In, R>(
  fn: (input: In, context: RunContext) => R,
  { name }: { name?: string } = {},
): Runnable<In, OutputOf<R>, ChunkOf<R>> {
  return createRunnable({
    name: name ?? (fn.name || 'RunnableLambda'),
    open: async (input: In, run) => flowFromResult(await fn(input, run), input, run),
  })
}

/** The flow of a function's result. */
async function flowFromResult<Chunk>(result: unknown, input: unknown, run: RunHandle): Promise<Flow<Chunk>> {
  if (result instanceof Runnable) return openReturnedRunnable<Chunk>(result, input, run)
  if (typeof result !== 'object' || result === null) return Flow.of(result as Chunk)
  // WebKit's streams are not async iterable: use a reader.
  if (result instanceof ReadableStream && !(Symbol.asyncIterator in result)) return new Flow<Chunk>(fromStream(result), defaultFold)
  if (Symbol.asyncIterator in result)
    return new Flow<Chunk>(fromIterator((result as AsyncIterable<Chunk>)[Symbol.asyncIterator](), run.run.name), defaultFold)
  if (isGenerator(result)) return new Flow<Chunk>(fromIterator(result as Generator<Chunk>, run.run.name), defaultFold)
  return Flow.of(result as Chunk)
}

async function openReturnedRunnable<Chunk>(next: Runnable<never, unknown, unknown>, input: unknown, run: RunHandle): Promise<Flow<Chunk>> {
  const recursionLimit = remainingDepthBelow(toActiveRun(run).scope, run.run.name, next.config?.recursionLimit)
  return (await startChild(next, input, run, { options: { ...next.config, recursionLimit } })) as Flow<Chunk>
}

// Arrays and maps are iterable too, but they are values: only iterators are streams of chunks.
const isGenerator = (value: object): boolean => Symbol.iterator in value && 'next' in value && typeof value.next === 'function'
