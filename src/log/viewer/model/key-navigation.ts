import type { LogModel } from './log-model.ts'
import type { Row } from './row.ts'

/** What a key does in the list: the line it goes to; undefined where it has no meaning. `page`: how many lines fit. */
export function rowForKey(key: string, model: LogModel, active: Row | undefined, page: number): Row | undefined {
  const { rows } = model
  if (!active || model.indexOf(active) === -1)
    return /^(Arrow|Home|End|Page)/.test(key) ? rows[key === 'Home' ? 0 : rows.length - 1] : undefined
  const by = (lines: number): Row | undefined => rows[Math.min(rows.length - 1, Math.max(0, model.indexOf(active) + lines))]
  switch (key) {
    case 'ArrowDown':
      return by(1)
    case 'ArrowUp':
      return by(-1)
    case 'PageDown':
      return by(page)
    case 'PageUp':
      return by(-page)
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

/** Opens a run; one that is open already is gone into. */
function expandRow(model: LogModel, row: Row): Row {
  if (!('run' in row) || row.size === 0) return row
  if (model.isOpen(row)) return model.rows[model.indexOf(row) + 1] ?? row
  model.toggle(row)
  return row
}

/** Closes a run; from one that is closed already, what is above it. */
function collapseRow(model: LogModel, row: Row): Row {
  if (!('run' in row)) return row
  if (row.size === 0 || !model.isOpen(row)) return row.parent ?? row
  model.toggle(row)
  return row
}
