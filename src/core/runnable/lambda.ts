import type { RunContext } from '../event.ts'
import { Flow } from '../flow/flow.ts'
import { defaultFold } from '../flow/fold.ts'
import { fromIterator, fromStream } from '../flow/source.ts'
import { toActiveRun } from '../run/run.ts'
import type { RunHandle } from '../run/run-handle.ts'
import { remainingDepthBelow } from '../run/scope.ts'
import { startChild } from '../run/start.ts'
import { type ChunkOf, createRunnable, type OutputOf, Runnable } from './runnable.ts'

/**
 * A function as a step (LangChain's RunnableLambda). It is given the whole output of the step before, and its run's context; it may
 * return a value, a promise, a runnable to go on with the same input, or be a generator, whose yields are the chunks.
 *
 * @example
 * const shout = lambda((text: string) => text.toUpperCase())
 * const words = lambda(async function* (text: string) { for (const word of text.split(' ')) yield word })
 * const route = lambda((question: string) => (question.length < 20 ? short : long))
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

/** The flow of whatever a function gave. */
async function flowFromResult<Chunk>(given: unknown, input: unknown, run: RunHandle): Promise<Flow<Chunk>> {
  if (given instanceof Runnable) return openReturnedRunnable<Chunk>(given, input, run)
  if (typeof given !== 'object' || given === null) return Flow.of(given as Chunk)
  // A reader where there is one: WebKit's streams are no async iterables.
  if (given instanceof ReadableStream && !(Symbol.asyncIterator in given)) return new Flow<Chunk>(fromStream(given), defaultFold)
  if (Symbol.asyncIterator in given)
    return new Flow<Chunk>(fromIterator((given as AsyncIterable<Chunk>)[Symbol.asyncIterator]()), defaultFold)
  if (isGenerator(given)) return new Flow<Chunk>(fromIterator(given as Generator<Chunk>), defaultFold)
  return Flow.of(given as Chunk)
}

async function openReturnedRunnable<Chunk>(next: Runnable<never, unknown, unknown>, input: unknown, run: RunHandle): Promise<Flow<Chunk>> {
  const recursionLimit = remainingDepthBelow(toActiveRun(run).scope, run.run.name, next.config?.recursionLimit)
  return (await startChild(next, input, run, { options: { ...next.config, recursionLimit } })) as Flow<Chunk>
}

// Arrays and maps are iterable too, but are values: only what iterates itself is a stream of chunks.
const isGenerator = (value: object): boolean => Symbol.iterator in value && 'next' in value && typeof value.next === 'function'
