import type { StoredRecord } from '../record.ts'
import type { LogStore } from '../store.ts'
import { onKeys, onPointer } from './input.ts'
import { plural } from './labels.ts'
import type { ViewerPrices } from './model/describe-row.ts'
import { Feed, type Listener } from './model/feed.ts'
import { LogModel } from './model/log-model.ts'
import type { Row } from './model/row.ts'
import { Finder } from './model/search.ts'
import { statusOf } from './model/status.ts'
import { make } from './view/dom.ts'
import { FrameView } from './view/frame.ts'
import { Details } from './view/lazy-details.ts'
import { ListView } from './view/list.ts'
import { css } from './view/style.ts'
import { Toolbar } from './view/toolbar.ts'

/** What holds a log, its lines and its controls together. */
export class Viewer implements Listener {
  readonly toolbar: Toolbar = new Toolbar(
    () => this.#filter(),
    (isOpen) => this.turnAll(isOpen),
  )
  readonly list: ListView = new ListView(() => this.changed())
  model: LogModel = new LogModel()
  readonly #frame: FrameView
  readonly #finder = new Finder()
  readonly #details: Details
  #store: LogStore | undefined
  #feed: Feed | undefined
  #isDue = false
  /** How many outermost lines there were when the newest was last in sight. */
  #seen = 0
  #typing: ReturnType<typeof setTimeout> | undefined

  constructor(root: ShadowRoot) {
    const style = new CSSStyleSheet()
    style.replaceSync(css)
    root.adoptedStyleSheets = [style]
    this.#frame = new FrameView({ newest: () => this.#jump(), again: () => this.start(this.#store), clear: () => this.#clear() })
    const { problem, empty, newest, foot, said } = this.#frame
    const main = make('div', { class: 'main' }, make('div', { class: 'lines' }, this.list.element, empty, newest))
    this.#details = new Details(root, main, {
      closed: () => this.close(),
      changed: () => this.changed(),
      failed: (error) => this.failed(error),
      said: (words) => this.#frame.say(words),
    })
    root.append(this.toolbar.element, problem, main, foot, said)
    this.toolbar.search.addEventListener('input', () => {
      clearTimeout(this.#typing)
      this.#typing = setTimeout(() => this.#filter(), 150)
    })
    onKeys(root, this)
    onPointer(this)
    new ResizeObserver(() => this.changed()).observe(this.list.element)
  }

  set prices(prices: ViewerPrices | undefined) {
    this.#details.prices = prices
    if (this.#details.row) this.select(this.#details.row)
  }

  /** Shows a log from its newest record on, and follows it. */
  start(store: LogStore | undefined): void {
    this.stop()
    this.#store = store
    this.model = new LogModel()
    this.#seen = 0
    this.list.reset()
    this.#frame.fail(undefined)
    try {
      this.#feed = store && new Feed(store, this)
      void this.#feed?.start()
    } catch (error) {
      this.failed(error)
    }
    this.#filter()
  }

  /** Nothing of the log is read any more. */
  stop(): void {
    this.#feed?.stop()
    this.#feed = undefined
    this.#finder.stop()
    this.#frame.stop()
    clearTimeout(this.#typing)
    this.#details.close()
  }

  append(record: StoredRecord): void {
    this.#finder.hear(record)
    this.model.append(record)
    if ('event' in record) this.#details.hear(record.event)
    if (record.level === 'error' || record.level === 'fatal') this.#frame.sayError()
    this.changed()
  }

  prepend(records: readonly StoredRecord[]): void {
    const before = this.model.tops.all
    this.model.prepend(records)
    this.#seen += this.model.tops.all - before
  }

  cleared(): void {
    this.start(this.#store)
  }

  failed(error: unknown): void {
    this.#frame.fail(error)
    this.changed()
  }

  /** Draws before the page is next shown, once, however much has changed. */
  changed(): void {
    if (this.#isDue) return
    this.#isDue = true
    requestAnimationFrame(() => {
      this.#isDue = false
      this.#render()
    })
  }

  /** Goes to a line; with the details open they follow. */
  activate(row: Row): void {
    this.list.active = row
    this.list.reveal(row, this.model)
    const { row: shown } = this.#details
    if (shown && shown !== row) this.select(row)
    this.changed()
  }

  /** Shows the details of a row. */
  select(row: Row, isFocused = false): void {
    this.list.active = row
    void this.#details.show(row, this.#store, isFocused)
    this.changed()
  }

  /** Shows no details any more. False where none were shown. */
  close(): boolean {
    if (!this.#details.row) return false
    this.#details.close()
    this.list.element.focus()
    return true
  }

  turnAll(isOpen: boolean): void {
    this.model.turnAll(isOpen)
    this.changed()
  }

  #filter(): void {
    const text = this.toolbar.search.value.trim()
    if (this.#store && text !== this.#finder.text) void this.#look(this.#store, text)
    const { found } = this.#finder
    this.model.filter = { ...this.toolbar.filter, ...(found && { found }) }
    this.changed()
  }

  async #look(store: LogStore, text: string): Promise<void> {
    const isThrough = await this.#finder.look(store, text, this, () => this.#filter())
    if (isThrough) this.#frame.say(`${plural(this.#finder.found?.size ?? 0, 'line')} found.`)
    this.changed()
  }

  #clear(): void {
    this.toolbar.clear()
    this.#filter()
    this.list.element.focus()
  }

  #jump(): void {
    this.list.isFollowing = true
    this.list.element.focus()
    this.changed()
  }

  #render(): void {
    const { model, list } = this
    const feed = this.#feed
    list.render(model, feed?.hasOlder ?? false)
    this.toolbar.render(model)
    if (list.isFollowing) this.#seen = model.tops.all
    this.#frame.renderNewest(list.isFollowing ? undefined : model.tops.all - this.#seen)
    this.#frame.render(statusOf(model, feed, this.#finder.isBusy))
    if (list.wantsOlder) void feed?.older()
    this.#details.render()
  }
}
