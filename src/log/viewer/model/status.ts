import type { LogFeed } from './feed.ts'
import { isFilterActive } from './filter.ts'
import { plural } from './labels.ts'
import type { LogModel } from './log-model.ts'

const NO_STORE_TEXT = 'No log is attached. Set one: element.store = store'
const NO_RECORDS_TEXT =
  "This log is empty. Pass callbacks: [logHandler(store)] to a chain, or write a message: store.logger('app').info('ready')"

/** The status that the viewer displays. */
export interface ViewerStatus {
  /** `reading`, `live` or `closed`; empty without a log. */
  readonly state: string
  /** Number of lines and records. */
  readonly counts: string
  /** Why no line is displayed, and what to do; empty if there is one. */
  readonly emptyText: string
  readonly isFiltered: boolean
}

export function createViewerStatus(model: LogModel, feed: LogFeed | undefined, isSearching: boolean): ViewerStatus {
  const isReading = isSearching || feed?.isReading === true
  const isFiltered = isFilterActive(model.filter)
  return {
    state: feed ? (isReading ? 'reading' : feed.state === 'closed' ? 'closed' : 'live') : '',
    counts: countsText(model, feed, isFiltered),
    emptyText: model.rows.length > 0 ? '' : feed ? emptyReasonText(model, isReading) : NO_STORE_TEXT,
    isFiltered,
  }
}

function countsText({ records, topCounts }: LogModel, feed: LogFeed | undefined, isFiltered: boolean): string {
  if (records === 0) return ''
  const shown = isFiltered ? [`${topCounts.shown.toLocaleString()} of ${plural(topCounts.all, 'line')}`] : []
  return [...shown, plural(records, 'record'), ...(feed?.hasOlder ? ['scroll up for older ones'] : [])].join(' · ')
}

function emptyReasonText({ records }: LogModel, isReading: boolean): string {
  if (isReading) return 'Reading …'
  return records === 0 ? NO_RECORDS_TEXT : 'No lines match the filters.'
}
