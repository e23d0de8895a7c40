import type { RunEvent } from 'chaintap'
import { Row } from './row.ts'

/** Shows the runs of one question as nested lists, built from their events. */
export class RunTree {
  readonly #list: HTMLElement
  readonly #rows = new Map<string, { readonly row: Row; readonly depth: number; readonly from: number }>()
  #beganAt = 0
  /** In ms since `#beganAt`. Negative for a resumed run, which began before this page. */
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
    // CSS lays the bars out relative to the elapsed time, so one style change per token moves them all.
    this.#list.style.setProperty('--began', `${this.#earliest}`)
    this.#list.style.setProperty('--now', `${this.#latest}`)
    if (type === 'start') this.#add(event, now)
    const { row, from } = this.#rows.get(run.id) ?? {}
    row?.apply(event)
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
