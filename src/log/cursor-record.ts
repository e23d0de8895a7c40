import type { LogRecord, StoredRecord } from './record.ts'

/** The first part of the category of cursor records; the name of the delivery and the cursor follow. */
export const CURSOR_CATEGORY = 'chaintap.shipped'

/** Whether a record only stores how far the log has been delivered. */
export const isCursorRecord = (record: LogRecord | StoredRecord): boolean =>
  'category' in record && [record.category].flat()[0] === CURSOR_CATEGORY
