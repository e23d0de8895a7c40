import { lazyConsoleHandler } from '../console/lazy.ts'
import type { RunContext, RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import type { RunHandle } from '../core/run/run-handle.ts'
import type { OwnOptions } from '../core/run/scope.ts'
import { Runnable } from '../core/runnable/runnable.ts'

/** A text with metadata (LangChain's Document). */
export interface Document<Metadata = Readonly<Record<string, unknown>>> {
  /** The text. */
  readonly pageContent: string
  /** Facts about the text, such as its source. */
  readonly metadata?: Metadata
}

/** Options of a {@link Retriever}. */
export interface RetrieverOptions extends OwnOptions {
  /**
   * Prints this retriever's own runs to the console.
   *
   * @defaultValue false
   */
  readonly verbose?: boolean
}

/**
 * The base class of retrievers, which find documents for a query (LangChain's BaseRetriever). Handlers receive the query and the
 * documents. Subclasses implement `name` and `retrieve`.
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
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'retriever'

  constructor({ verbose, ...own }: RetrieverOptions = {}) {
    super(own)
    if (verbose) this.lazyCallbacks = lazyConsoleHandler
  }

  /**
   * Returns the documents for a query, best match first.
   *
   * @param context The run: pass its `signal` to requests, and it as the options of child runs.
   */
  abstract retrieve(query: string, context: RunContext): readonly D[] | Promise<readonly D[]>

  override async open(query: string, run: RunHandle): Promise<Flow<readonly D[]>> {
    return Flow.of(await this.retrieve(query, run))
  }
}
