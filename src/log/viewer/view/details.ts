import type { RunEvent } from '../../../core/event.ts'
import { stringify } from '../../../core/json/stringify.ts'
import type { LogStore } from '../../store.ts'
import { kindText } from '../labels.ts'
import { type Description, describe, type Section, textOf, type ViewerPrices } from '../model/describe-row.ts'
import { type Row, stateOf, untilOf } from '../model/row.ts'
import { Story } from '../model/run-events.ts'
import { chart, paceOf } from './chart.ts'
import { button, make, mark } from './dom.ts'
import { detailsCss } from './style-details.ts'

/** What the details tell those around them. */
export interface DetailsListener {
  closed(): void
  changed(): void
  failed(error: unknown): void
  /** Something was done, to be said in words. */
  said(words: string): void
}

/** All that is known of one row. Loaded when somebody first asks for details. */
export class DetailsView {
  readonly element: HTMLElement
  row: Row | undefined
  readonly #listener: DetailsListener
  readonly #title = make('h2', { class: 'title' })
  readonly #figures = make('dl', { class: 'figures' })
  readonly #pace = make('div')
  readonly #sections = make('div', { class: 'sections' })
  readonly #body = make(
    'div',
    { class: 'body', tabindex: '0', role: 'group', 'aria-label': 'Content' },
    this.#figures,
    this.#pace,
    this.#sections,
  )
  /** Titles of sections that somebody has closed. */
  readonly #closed = new Set<string>()
  #story: Story | undefined
  #prices: ViewerPrices | undefined
  #version = -1
  /** Where the text of a running model goes on. */
  #live: Text | undefined
  #isStale = true

  constructor(root: ShadowRoot, listener: DetailsListener) {
    const style = new CSSStyleSheet()
    style.replaceSync(detailsCss)
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, style]
    this.#listener = listener
    const copies = [
      button(() => void this.#copy(false), { class: 'button' }, 'Copy text'),
      button(() => void this.#copy(true), { class: 'button' }, 'Copy JSON'),
      button(() => listener.closed(), { class: 'button', 'aria-label': 'Close details' }, '✕'),
    ]
    const head = make('div', { class: 'head' }, this.#title, make('div', { class: 'copies' }, ...copies))
    this.element = make('section', { class: 'details', part: 'details', 'aria-label': 'Details' }, head, this.#body)
    this.element.hidden = true
  }

  focus(): void {
    this.#body.focus()
  }

  /** Shows a row; without one, nothing. */
  show(row: Row | undefined, store: LogStore | undefined, prices: ViewerPrices | undefined): void {
    this.#prices = prices
    this.#story?.stop()
    this.#story = undefined
    this.row = row
    this.#isStale = true
    this.#body.scrollTop = 0
    this.element.hidden = row === undefined
    if (row && store && 'run' in row) void this.#read(new Story(store, row))
    this.#listener.changed()
  }

  async #read(story: Story): Promise<void> {
    this.#story = story
    try {
      await story.read()
    } catch (error) {
      if (story === this.#story) this.#listener.failed(error)
    }
    if (story !== this.#story) return
    this.#isStale = true
    this.#listener.changed()
  }

  /** An event that has come just now. */
  hear(event: RunEvent): void {
    if (!this.#story?.hear(event) || event.run.id !== this.row?.id) return
    // A text grows where it is: making all anew for each token would cost more with each.
    if (event.type === 'token' && this.#live) this.#live.appendData(event.token)
    else this.#isStale = true
  }

  render(): void {
    const { row } = this
    if (!row) return
    const version = 'run' in row ? row.version : 0
    if (!this.#isStale && version === this.#version) return
    this.#version = version
    const description = this.#describe(row)
    this.#figures.replaceChildren(
      ...description.figures.map(([name, value]) => make('div', {}, make('dt', {}, name), make('dd', {}, value))),
    )
    this.#renderTitle(row)
    this.#renderPace(row)
    if (!this.#isStale) return
    this.#isStale = false
    this.#live = undefined
    this.#sections.replaceChildren(...description.sections.map((section) => this.#section(section)))
  }

  #describe(row: Row): Description {
    return describe(row, this.#story?.own ?? [], this.#prices)
  }

  #renderTitle(row: Row): void {
    if (!('run' in row)) {
      this.#title.replaceChildren(make('span', { class: 'level', 'data-level': row.level }, row.level), row.record.category.join('.'))
      return
    }
    this.#title.replaceChildren(
      make('span', { class: 'kind' }, kindText(row.run.kind)),
      make('span', { class: 'name', dir: 'auto' }, row.run.name),
    )
    mark(this.element, { 'data-kind': row.run.kind, 'data-state': stateOf(row) })
  }

  #renderPace(row: Row): void {
    const heights = 'run' in row ? paceOf(this.#story?.own ?? [], row.start ?? row.from, untilOf(row)) : []
    this.#pace.replaceChildren(...(heights.length > 0 ? [chart(heights)] : []))
  }

  #section({ title, blocks, sort }: Section): HTMLElement {
    const texts = blocks.map(({ label, text }) => {
      const content = new Text(text)
      if (sort === 'growing') this.#live = content
      const pre = make('pre', { dir: 'auto' }, content)
      return label === undefined ? pre : make('div', {}, make('span', { class: 'label' }, label), pre)
    })
    const section = make('details', { class: `section ${sort ?? ''}` }, make('summary', { dir: 'auto' }, title), ...texts)
    section.open = !this.#closed.has(title)
    section.addEventListener('toggle', () => {
      if (section.open) this.#closed.delete(title)
      else this.#closed.add(title)
    })
    return section
  }

  async #copy(isJson: boolean): Promise<void> {
    const { row } = this
    if (!row) return
    const value = 'run' in row ? this.#story?.events : row.record
    const text = isJson ? JSON.stringify(JSON.parse(stringify(value)), undefined, 2) : textOf(row, this.#describe(row))
    try {
      await navigator.clipboard.writeText(text)
      this.#listener.said('Copied.')
    } catch {
      this.#listener.said('The browser did not allow copying: it needs a page served over HTTPS, in front. Select the text instead.')
    }
  }
}
