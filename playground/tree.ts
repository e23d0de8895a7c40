import type { RunEvent } from 'chaintap'
import { Row } from './row.ts'

/** The runs of one question as nested lists, built from their events. */
export class RunTree {
  readonly #list: HTMLElement
  readonly #rows = new Map<string, { readonly row: Row; readonly depth: number; readonly from: number }>()
  #beganAt = 0
  /** In ms from then: a run that is resumed has begun before it was called for. */
  #earliest = 0
  #latest = 1

  constructor(list: HTMLElement) {
    this.#list = list
  }

  clear(): void {
    this.#rows.clear()
    this.#earliest = 0
    this.#latest = 1
    this.#list.replaceChildren()
  }

  show(event: RunEvent): void {
    const { run, at, type } = event
    if (this.#rows.size === 0) this.#beganAt = at
    const now = at - this.#beganAt
    this.#earliest = Math.min(this.#earliest, now)
    this.#latest = Math.max(this.#latest, now)
    // The bars are laid out by CSS against the time that has passed, so a token moves them all at the cost of one.
    this.#list.style.setProperty('--began', `${this.#earliest}`)
    this.#list.style.setProperty('--now', `${this.#latest}`)
    if (type === 'start') this.#add(event, now)
    const { row, from } = this.#rows.get(run.id) ?? {}
    row?.hear(event)
    if (from !== undefined && (type === 'end' || type === 'error')) row?.span(from, now)
  }

  #add({ run, at }: RunEvent, from: number): void {
    const parent = run.parentId === undefined ? undefined : this.#rows.get(run.parentId)
    const depth = parent ? parent.depth + 1 : 0
    const row = new Row(run, at, depth)
    row.span(from)
    this.#rows.set(run.id, { row, depth, from })
    const list = parent?.row.children ?? this.#list
    list.appendChild(row.element)
  }
}
