import type { RunEvent } from '../../../core/event.ts'
import { stringify } from '../../../core/json/stringify.ts'
import type { LogStore } from '../../store.ts'
import { type DetailsSection, describeRow, descriptionToText, type RowDescription, type ViewerPrices } from '../model/describe-row.ts'
import { kindText } from '../model/labels.ts'
import { endTimeOf, type Row, runStateOf } from '../model/row.ts'
import { RunEvents } from '../model/run-events.ts'
import { createTokenChart, tokenHistogram } from './chart.ts'
import { createButton, createElement, setAttributes } from './dom.ts'
import { detailsCss } from './style-details.ts'

/** Receives what happens in the details. */
export interface DetailsListener {
  closed(): void
  changed(): void
  failed(error: unknown): void
  /** Announces a text to screen readers. */
  announce(text: string): void
}

/** Displays the details of one row. Loaded when details are first opened. */
export class DetailsView {
  readonly element: HTMLElement
  row: Row | undefined
  readonly #listener: DetailsListener
  readonly #title = createElement('h2', { class: 'title' })
  readonly #figures = createElement('dl', { class: 'figures' })
  readonly #chart = createElement('div')
  readonly #sections = createElement('div', { class: 'sections' })
  readonly #body = createElement(
    'div',
    { class: 'body', tabindex: '0', role: 'group', 'aria-label': 'Content' },
    this.#figures,
    this.#chart,
    this.#sections,
  )
  /** Titles of the sections that the user has collapsed. */
  readonly #collapsedTitles = new Set<string>()
  #runEvents: RunEvents | undefined
  #prices: ViewerPrices | undefined
  #version = -1
  /** The text node to which tokens of a running model are appended. */
  #growingText: Text | undefined
  #isStale = true

  constructor(root: ShadowRoot, listener: DetailsListener) {
    const style = new CSSStyleSheet()
    style.replaceSync(detailsCss)
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, style]
    this.#listener = listener
    const copies = [
      createButton(() => void this.#copy(false), { class: 'button' }, 'Copy text'),
      createButton(() => void this.#copy(true), { class: 'button' }, 'Copy JSON'),
      createButton(() => listener.closed(), { class: 'button', 'aria-label': 'Close details' }, '✕'),
    ]
    const head = createElement('div', { class: 'head' }, this.#title, createElement('div', { class: 'copies' }, ...copies))
    this.element = createElement('section', { class: 'details', part: 'details', 'aria-label': 'Details' }, head, this.#body)
    this.element.hidden = true
  }

  focus(): void {
    this.#body.focus()
  }

  /** Displays a row; hides the details without one. */
  show(row: Row | undefined, store: LogStore | undefined, prices: ViewerPrices | undefined): void {
    this.#prices = prices
    this.#runEvents?.stop()
    this.#runEvents = undefined
    this.row = row
    this.#isStale = true
    this.#body.scrollTop = 0
    this.element.hidden = row === undefined
    if (row && store && 'run' in row) void this.#loadEvents(new RunEvents(store, row))
    this.#listener.changed()
  }

  async #loadEvents(runEvents: RunEvents): Promise<void> {
    this.#runEvents = runEvents
    try {
      await runEvents.load()
    } catch (error) {
      if (runEvents === this.#runEvents) this.#listener.failed(error)
    }
    if (runEvents !== this.#runEvents) return
    this.#isStale = true
    this.#listener.changed()
  }

  /** Adds an event that was written just now. */
  addEvent(event: RunEvent): void {
    if (!this.#runEvents?.add(event) || event.run.id !== this.row?.id) return
    // Appends to the text node: rendering everything again would cost more with each token.
    if (event.type === 'token' && this.#growingText) this.#growingText.appendData(event.token)
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
      ...description.figures.map(([name, value]) =>
        createElement('div', {}, createElement('dt', {}, name), createElement('dd', {}, value)),
      ),
    )
    this.#renderTitle(row)
    this.#renderChart(row)
    if (!this.#isStale) return
    this.#isStale = false
    this.#growingText = undefined
    this.#sections.replaceChildren(...description.sections.map((section) => this.#createSection(section)))
  }

  #describe(row: Row): RowDescription {
    return describeRow(row, this.#runEvents?.ownEvents ?? [], this.#prices)
  }

  #renderTitle(row: Row): void {
    if (!('run' in row)) {
      this.#title.replaceChildren(
        createElement('span', { class: 'level', 'data-level': row.level }, row.level),
        row.record.category.join('.'),
      )
      return
    }
    this.#title.replaceChildren(
      createElement('span', { class: 'kind' }, kindText(row.run.kind)),
      createElement('span', { class: 'name', dir: 'auto' }, row.run.name),
    )
    setAttributes(this.element, { 'data-kind': row.run.kind, 'data-state': runStateOf(row) })
  }

  #renderChart(row: Row): void {
    const heights = 'run' in row ? tokenHistogram(this.#runEvents?.ownEvents ?? [], row.start ?? row.from, endTimeOf(row)) : []
    this.#chart.replaceChildren(...(heights.length > 0 ? [createTokenChart(heights)] : []))
  }

  #createSection({ title, blocks, variant }: DetailsSection): HTMLElement {
    const texts = blocks.map(({ label, text }) => {
      const content = new Text(text)
      if (variant === 'growing') this.#growingText = content
      const pre = createElement('pre', { dir: 'auto' }, content)
      return label === undefined ? pre : createElement('div', {}, createElement('span', { class: 'label' }, label), pre)
    })
    const section = createElement(
      'details',
      { class: `section ${variant ?? ''}` },
      createElement('summary', { dir: 'auto' }, title),
      ...texts,
    )
    section.open = !this.#collapsedTitles.has(title)
    section.addEventListener('toggle', () => {
      if (section.open) this.#collapsedTitles.delete(title)
      else this.#collapsedTitles.add(title)
    })
    return section
  }

  async #copy(isJson: boolean): Promise<void> {
    const { row } = this
    if (!row) return
    const value = 'run' in row ? this.#runEvents?.events : row.record
    const text = isJson ? JSON.stringify(JSON.parse(stringify(value)), undefined, 2) : descriptionToText(row, this.#describe(row))
    try {
      await navigator.clipboard.writeText(text)
      this.#listener.announce('Copied.')
    } catch {
      this.#listener.announce('The browser did not allow copying: it requires HTTPS and a focused page. Select the text instead.')
    }
  }
}
