import type { EndEvent, EventOf, RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { LogFormatter } from './formatter.ts'
import { SEMCONV } from './otlp-names.ts'
import { OpenSpan } from './otlp-span.ts'
import { attributes } from './otlp-value.ts'

/** Maximum number of buffered characters of unfinished trees. */
const MAX_HELD_SPAN_CHARACTERS = 4_194_304
/** Maximum number of unfinished trees: a page that was killed leaves trees without an end. */
const MAX_OPEN_TREES = 10_000

/** Formats each run tree, when it has ended, as a line of TracesData (OTLP File Exporter). Free records are not exported. */
export const asOtlp: LogFormatter = async function* ({ read, countRecord, content, service }) {
  const resource = JSON.stringify({ attributes: attributes({ 'service.name': service }) })
  const scope = JSON.stringify({ name: 'chaintap', attributes: attributes({ 'chaintap.semconv': SEMCONV }) })
  const line = (spans: readonly string[]): string =>
    `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}\n`
  const assembler = new TraceAssembler(content)
  for await (const record of read()) {
    if (!('event' in record)) continue
    countRecord()
    for (const spans of assembler.addEvent(record.event)) yield line(spans)
  }
  for (const spans of assembler.flush()) yield line(spans)
}

interface OpenSpanEntry {
  readonly span: OpenSpan
  readonly parent: OpenSpanEntry | undefined
  /** The error of the last failed child, as text: an error that propagates up the tree is reported once. */
  childError?: string
}

interface SpanTree {
  readonly openSpans: Map<string, OpenSpanEntry>
  /** The spans of ended runs, as JSON. */
  finishedSpans: string[]
  /** Time of the last event. */
  lastEventAt: number
}

/** Builds spans from events. Holds the unfinished run trees, oldest first. */
class TraceAssembler {
  readonly #withContent: boolean
  readonly #trees = new Map<string, SpanTree>()
  #heldCharacters = 0

  constructor(withContent: boolean) {
    this.#withContent = withContent
  }

  /** Adds an event; yields the spans of each line that is ready. */
  *addEvent(event: RunEvent): Generator<readonly string[], void> {
    const { run } = event
    if (event.type === 'start') yield* this.#startSpan(event)
    const tree = this.#trees.get(run.rootId)
    const open = tree?.openSpans.get(run.id)
    // A run that started before the first exported record has no span: its start time is unknown.
    if (!tree || !open) return
    tree.lastEventAt = Math.max(tree.lastEventAt, event.at)
    if (event.type === 'end' || event.type === 'error') {
      this.#closeSpan(tree, open, event, isNewError(open, event))
      if (run.id === run.rootId || tree.openSpans.size === 0) yield* this.#finishTree(run.rootId, tree)
    } else {
      this.#heldCharacters -= open.span.size
      open.span.addEvent(event)
      this.#heldCharacters += open.span.size
    }
    if (this.#heldCharacters > MAX_HELD_SPAN_CHARACTERS) yield* this.#reduceHeld()
  }

  /** Yields the spans of all unfinished trees. */
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
    // If the parent is not exported, the root takes its place.
    const parent = run.parentId === undefined ? undefined : (tree.openSpans.get(run.parentId) ?? tree.openSpans.get(run.rootId))
    const span = new OpenSpan(event, parent?.span.run, this.#withContent)
    this.#heldCharacters += span.size
    tree.openSpans.set(run.id, { span, parent })
  }

  /** Closes the span of a run that has ended, or has no end in the log. */
  #closeSpan(tree: SpanTree, { span }: OpenSpanEntry, end?: EndEvent, isNew = false): void {
    this.#heldCharacters -= span.size
    const json = span.toJson(tree.lastEventAt, end, isNew)
    this.#heldCharacters += json.length
    tree.openSpans.delete(span.run.id)
    tree.finishedSpans.push(json)
  }

  /** Closes all spans of a tree and yields them. */
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

  /** Yields the ended spans of all trees; if that does not free enough, drops the content of the oldest runs. */
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
