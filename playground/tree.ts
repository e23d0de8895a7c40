import type { RunEvent } from 'chaintap'
import { Row } from './row.ts'

/** The runs of one question as nested lists, built from their events. */
export class RunTree {
  readonly #list: HTMLElement
  readonly #rows = new Map<string, { readonly row: Row; readonly depth: number; readonly from: number }>()
  #beganAt = 0

  constructor(list: HTMLElement) {
    this.#list = list
  }

  clear(): void {
    this.#rows.clear()
    this.#list.replaceChildren()
  }

  show(event: RunEvent): void {
    const { run, at, type } = event
    if (this.#rows.size === 0) this.#beganAt = at
    const now = at - this.#beganAt
    // The bars are laid out by CSS against the time that has passed, so a token moves them all at the cost of one.
    this.#list.style.setProperty('--now', `${Math.max(now, 1)}`)
    if (type === 'start') this.#add(event, now)
    const { row, from } = this.#rows.get(run.id) ?? {}
    row?.hear(event)
    if (from !== undefined && (type === 'end' || type === 'error')) row?.span(from, now)
  }

  /** Marks what was going on when the page stopped listening. */
  leave(): void {
    for (const { row } of this.#rows.values()) if (row.isOpen) row.leave()
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
