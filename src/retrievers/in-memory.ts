import { lazyConsoleHandler } from '../console/lazy.ts'
import { ChaintapError } from '../core/errors.ts'
import type { RunKind } from '../core/event.ts'
import { Flow } from '../core/flow/flow.ts'
import { Runnable } from '../core/runnable/runnable.ts'
import type { Document, RetrieverOptions } from './base.ts'

/** Options of {@link InMemoryRetriever}. */
export interface InMemoryRetrieverOptions<D extends Document> extends RetrieverOptions {
  /** The documents to search. They are indexed at construction. */
  readonly documents: readonly D[]
  /**
   * The maximum number of documents to return.
   *
   * @defaultValue 4
   */
  readonly k?: number
}

/** BM25's k1 (how quickly repeated words stop adding to the score) and b (how much the document's length counts): the usual values. */
const [SATURATION, LENGTH_WEIGHT] = [1.2, 0.75]

/**
 * Finds documents by the words they share with a query, ranked by Okapi BM25 (Robertson and Zaragoza, 2009): rare words score higher,
 * long documents lower. Suitable for a few thousand documents. Documents that share no word with the query are not returned.
 *
 * @throws ChaintapError `invalid_options` if `k` is not a positive integer.
 *
 * @example
 * const retriever = new InMemoryRetriever({ documents: [{ pageContent: 'Bears eat honey.' }, { pageContent: 'Cats sleep.' }], k: 1 })
 * await retriever.invoke('What do bears eat?') // [{ pageContent: 'Bears eat honey.' }]
 */
export class InMemoryRetriever<D extends Document = Document> extends Runnable<string, readonly D[]> {
  /** The name of its runs in events. */
  readonly name = 'InMemoryRetriever'
  /** The kind of its runs in events. */
  readonly kind: RunKind = 'retriever'
  /** The maximum number of documents to return. */
  readonly k: number
  /** @internal */
  readonly index: readonly IndexedDocument<D>[]
  /** @internal */
  readonly averageLength: number

  constructor({ documents, k = 4, verbose, ...own }: InMemoryRetrieverOptions<D>) {
    super(own)
    if (!Number.isInteger(k) || k < 1)
      throw new ChaintapError('invalid_options', `InMemoryRetriever: k must be a positive integer, but is ${k}.`)
    if (verbose) this.lazyCallbacks = lazyConsoleHandler
    this.k = k
    this.index = documents.map((document) => indexDocument(document))
    this.averageLength = this.index.reduce((sum, { length }) => sum + length, 0) / Math.max(1, documents.length)
  }

  override open(query: string): Flow<readonly D[]> {
    const words = new Set(splitIntoWords(query))
    const weights = new Map(Array.from(words, (word) => [word, inverseDocumentFrequency(word, this.index)]))
    const scored = this.index.map((entry) => ({ document: entry.document, score: bm25Score(entry, weights, this.averageLength) }))
    const found = scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score)
    return Flow.of(found.slice(0, this.k).map(({ document }) => document))
  }
}

interface IndexedDocument<D> {
  readonly document: D
  /** The number of occurrences of each word. */
  readonly counts: ReadonlyMap<string, number>
  /** In words. */
  readonly length: number
}

function indexDocument<D extends Document>(document: D): IndexedDocument<D> {
  const words = splitIntoWords(document.pageContent)
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return { document, counts, length: words.length }
}

/** Runs of letters and digits in any script, in lower case. */
const splitIntoWords = (text: string): readonly string[] =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .match(/[\p{L}\p{N}]+/gu) ?? []

/** The inverse document frequency of a word, never below 0. */
function inverseDocumentFrequency(word: string, index: readonly IndexedDocument<unknown>[]): number {
  const matching = index.filter(({ counts }) => counts.has(word)).length
  return Math.log(1 + (index.length - matching + 0.5) / (matching + 0.5))
}

function bm25Score({ counts, length }: IndexedDocument<unknown>, weights: ReadonlyMap<string, number>, averageLength: number): number {
  let sum = 0
  for (const [word, weight] of weights) {
    const count = counts.get(word) ?? 0
    const norm = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * (length / averageLength))
    sum += (weight * count * (SATURATION + 1)) / (count + norm)
  }
  return sum
}
