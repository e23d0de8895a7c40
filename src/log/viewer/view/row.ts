import { durationText, factsOf, kindText, timeText } from '../labels.ts'
import { durationOf, type MessageRow, type Row, type RunRow, stateOf, topOf, untilOf } from '../model/row.ts'
import { make, mark, write } from './dom.ts'

/** What a line shows that is not of its row alone. */
export interface Look {
  /** Where the line is in the list. */
  readonly index: number
  readonly isActive: boolean
  readonly isOpen: boolean
  /** How many there are beside it; -1 where that is not known yet. */
  readonly size: number
}

/** A line of the list. */
export class RowView {
  readonly element: HTMLElement
  readonly #show: () => void
  readonly #row: Row
  #version = -1

  constructor(row: Row, id: string) {
    this.#row = row
    const { element, show } = 'run' in row ? runLine(row) : messageLine(row)
    this.element = element
    this.#show = show
    mark(element, { id, role: 'treeitem' })
  }

  update({ index, isActive, isOpen, size }: Look): void {
    const { element } = this
    const row = this.#row
    element.style.setProperty('--index', `${index}`)
    element.style.setProperty('--depth', `${row.depth}`)
    mark(element, { 'aria-level': row.depth + 1, 'aria-posinset': row.position, 'aria-setsize': size, 'aria-selected': isActive })
    element.classList.toggle('beside', !row.isMatch)
    if ('run' in row && row.size > 0) mark(element, { 'aria-expanded': isOpen })
    else element.removeAttribute('aria-expanded')
    // What lies below a run changes what shows of it, and its top the scale of its bar.
    const version = 'run' in row ? row.version + topOf(row).version : 0
    if (version === this.#version) return
    this.#version = version
    this.#show()
  }
}

/** Characters of a text in a line. */
const LONG = 1_000

interface Line {
  readonly element: HTMLElement
  readonly show: () => void
}

/** Stands first, and is read out last. */
const timeOf = (): HTMLElement => make('span', { class: 'time', part: 'time' })

function runLine(row: RunRow): Line {
  const time = timeOf()
  const kind = make('span', { class: 'kind', part: 'kind' })
  const name = make('span', { class: 'name', part: 'name', dir: 'auto' })
  const wait = make('span', { class: 'wait', part: 'first-token' })
  const bar = make('span', { class: 'bar', part: 'bar' }, wait)
  const facts = make('span', { class: 'facts' })
  const took = make('span', { class: 'took' })
  const who = make('span', { class: 'who' }, make('span', { class: 'twist' }), kind, make('span', { class: 'state' }), name)
  const element = make('div', { class: 'row run', part: 'row run' }, who, make('span', { class: 'lane' }, bar), facts, took, time)
  const show = (): void => {
    write(time, row.from === Infinity ? '' : timeText(row.start ?? row.from))
    write(kind, kindText(row.run.kind))
    write(name, row.run.name.slice(0, LONG))
    mark(name, { title: name.textContent })
    write(facts, factsOf(row).join(' · '))
    write(took, durationText(durationOf(row)))
    mark(element, { 'data-kind': row.run.kind, 'data-state': stateOf(row) })
    element.classList.toggle('holds', row.children.length > 0)
    place(bar, wait, row)
  }
  return { element, show }
}

/** All bars of a tree lie on one line of time: from where its first record is to where its last one is. */
function place(bar: HTMLElement, wait: HTMLElement, row: RunRow): void {
  const top = topOf(row)
  const whole = Math.max(top.to - top.from, 1)
  const from = row.start ?? row.from
  const to = untilOf(row)
  const part = (ms: number, of: number): string => `${Math.min(1, Math.max(0, ms / Math.max(of, 1)))}`
  bar.style.setProperty('--from', part(from - top.from, whole))
  bar.style.setProperty('--long', part(to - from, whole))
  wait.hidden = row.first === undefined
  wait.style.setProperty('--wait', part((row.first ?? from) - from, to - from))
}

function messageLine(row: MessageRow): Line {
  const { at, level, category, message } = row.record
  const text = message.slice(0, LONG)
  const time = timeOf()
  const element = make(
    'div',
    { class: 'row message', part: 'row message', 'data-level': level },
    make('span', { class: 'level', part: 'level' }, level),
    make('span', { class: 'category' }, category.join('.')),
    make('span', { class: 'said', dir: 'auto', title: text }, text),
    time,
  )
  return { element, show: () => write(time, timeText(at)) }
}
