import { rowForKey } from './model/key-navigation.ts'
import type { LogModel } from './model/log-model.ts'
import type { Row } from './model/row.ts'
import type { ListView } from './view/list.ts'

/** What keys and clicks use of the viewer. */
export interface ViewerControls {
  readonly model: LogModel
  readonly list: ListView
  readonly toolbar: { readonly search: HTMLInputElement }
  /** Requests a render. */
  changed(): void
  /** Makes a row the active line. */
  activate(row: Row): void
  /** Shows the details of a row. */
  select(row: Row, isFocused?: boolean): void
  /** Closes the details; returns `false` if none were open. */
  close(): boolean
  /** Expands or collapses all runs. */
  setAllOpen(isOpen: boolean): void
}

/** Binds the keyboard shortcuts of the viewer. */
export function bindKeyboard(root: ShadowRoot, viewer: ViewerControls): void {
  root.addEventListener('keydown', (event) => {
    if (!(event instanceof KeyboardEvent) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    const { target, key } = event
    const isField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement
    if (key === '/' && !isField) viewer.toolbar.search.focus()
    else if (key === 'Escape' ? !leaveFocused(viewer, target) : target !== viewer.list.element || !handleListKey(viewer, key)) return
    event.preventDefault()
  })
}

/** Handles Escape: clears the search, then leaves it; elsewhere closes the details. Returns whether the key was used. */
function leaveFocused(viewer: ViewerControls, target: EventTarget | null): boolean {
  const { search } = viewer.toolbar
  if (target !== search) return viewer.close()
  if (search.value === '') viewer.list.element.focus()
  else {
    search.value = ''
    search.dispatchEvent(new Event('input'))
  }
  return true
}

/** Handles a key while the list has the focus. Returns whether the key was used. */
function handleListKey(viewer: ViewerControls, key: string): boolean {
  const { model, list } = viewer
  const isRightToLeft = getComputedStyle(list.element).direction === 'rtl'
  const expandKey = isRightToLeft ? 'ArrowLeft' : 'ArrowRight'
  const logicalKey = key === 'ArrowLeft' || key === 'ArrowRight' ? (key === expandKey ? 'ArrowRight' : 'ArrowLeft') : key
  if (key === '*') viewer.setAllOpen(true)
  else if ((key === 'Enter' || key === ' ') && list.active) {
    viewer.select(list.active, true)
  } else {
    const row = rowForKey(logicalKey, model, list.active, list.linesPerPage)
    if (row) viewer.activate(row)
    return row !== undefined
  }
  return true
}

/** Binds clicks: on the marker of a run, they expand or collapse it; elsewhere on a line, they show its details. */
export function bindPointer(viewer: ViewerControls): void {
  const { list } = viewer
  list.element.addEventListener('click', ({ target }) => {
    const row = list.rowOf(target)
    if (!row) return
    const isMarker = target instanceof Element && target.classList.contains('toggle')
    if (!isMarker || !('run' in row)) return viewer.select(row)
    list.active = row
    viewer.model.toggle(row)
    viewer.changed()
  })
}
