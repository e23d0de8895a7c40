import type { LogModel } from './log-model.ts'
import type { Row } from './row.ts'

/** Returns the row that a key moves to, after expanding or collapsing; `undefined` for other keys. `page`: the number of visible lines. */
export function rowForKey(key: string, model: LogModel, active: Row | undefined, page: number): Row | undefined {
  const { rows } = model
  if (!active || model.indexOf(active) === -1)
    return /^(Arrow|Home|End|Page)/.test(key) ? rows[key === 'Home' ? 0 : rows.length - 1] : undefined
  const move = (lines: number): Row | undefined => rows[Math.min(rows.length - 1, Math.max(0, model.indexOf(active) + lines))]
  switch (key) {
    case 'ArrowDown':
      return move(1)
    case 'ArrowUp':
      return move(-1)
    case 'PageDown':
      return move(page)
    case 'PageUp':
      return move(-page)
    case 'Home':
      return rows[0]
    case 'End':
      return rows.at(-1)
    case 'ArrowRight':
      return expandRow(model, active)
    case 'ArrowLeft':
      return collapseRow(model, active)
    default:
      return undefined
  }
}

/** Expands a run; for an expanded run returns its first child. */
function expandRow(model: LogModel, row: Row): Row {
  if (!('run' in row) || row.size === 0) return row
  if (model.isOpen(row)) return model.rows[model.indexOf(row) + 1] ?? row
  model.toggle(row)
  return row
}

/** Collapses a run; for a collapsed run returns its parent. */
function collapseRow(model: LogModel, row: Row): Row {
  if (!('run' in row)) return row
  if (row.size === 0 || !model.isOpen(row)) return row.parent ?? row
  model.toggle(row)
  return row
}
