import type { EventOf, RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { Format } from './index.ts'
import { SEMCONV } from './otlp-names.ts'
import { OpenSpan } from './otlp-span.ts'
import { attributes } from './otlp-value.ts'

/** How many characters are held for trees that go on. */
const HELD = 4_194_304
/** How many trees: of a page that was killed the log has no end. */
const TREES = 10_000

/** A line of TracesData for each run tree, when it has ended (OTLP's File Exporter). Free records are no spans. */
export const asOtlp: Format = async function* ({ read, wrote, content, service }) {
  const resource = JSON.stringify({ attributes: attributes({ 'service.name': service }) })
  const scope = JSON.stringify({ name: 'chaintap', attributes: attributes({ 'chaintap.semconv': SEMCONV }) })
  const line = (spans: readonly string[]): string =>
    `{"resourceSpans":[{"resource":${resource},"scopeSpans":[{"scope":${scope},"spans":[${spans.join(',')}]}]}]}\n`
  const forest = new Forest(content)
  for await (const record of read()) {
    if (!('event' in record)) continue
    wrote()
    for (const spans of forest.hear(record.event)) yield line(spans)
  }
  for (const spans of forest.end()) yield line(spans)
}

interface Open {
  readonly span: OpenSpan
  readonly parent: Open | undefined
  /** The error of the child that has failed last, as text: one that goes up the tree is told once. */
  told?: string
}

interface Tree {
  readonly open: Map<string, Open>
  /** Spans of runs that have ended. */
  done: string[]
  /** When it was last heard of. */
  last: number
}

/** The run trees that go on, oldest first. */
class Forest {
  readonly #withContent: boolean
  readonly #trees = new Map<string, Tree>()
  #held = 0

  constructor(withContent: boolean) {
    this.#withContent = withContent
  }

  /** Gives what has not to wait any longer: spans, line by line. */
  *hear(event: RunEvent): Generator<readonly string[], void> {
    const { run } = event
    if (event.type === 'start') yield* this.#begin(event)
    const tree = this.#trees.get(run.rootId)
    const open = tree?.open.get(run.id)
    // What began before the records that are exported has no span: nobody knows when.
    if (!tree || !open) return
    tree.last = Math.max(tree.last, event.at)
    if (event.type === 'end' || event.type === 'error') {
      const isNews = isNewsOf(open, event)
      this.#close(tree, open, event, isNews)
      if (run.id === run.rootId || tree.open.size === 0) yield* this.#finish(run.rootId, tree)
    } else {
      this.#held -= open.span.size
      open.span.hear(event)
      this.#held += open.span.size
    }
    if (this.#held > HELD) yield* this.#relieve()
  }

  /** Gives the rest. */
  *end(): Generator<readonly string[], void> {
    for (const [rootId, tree] of this.#trees) yield* this.#finish(rootId, tree)
  }

  *#begin(event: EventOf<'start'>): Generator<readonly string[], void> {
    const { run, at } = event
    const [oldest] = this.#trees
    const known = this.#trees.get(run.rootId)
    if (!known && oldest && this.#trees.size === TREES) yield* this.#finish(...oldest)
    const tree: Tree = known ?? { open: new Map(), done: [], last: at }
    this.#trees.set(run.rootId, tree)
    const before = tree.open.get(run.id)
    if (before) this.#close(tree, before)
    // A parent that is not exported is stood for by the root.
    const parent = run.parentId === undefined ? undefined : (tree.open.get(run.parentId) ?? tree.open.get(run.rootId))
    const span = new OpenSpan(event, parent?.span.run, this.#withContent)
    this.#held += span.size
    tree.open.set(run.id, { span, parent })
  }

  /** A run has ended, or is taken for ended. */
  #close(tree: Tree, { span }: Open, end?: EventOf<'end' | 'error'>, isNews = false): void {
    this.#held -= span.size
    const json = span.end(tree.last, end, isNews)
    this.#held += json.length
    tree.open.delete(span.run.id)
    tree.done.push(json)
  }

  /** A tree has ended. */
  *#finish(rootId: string, tree: Tree): Generator<readonly string[], void> {
    for (const open of tree.open.values()) this.#close(tree, open)
    this.#trees.delete(rootId)
    yield* this.#give(tree)
  }

  *#give(tree: Tree): Generator<readonly string[], void> {
    if (tree.done.length === 0) return
    yield tree.done
    for (const span of tree.done) this.#held -= span.length
    tree.done = []
  }

  /** Gives what has ended of all trees, and where that is not enough drops what the oldest runs hold. */
  *#relieve(): Generator<readonly string[], void> {
    for (const tree of this.#trees.values()) yield* this.#give(tree)
    for (const { open } of this.#trees.values())
      for (const { span } of open.values()) {
        if (this.#held <= HELD / 2) return
        this.#held -= span.size
        span.drop()
      }
  }
}

function isNewsOf({ told, parent }: Open, event: EventOf<'end' | 'error'>): boolean {
  if (event.type === 'end') return false
  const error = stringify(event.error)
  if (parent) parent.told = error
  return told !== error
}
