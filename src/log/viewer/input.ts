import { rowForKey } from './model/key-navigation.ts'
import type { Viewer } from './viewer.ts'

/** What keys do. */
export function bindKeyboard(root: ShadowRoot, viewer: Viewer): void {
  root.addEventListener('keydown', (event) => {
    if (!(event instanceof KeyboardEvent) || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return
    const { target, key } = event
    const isField = target instanceof HTMLInputElement || target instanceof HTMLSelectElement
    if (key === '/' && !isField) viewer.toolbar.search.focus()
    else if (key === 'Escape' ? !leaveFocused(viewer, target) : target !== viewer.list.element || !handleListKey(viewer, key)) return
    event.preventDefault()
  })
}

/** Leaves what the focus is in: first a search for something, then the details. Gives whether there was anything to leave. */
function leaveFocused(viewer: Viewer, target: EventTarget | null): boolean {
  const { search } = viewer.toolbar
  if (target !== search) return viewer.close()
  if (search.value === '') viewer.list.element.focus()
  else {
    search.value = ''
    search.dispatchEvent(new Event('input'))
  }
  return true
}

/** Gives whether the key has a meaning in the list. */
function handleListKey(viewer: Viewer, key: string): boolean {
  const { model, list } = viewer
  const isRight = getComputedStyle(list.element).direction === 'rtl'
  const inward = isRight ? 'ArrowLeft' : 'ArrowRight'
  const side = key === 'ArrowLeft' || key === 'ArrowRight' ? (key === inward ? 'ArrowRight' : 'ArrowLeft') : key
  if (key === '*') viewer.setAllOpen(true)
  else if ((key === 'Enter' || key === ' ') && list.active) {
    viewer.select(list.active, true)
  } else {
    const row = rowForKey(side, model, list.active, list.linesPerPage)
    if (row) viewer.activate(row)
    return row !== undefined
  }
  return true
}

/** What a click does: on the mark of a run it opens and closes it, elsewhere it shows the details. */
export function bindPointer(viewer: Viewer): void {
  const { list } = viewer
  list.element.addEventListener('click', ({ target }) => {
    const row = list.rowOf(target)
    if (!row) return
    const isMark = target instanceof Element && target.classList.contains('twist')
    if (!isMark || !('run' in row)) return viewer.select(row)
    list.active = row
    viewer.model.toggle(row)
    viewer.changed()
  })
}
