import type { StoredRecord } from '../record.ts'
import type { LogStore } from '../store.ts'
import { bindKeyboard, bindPointer } from './input.ts'
import type { ViewerPrices } from './model/describe-row.ts'
import { type FeedListener, LogFeed } from './model/feed.ts'
import { plural } from './model/labels.ts'
import { LogModel } from './model/log-model.ts'
import type { Row } from './model/row.ts'
import { LogSearch } from './model/search.ts'
import { createViewerStatus } from './model/status.ts'
import { createElement } from './view/dom.ts'
import { FrameView } from './view/frame.ts'
import { LazyDetails } from './view/lazy-details.ts'
import { ListView } from './view/list.ts'
import { viewerCss } from './view/style.ts'
import { Toolbar } from './view/toolbar.ts'

/** Connects a log, the model of its lines, and the views. */
export class Viewer implements FeedListener {
  readonly toolbar: Toolbar = new Toolbar(
    () => this.#applyFilter(),
    (isOpen) => this.setAllOpen(isOpen),
  )
  readonly list: ListView = new ListView(() => this.changed())
  model: LogModel = new LogModel()
  readonly #frame: FrameView
  readonly #search = new LogSearch()
  readonly #details: LazyDetails
  #store: LogStore | undefined
  #feed: LogFeed | undefined
  #isRenderQueued = false
  /** Number of top-level rows when the newest one was last visible. */
  #seenTopCount = 0
  #searchTimer: ReturnType<typeof setTimeout> | undefined

  constructor(root: ShadowRoot) {
    const style = new CSSStyleSheet()
    style.replaceSync(viewerCss)
    root.adoptedStyleSheets = [style]
    this.#frame = new FrameView({
      jumpToNewest: () => this.#jumpToNewest(),
      retry: () => this.start(this.#store),
      clearFilters: () => this.#clearFilters(),
    })
    const { problem, empty, newest, foot, announcer } = this.#frame
    const main = createElement('div', { class: 'main' }, createElement('div', { class: 'lines' }, this.list.element, empty, newest))
    this.#details = new LazyDetails(root, main, {
      closed: () => this.close(),
      changed: () => this.changed(),
      failed: (error) => this.failed(error),
      announce: (text) => this.#frame.announce(text),
    })
    root.append(this.toolbar.element, problem, main, foot, announcer)
    this.toolbar.search.addEventListener('input', () => {
      clearTimeout(this.#searchTimer)
      this.#searchTimer = setTimeout(() => this.#applyFilter(), 150)
    })
    bindKeyboard(root, this)
    bindPointer(this)
    new ResizeObserver(() => this.changed()).observe(this.list.element)
  }

  set prices(prices: ViewerPrices | undefined) {
    this.#details.prices = prices
    if (this.#details.row) this.select(this.#details.row)
  }

  /** Displays a log from its newest record, and follows it. */
  start(store: LogStore | undefined): void {
    this.stop()
    this.#store = store
    this.model = new LogModel()
    this.#seenTopCount = 0
    this.list.reset()
    this.#frame.showProblem(undefined)
    try {
      this.#feed = store && new LogFeed(store, this)
      void this.#feed?.start()
    } catch (error) {
      this.failed(error)
    }
    this.#applyFilter()
  }

  /** Stops reading the log. */
  stop(): void {
    this.#feed?.stop()
    this.#feed = undefined
    this.#search.stop()
    this.#frame.stop()
    clearTimeout(this.#searchTimer)
    this.#details.close()
  }

  append(record: StoredRecord): void {
    this.#search.addRecord(record)
    this.model.append(record)
    if ('event' in record) this.#details.addEvent(record.event)
    if (record.level === 'error' || record.level === 'fatal') this.#frame.announceError()
    this.changed()
  }

  prepend(records: readonly StoredRecord[]): void {
    const before = this.model.topCounts.all
    this.model.prepend(records)
    this.#seenTopCount += this.model.topCounts.all - before
  }

  cleared(): void {
    this.start(this.#store)
  }

  failed(error: unknown): void {
    this.#frame.showProblem(error)
    this.changed()
  }

  /** Requests a render before the next frame; several calls share one. */
  changed(): void {
    if (this.#isRenderQueued) return
    this.#isRenderQueued = true
    requestAnimationFrame(() => {
      this.#isRenderQueued = false
      this.#render()
    })
  }

  /** Makes a row the active line; if the details are open, shows those of the row. */
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

  /** Closes the details; returns `false` if none were open. */
  close(): boolean {
    if (!this.#details.row) return false
    this.#details.close()
    this.list.element.focus()
    return true
  }

  setAllOpen(isOpen: boolean): void {
    this.model.setAllOpen(isOpen)
    this.changed()
  }

  #applyFilter(): void {
    const text = this.toolbar.search.value.trim()
    if (this.#store && text !== this.#search.text) void this.#runSearch(this.#store, text)
    const { found } = this.#search
    this.model.filter = { ...this.toolbar.filter, ...(found && { found }) }
    this.changed()
  }

  async #runSearch(store: LogStore, text: string): Promise<void> {
    const isComplete = await this.#search.start(store, text, this, () => this.#applyFilter())
    if (isComplete) this.#frame.announce(`${plural(this.#search.found?.size ?? 0, 'line')} found.`)
    this.changed()
  }

  #clearFilters(): void {
    this.toolbar.clear()
    this.#applyFilter()
    this.list.element.focus()
  }

  #jumpToNewest(): void {
    this.list.isFollowing = true
    this.list.element.focus()
    this.changed()
  }

  #render(): void {
    const { model, list } = this
    const feed = this.#feed
    list.render(model, feed?.hasOlder ?? false)
    this.toolbar.render(model)
    if (list.isFollowing) this.#seenTopCount = model.topCounts.all
    this.#frame.renderNewest(list.isFollowing ? undefined : model.topCounts.all - this.#seenTopCount)
    this.#frame.render(createViewerStatus(model, feed, this.#search.isSearching))
    if (list.wantsOlder) void feed?.loadOlder()
    this.#details.render()
  }
}
