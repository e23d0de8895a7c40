import { plural } from '../labels.ts'
import type { Feed } from './feed.ts'
import { isActive } from './filter.ts'
import type { LogModel } from './log-model.ts'

const noStore = 'No log is attached yet. Give the element one: element.store = log.store'
const noRecords =
  "Nothing is in this log yet. Give a chain a handler that writes to it, callbacks: [logHandler(store)], or say something yourself: store.logger('app').info('ready')"

/** What the viewer says of itself. */
export interface Status {
  /** `reading`, `live`, `closed`; empty without a log. */
  readonly state: string
  readonly counts: string
  /** Why there is no line, and what to do; empty where there is one. */
  readonly nothing: string
  readonly isFiltered: boolean
}

export function statusOf(model: LogModel, feed: Feed | undefined, isSearching: boolean): Status {
  const isReading = isSearching || feed?.isReading === true
  const isFiltered = isActive(model.filter)
  return {
    state: feed ? (isReading ? 'reading' : feed.state === 'over' ? 'closed' : 'live') : '',
    counts: countsOf(model, feed, isFiltered),
    nothing: model.rows.length > 0 ? '' : feed ? reasonOf(model, isReading) : noStore,
    isFiltered,
  }
}

function countsOf({ records, tops }: LogModel, feed: Feed | undefined, isFiltered: boolean): string {
  if (records === 0) return ''
  const shown = isFiltered ? [`${tops.shown.toLocaleString()} of ${plural(tops.all, 'line')}`] : []
  return [...shown, plural(records, 'record'), ...(feed?.hasOlder ? ['older ones when you scroll up'] : [])].join(' · ')
}

function reasonOf({ records }: LogModel, isReading: boolean): string {
  if (isReading) return 'Reading …'
  return records === 0 ? noRecords : 'Nothing matches the filters.'
}
