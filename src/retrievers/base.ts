import { lazyConsoleHandler } from '../console/lazy.ts'
import type { RunContext, RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { Runnable } from '../core/runnable/runnable.ts'

/** A piece of text with what is known of it (LangChain's Document). */
export interface Document<Metadata = Readonly<Record<string, unknown>>> {
  readonly pageContent: string
  readonly metadata?: Metadata
}

/** Options of a {@link Retriever}. */
export interface RetrieverOptions extends OwnOptions {
  /** Prints this retriever's own runs to the console. */
  readonly verbose?: boolean
}

/**
 * Finds documents for a query (LangChain's BaseRetriever): its runs are of the kind `retriever`, and handlers hear the query and the
 * documents. To write one, extend it and give `retrieve`.
 *
 * @example
 * class Search extends Retriever {
 *   readonly name = 'Search'
 *   async retrieve(query: string, { signal }: RunContext) {
 *     const found = await fetch(`/search?q=${encodeURIComponent(query)}`, { signal })
 *     return (await found.json()) as Document[]
 *   }
 * }
 */
export abstract class Retriever<D extends Document = Document> extends Runnable<string, readonly D[]> {
  readonly kind: RunKind = 'retriever'

  constructor({ verbose, ...own }: RetrieverOptions = {}) {
    super(own)
    if (verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /** The documents for a query, the best first. What it starts must stop with `context.signal`. */
  abstract retrieve(query: string, context: RunContext): readonly D[] | Promise<readonly D[]>

  override async open(query: string, run: RunHandle): Promise<Flow<readonly D[]>> {
    return Flow.of(await this.retrieve(query, run))
  }
}
