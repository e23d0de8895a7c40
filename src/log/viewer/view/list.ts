import type { LogModel } from '../model/log-model.ts'
import type { Row } from '../model/row.ts'
import { createElement } from './dom.ts'
import { RowView } from './row.ts'

/** Lines that are drawn above and below those that can be seen. */
const OVERSCAN_LINES = 8
/** So many lines from the oldest, older records are wanted. */
const LOAD_OLDER_LINES = 20

/** The lines of a log. Only those that can be seen, and a few beside them, are in the page. */
export class ListView {
  readonly element: HTMLElement
  /** Scrolls along with what comes. */
  isFollowing = true
  /** The line that keys go to. */
  active: Row | undefined
  readonly #space = createElement('div', { class: 'space', role: 'none' })
  readonly #probe = createElement('div', { class: 'probe', role: 'none' })
  readonly #rowViews = new Map<Row, RowView>()
  #nextId = 0
  /** Where it was scrolled to. */
  #lastScrollTop = 0
  #rows: readonly Row[] = []
  #height = 32
  /** What stood at the upper edge, and how far it was cut: it stays there when lines come above it. */
  #anchor: { readonly row: Row; readonly cut: number } | undefined

  constructor(scrolled: () => void) {
    this.element = createElement(
      'div',
      { class: 'list', part: 'list', role: 'tree', tabindex: '0', 'aria-label': 'Runs and messages' },
      this.#space,
    )
    this.#space.appendChild(this.#probe)
    this.element.addEventListener('scroll', () => {
      this.#onScroll()
      scrolled()
    })
  }

  /** Begins anew: out of the page it has lost its place. */
  reset(): void {
    this.isFollowing = true
    this.active = undefined
    this.#anchor = undefined
    this.#lastScrollTop = 0
  }

  /** How many lines fit. */
  get linesPerPage(): number {
    return Math.max(1, Math.floor(this.element.clientHeight / this.#height))
  }

  /** Near the oldest line, or with too few lines to fill the list. */
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
      const [isOpen, beside] = 'run' in row ? [model.isOpen(row), row.parent?.size] : [false, undefined]
      this.#rowViews.get(row)?.update({ index: from + i, isActive: row === this.active, isOpen, size: beside ?? size })
    }
    const active = this.active && this.#rowViews.get(this.active)
    if (active) this.element.setAttribute('aria-activedescendant', active.element.id)
    else this.element.removeAttribute('aria-activedescendant')
    this.#saveScroll()
  }

  /** Scrolls until a line can be seen. */
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

  /** Keeps what is seen where it is, or the newest in sight. */
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

  /** Puts the lines in, in their order; what is there already stays. */
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

  /** The list follows until somebody scrolls up: when it only gets smaller it is not at its end, either. */
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
