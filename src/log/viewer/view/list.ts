import type { LogModel } from '../model/log-model.ts'
import type { Row } from '../model/row.ts'
import { createElement } from './dom.ts'
import { RowView } from './row.ts'

/** Number of lines rendered above and below the visible ones. */
const OVERSCAN_LINES = 8
/** Distance from the oldest line, in lines, at which older records are requested. */
const LOAD_OLDER_LINES = 20

/** The list of rows. Only the visible lines, and a few beside them, are in the DOM. */
export class ListView {
  readonly element: HTMLElement
  /** Whether the list scrolls to new lines. */
  isFollowing = true
  /** The row that keys apply to. */
  active: Row | undefined
  readonly #space = createElement('div', { class: 'space', role: 'none' })
  readonly #probe = createElement('div', { class: 'probe', role: 'none' })
  readonly #rowViews = new Map<Row, RowView>()
  #nextId = 0
  /** The last scroll position. */
  #lastScrollTop = 0
  #rows: readonly Row[] = []
  #height = 32
  /** The first visible row, and how much of it is cut off, in px: it keeps its position when lines are added above it. */
  #anchor: { readonly row: Row; readonly cut: number } | undefined

  constructor(onScroll: () => void) {
    this.element = createElement(
      'div',
      { class: 'list', part: 'list', role: 'tree', tabindex: '0', 'aria-label': 'Runs and messages' },
      this.#space,
    )
    this.#space.appendChild(this.#probe)
    this.element.addEventListener('scroll', () => {
      this.#onScroll()
      onScroll()
    })
  }

  /** Resets the list: an element outside the document loses its scroll position. */
  reset(): void {
    this.isFollowing = true
    this.active = undefined
    this.#anchor = undefined
    this.#lastScrollTop = 0
  }

  /** Number of lines that fit into the list. */
  get linesPerPage(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / this.#height))
  }

  /** Whether older records are needed: near the oldest line, or with too few lines to fill the list. */
  get wantsOlder(): boolean {
    return this.#rows.length < this.linesPerPage * 2 || (!this.isFollowing && this.element.scrollTop < LOAD_OLDER_LINES * this.#height)
  }

  rowOf(target: EventTarget | null): Row | undefined {
    for (const [row, { element }] of this.#rowViews) if (target instanceof Node && element.contains(target)) return row
    return undefined
  }

  render(model: LogModel, hasOlder: boolean): void {
    const { rows } = model
    this.#rows = rows
    this.#height = this.#probe.getBoundingClientRect().height || this.#height
    this.#space.style.setProperty('--lines', `${rows.length}`)
    this.#restoreScroll(model)
    const { scrollTop, clientHeight } = this.element
    const from = Math.max(0, Math.floor(scrollTop / this.#height) - OVERSCAN_LINES)
    const shown = rows.slice(from, Math.ceil((scrollTop + clientHeight) / this.#height) + OVERSCAN_LINES)
    this.#draw(shown)
    const size = hasOlder ? -1 : model.topCounts.shown
    for (const [i, row] of shown.entries()) {
      const [isOpen, siblings] = 'run' in row ? [model.isOpen(row), row.parent?.size] : [false, undefined]
      this.#rowViews.get(row)?.update({ index: from + i, isActive: row === this.active, isOpen, size: siblings ?? size })
    }
    const active = this.active && this.#rowViews.get(this.active)
    if (active) this.element.setAttribute('aria-activedescendant', active.element.id)
    else this.element.removeAttribute('aria-activedescendant')
    this.#saveScroll()
  }

  /** Scrolls a row into view. */
  reveal(row: Row, model: LogModel): void {
    const index = model.indexOf(row)
    if (index === -1) return
    const { scrollTop, clientHeight } = this.element
    this.#rows = model.rows
    this.#space.style.setProperty('--lines', `${this.#rows.length}`)
    const top = index * this.#height
    if (top < scrollTop) this.element.scrollTop = top
    else if (top + this.#height > scrollTop + clientHeight) this.element.scrollTop = top + this.#height - clientHeight
    this.#onScroll()
  }

  /** Scrolls to the newest line, or keeps the first visible row where it is. */
  #restoreScroll(model: LogModel): void {
    const { element } = this
    if (this.isFollowing) {
      element.scrollTop = element.scrollHeight
      return
    }
    const index = this.#anchor ? model.indexOf(this.#anchor.row) : -1
    if (!this.#anchor || index === -1) return
    const wanted = index * this.#height + this.#anchor.cut
    if (Math.abs(element.scrollTop - wanted) > 1) element.scrollTop = wanted
  }

  /** Inserts lines in their order; lines that are in the DOM already stay. */
  #draw(rows: readonly Row[]): void {
    const shown = new Set(rows)
    for (const [row, { element }] of this.#rowViews) {
      if (shown.has(row)) continue
      element.remove()
      this.#rowViews.delete(row)
    }
    let at = this.#probe.nextSibling
    for (const row of rows) {
      const view = this.#rowViews.get(row) ?? new RowView(row, `row-${this.#nextId++}`)
      this.#rowViews.set(row, view)
      if (view.element === at) at = at.nextSibling
      else this.#space.insertBefore(view.element, at)
    }
  }

  /** Only scrolling up ends following: a list that becomes smaller is not at its end either. */
  #onScroll(): void {
    const { scrollTop, clientHeight, scrollHeight } = this.element
    if (scrollTop + clientHeight >= scrollHeight - this.#height / 2) this.isFollowing = true
    else if (scrollTop < this.#lastScrollTop - 1) this.isFollowing = false
    this.#saveScroll()
  }

  #saveScroll(): void {
    const { scrollTop } = this.element
    this.#lastScrollTop = scrollTop
    const row = this.#rows[Math.floor(scrollTop / this.#height)]
    this.#anchor = row && { row, cut: scrollTop % this.#height }
  }
}
