import type { RunEvent } from '../../core/event.ts'
import type { StoredEvent, StoredRecord } from '../record.ts'
import { isMark } from '../ship/cursor.ts'
import { isEnd, paint, type Section, sectionOf } from './html-section.ts'
import type { ExportSource } from './index.ts'
import { messageLine } from './transcript.ts'

/** How many characters of the page are held back, so that run trees that lie mixed in the log come out one after the other. */
const HELD = 4_194_304

/** A run tree that is held back. */
interface Tree {
  readonly root: StoredEvent
  readonly section: Section
  said: string
  listed: string
  isWhole: boolean
}

/** The records of a log as parts of a page, in the order in which they began. */
export class Body {
  readonly #source: ExportSource
  readonly #parts: (Tree | string)[] = []
  /** Trees that go on; undefined where they stand in the page already. */
  readonly #open = new Map<string, Tree | undefined>()
  #held = 0

  constructor(source: ExportSource) {
    this.#source = source
  }

  /** Gives what has not to wait any longer. */
  async *add(record: StoredRecord): AsyncGenerator<string, void> {
    if ('event' in record) this.#hear(record)
    else if (!isMark(record)) this.#hold(`<pre class="said">${paint(messageLine(record))}</pre>\n`)
    for (let part = this.#parts[0]; part !== undefined; part = this.#parts[0]) {
      if (typeof part === 'string' || part.isWhole) yield textOf(part)
      else if (this.#held > HELD) yield* this.#readAgain(part)
      else return
      this.#parts.shift()
      this.#held -= textOf(part).length
    }
  }

  /** Gives the rest. */
  *end(): Generator<string, void> {
    for (const part of this.#parts) yield textOf(part)
  }

  #hold(part: Tree | string): void {
    this.#parts.push(part)
    this.#held += textOf(part).length
  }

  #hear(record: StoredEvent): void {
    const { event } = record
    const { rootId } = event.run
    if (!this.#open.has(rootId)) {
      const begun: Tree = { root: record, section: sectionOf(record, this.#source.tokens), said: '', listed: '', isWhole: false }
      this.#open.set(rootId, begun)
      this.#hold(begun)
    }
    const tree = this.#open.get(rootId)
    if (isEnd(event)) this.#open.delete(rootId)
    if (!tree) return
    const before = textOf(tree).length
    tree.said += tree.section.said(event)
    tree.listed += tree.section.listed(event)
    tree.isWhole = isEnd(event)
    this.#held += textOf(tree).length - before
  }

  /** A tree that is too large to be held, or that others wait for too long. */
  async *#readAgain({ root }: Tree): AsyncGenerator<string, void> {
    this.#open.set(root.event.run.rootId, undefined)
    const { head, said, between, listed, foot } = sectionOf(root, this.#source.tokens)
    yield head
    for await (const event of treeOf(this.#source, root)) yield said(event)
    yield between
    for await (const event of treeOf(this.#source, root)) yield listed(event)
    yield foot()
  }
}

const textOf = (part: Tree | string): string => {
  if (typeof part === 'string') return part
  const { section, said, listed } = part
  return section.head + said + section.between + listed + section.foot()
}

/** The events of a tree that are to be exported. */
async function* treeOf({ read, filter }: ExportSource, root: StoredEvent): AsyncGenerator<RunEvent, void> {
  yield root.event
  if (isEnd(root.event)) return
  for await (const record of read({ runId: filter.runId ?? root.event.run.rootId, after: root.cursor })) {
    if (!('event' in record)) continue
    yield record.event
    if (isEnd(record.event)) return
  }
}
