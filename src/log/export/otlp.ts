import type { EndEvent, EventOf, RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { LogFormatter } from './formatter.ts'
import { SEMCONV } from './otlp-names.ts'
import { OpenSpan } from './otlp-span.ts'
import { attributes } from './otlp-value.ts'

/** How many characters are held for trees that go on. */
const MAX_HELD_SPAN_CHARACTERS = 4_194_304
/** How many trees: of a page that was killed the log has no end. */
const MAX_OPEN_TREES = 10_000

/** A line of TracesData for each run tree, when it has ended (OTLP's File Exporter). Free records are no spans. */
export const asOtlp: LogFormatter = async function* ({ read, countRecord, content, service }) {
  const resource = JSON.stringify({ attributes: attributes({ 'service.name': service }) })
  const scope = JSON.stringify({ name: 'chaintap', attributes: attributes({ 'chaintap.semconv': SEMCONV }) })
  const line = (spans: readonly string[]): string =>
    `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}\n`
  const forest = new TraceAssembler(content)
  for await (const record of read()) {
    if (!('event' in record)) continue
    countRecord()
    for (const spans of forest.addEvent(record.event)) yield line(spans)
  }
  for (const spans of forest.flush()) yield line(spans)
}

interface OpenSpanEntry {
  readonly span: OpenSpan
  readonly parent: OpenSpanEntry | undefined
  /** The error of the child that has failed last, as text: one that goes up the tree is told once. */
  childError?: string
}

interface SpanTree {
  readonly openSpans: Map<string, OpenSpanEntry>
  /** Spans of runs that have ended. */
  finishedSpans: string[]
  /** When it was last heard of. */
  lastEventAt: number
}

/** The run trees that go on, oldest first. */
class TraceAssembler {
  readonly #withContent: boolean
  readonly #trees = new Map<string, SpanTree>()
  #heldCharacters = 0

  constructor(withContent: boolean) {
    this.#withContent = withContent
  }

  /** Gives what has not to wait any longer: spans, line by line. */
  *addEvent(event: RunEvent): Generator<readonly string[], void> {
    const { run } = event
    if (event.type === 'start') yield* this.#startSpan(event)
    const tree = this.#trees.get(run.rootId)
    const open = tree?.openSpans.get(run.id)
    // What began before the records that are exported has no span: nobody knows when.
    if (!tree || !open) return
    tree.lastEventAt = Math.max(tree.lastEventAt, event.at)
    if (event.type === 'end' || event.type === 'error') {
      const isNews = isNewError(open, event)
      this.#closeSpan(tree, open, event, isNews)
      if (run.id === run.rootId || tree.openSpans.size === 0) yield* this.#finishTree(run.rootId, tree)
    } else {
      this.#heldCharacters -= open.span.size
      open.span.addEvent(event)
      this.#heldCharacters += open.span.size
    }
    if (this.#heldCharacters > MAX_HELD_SPAN_CHARACTERS) yield* this.#reduceHeld()
  }

  /** Gives the rest. */
  *flush(): Generator<readonly string[], void> {
    for (const [rootId, tree] of this.#trees) yield* this.#finishTree(rootId, tree)
  }

  *#startSpan(event: EventOf<'start'>): Generator<readonly string[], void> {
    const { run, at } = event
    const [oldest] = this.#trees
    const known = this.#trees.get(run.rootId)
    if (!known && oldest && this.#trees.size === MAX_OPEN_TREES) yield* this.#finishTree(...oldest)
    const tree: SpanTree = known ?? { openSpans: new Map(), finishedSpans: [], lastEventAt: at }
    this.#trees.set(run.rootId, tree)
    const before = tree.openSpans.get(run.id)
    if (before) this.#closeSpan(tree, before)
    // A parent that is not exported is stood for by the root.
    const parent = run.parentId === undefined ? undefined : (tree.openSpans.get(run.parentId) ?? tree.openSpans.get(run.rootId))
    const span = new OpenSpan(event, parent?.span.run, this.#withContent)
    this.#heldCharacters += span.size
    tree.openSpans.set(run.id, { span, parent })
  }

  /** A run has ended, or is taken for ended. */
  #closeSpan(tree: SpanTree, { span }: OpenSpanEntry, end?: EndEvent, isNews = false): void {
    this.#heldCharacters -= span.size
    const json = span.toJson(tree.lastEventAt, end, isNews)
    this.#heldCharacters += json.length
    tree.openSpans.delete(span.run.id)
    tree.finishedSpans.push(json)
  }

  /** A tree has ended. */
  *#finishTree(rootId: string, tree: SpanTree): Generator<readonly string[], void> {
    for (const open of tree.openSpans.values()) this.#closeSpan(tree, open)
    this.#trees.delete(rootId)
    yield* this.#takeFinished(tree)
  }

  *#takeFinished(tree: SpanTree): Generator<readonly string[], void> {
    if (tree.finishedSpans.length === 0) return
    yield tree.finishedSpans
    for (const span of tree.finishedSpans) this.#heldCharacters -= span.length
    tree.finishedSpans = []
  }

  /** Gives what has ended of all trees, and where that is not enough drops what the oldest runs hold. */
  *#reduceHeld(): Generator<readonly string[], void> {
    for (const tree of this.#trees.values()) yield* this.#takeFinished(tree)
    for (const { openSpans } of this.#trees.values())
      for (const { span } of openSpans.values()) {
        if (this.#heldCharacters <= MAX_HELD_SPAN_CHARACTERS / 2) return
        this.#heldCharacters -= span.size
        span.dropContent()
      }
  }
}

function isNewError({ childError, parent }: OpenSpanEntry, event: EndEvent): boolean {
  if (event.type === 'end') return false
  const error = stringify(event.error)
  if (parent) parent.childError = error
  return childError !== error
}
