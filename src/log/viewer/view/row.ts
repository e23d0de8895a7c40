import { durationText, kindText, runLineFacts, timeText } from '../model/labels.ts'
import { endTimeOf, type MessageRow, type Row, type RunRow, runDuration, runStateOf, topRunOf } from '../model/row.ts'
import { createElement, setAttributes, setText } from './dom.ts'

/** The state of a line that depends on more than its row. */
export interface RowViewState {
  /** Index of the line in the list. */
  readonly index: number
  readonly isActive: boolean
  readonly isOpen: boolean
  /** Number of siblings, including itself; -1 if it is not known yet. */
  readonly size: number
}

/** A line of the list. */
export class RowView {
  readonly element: HTMLElement
  readonly #renderRow: () => void
  readonly #row: Row
  #version = -1

  constructor(row: Row, id: string) {
    this.#row = row
    const { element, render } = 'run' in row ? createRunElement(row) : createMessageElement(row)
    this.element = element
    this.#renderRow = render
    setAttributes(element, { id, role: 'treeitem' })
  }

  update({ index, isActive, isOpen, size }: RowViewState): void {
    const { element } = this
    const row = this.#row
    element.style.setProperty('--index', `${index}`)
    element.style.setProperty('--depth', `${row.depth}`)
    setAttributes(element, { 'aria-level': row.depth + 1, 'aria-posinset': row.position, 'aria-setsize': size, 'aria-selected': isActive })
    element.classList.toggle('context', !row.isMatch)
    if ('run' in row && row.size > 0) setAttributes(element, { 'aria-expanded': isOpen })
    else element.removeAttribute('aria-expanded')
    // Runs below a run change its facts, and its top-level run the scale of its bar.
    const version = 'run' in row ? row.version + topRunOf(row).version : 0
    if (version === this.#version) return
    this.#version = version
    this.#renderRow()
  }
}

/** Maximum length of a text in a line. */
const MAX_ROW_TEXT_CHARACTERS = 1_000

interface RowElement {
  readonly element: HTMLElement
  readonly render: () => void
}

/** Displayed first by CSS, but read last by screen readers. */
const createTimeElement = (): HTMLElement => createElement('span', { class: 'time', part: 'time' })

function createRunElement(row: RunRow): RowElement {
  const time = createTimeElement()
  const kind = createElement('span', { class: 'kind', part: 'kind' })
  const name = createElement('span', { class: 'name', part: 'name', dir: 'auto' })
  const wait = createElement('span', { class: 'wait', part: 'first-token' })
  const bar = createElement('span', { class: 'bar', part: 'bar' }, wait)
  const facts = createElement('span', { class: 'facts' })
  const duration = createElement('span', { class: 'duration' })
  const heading = createElement(
    'span',
    { class: 'heading' },
    createElement('span', { class: 'toggle' }),
    kind,
    createElement('span', { class: 'state' }),
    name,
  )
  const element = createElement(
    'div',
    { class: 'row run', part: 'row run' },
    heading,
    createElement('span', { class: 'lane' }, bar),
    facts,
    duration,
    time,
  )
  const render = (): void => {
    setText(time, row.from === Infinity ? '' : timeText(row.start ?? row.from))
    setText(kind, kindText(row.run.kind))
    setText(name, row.run.name.slice(0, MAX_ROW_TEXT_CHARACTERS))
    setAttributes(name, { title: name.textContent })
    setText(facts, runLineFacts(row).join(' · '))
    setText(duration, durationText(runDuration(row)))
    setAttributes(element, { 'data-kind': row.run.kind, 'data-state': runStateOf(row) })
    element.classList.toggle('parent', row.children.length > 0)
    positionBar(bar, wait, row)
  }
  return { element, render }
}

/** All bars of a tree share one time axis: from its first record to its last. */
function positionBar(bar: HTMLElement, wait: HTMLElement, row: RunRow): void {
  const top = topRunOf(row)
  const whole = Math.max(top.to - top.from, 1)
  const from = row.start ?? row.from
  const to = endTimeOf(row)
  const part = (ms: number, of: number): string => `${Math.min(1, Math.max(0, ms / Math.max(of, 1)))}`
  bar.style.setProperty('--from', part(from - top.from, whole))
  bar.style.setProperty('--length', part(to - from, whole))
  wait.hidden = row.firstTokenAt === undefined
  wait.style.setProperty('--wait', part((row.firstTokenAt ?? from) - from, to - from))
}

function createMessageElement(row: MessageRow): RowElement {
  const { at, level, category, message } = row.record
  const text = message.slice(0, MAX_ROW_TEXT_CHARACTERS)
  const time = createTimeElement()
  const element = createElement(
    'div',
    { class: 'row message', part: 'row message', 'data-level': level },
    createElement('span', { class: 'level', part: 'level' }, level),
    createElement('span', { class: 'category' }, category.join('.')),
    createElement('span', { class: 'text', dir: 'auto', title: text }, text),
    time,
  )
  return { element, render: () => setText(time, timeText(at)) }
}
