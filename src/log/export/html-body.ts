import type { RunEvent } from '../../core/event.ts'
import { isCursorRecord } from '../cursor-record.ts'
import type { StoredEvent, StoredRecord } from '../record.ts'
import { isTreeEnd } from '../run-end.ts'
import type { ExportSource } from './formatter.ts'
import { createHtmlSection, type HtmlSection, renderSegments } from './html-section.ts'
import { messageSegments } from './transcript.ts'

/** Maximum number of buffered characters. Run trees that are interleaved in the log are buffered to write them one after the other. */
const MAX_HELD_PAGE_CHARACTERS = 4_194_304

/** A buffered run tree. */
interface HeldTree {
  readonly root: StoredEvent
  readonly section: HtmlSection
  transcript: string
  runList: string
  isComplete: boolean
}

/** Renders the records of a log as parts of a page, in the order in which they began. */
export class HtmlBody {
  readonly #source: ExportSource
  readonly #parts: (HeldTree | string)[] = []
  /** Unfinished trees; `undefined` for a tree that was written to the page early. */
  readonly #openTrees = new Map<string, HeldTree | undefined>()
  #heldCharacters = 0

  constructor(source: ExportSource) {
    this.#source = source
  }

  /** Adds a record; yields the parts that are ready. */
  async *add(record: StoredRecord): AsyncGenerator<string, void> {
    if ('event' in record) this.#addEvent(record)
    else if (!isCursorRecord(record)) this.#pushPart(`<pre class="message">${renderSegments(messageSegments(record))}</pre>\n`)
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      if (typeof part === 'string' || part.isComplete) yield renderPart(part)
      else if (this.#heldCharacters > MAX_HELD_PAGE_CHARACTERS) yield* this.#streamTree(part)
      else return
      this.#parts.shift()
      this.#heldCharacters -= renderPart(part).length
    }
  }

  /** Yields the remaining parts. */
  *end(): Generator<string, void> {
    for (const part of this.#parts) yield renderPart(part)
  }

  #pushPart(part: HeldTree | string): void {
    this.#parts.push(part)
    this.#heldCharacters += renderPart(part).length
  }

  #addEvent(record: StoredEvent): void {
    const { event } = record
    const { rootId } = event.run
    if (!this.#openTrees.has(rootId)) {
      const started: HeldTree = {
        root: record,
        section: createHtmlSection(record, this.#source.tokens),
        transcript: '',
        runList: '',
        isComplete: false,
      }
      this.#openTrees.set(rootId, started)
      this.#pushPart(started)
    }
    const tree = this.#openTrees.get(rootId)
    if (isTreeEnd(event)) this.#openTrees.delete(rootId)
    if (!tree) return
    const before = renderPart(tree).length
    tree.transcript += tree.section.renderEvent(event)
    tree.runList += tree.section.renderRun(event)
    tree.isComplete = isTreeEnd(event)
    this.#heldCharacters += renderPart(tree).length - before
  }

  /** Writes a tree that exceeds the buffer, or that blocks too many others: reads its events from the log again, including later ones. */
  async *#streamTree({ root }: HeldTree): AsyncGenerator<string, void> {
    this.#openTrees.set(root.event.run.rootId, undefined)
    const { head, renderEvent, separator, renderRun, foot } = createHtmlSection(root, this.#source.tokens)
    yield head
    for await (const event of readTreeEvents(this.#source, root)) yield renderEvent(event)
    yield separator
    for await (const event of readTreeEvents(this.#source, root)) yield renderRun(event)
    yield foot()
  }
}

const renderPart = (part: HeldTree | string): string => {
  if (typeof part === 'string') return part
  const { section, transcript, runList } = part
  return section.head + transcript + section.separator + runList + section.foot()
}

/** Reads the exported events of a tree. */
async function* readTreeEvents({ read, filter }: ExportSource, root: StoredEvent): AsyncGenerator<RunEvent, void> {
  yield root.event
  if (isTreeEnd(root.event)) return
  for await (const record of read({ runId: filter.runId ?? root.event.run.rootId, after: root.cursor })) {
    if (!('event' in record)) continue
    yield record.event
    if (isTreeEnd(record.event)) return
  }
}
