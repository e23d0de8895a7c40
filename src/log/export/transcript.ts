import { type Painter, paintAnsi, paintPlain, type StyledText, type TextStyle } from '../../console/paint.ts'
import { TranscriptFormatter } from '../../console/transcript.ts'
import { stringify } from '../../core/json/stringify.ts'
import { isCursorRecord } from '../cursor-record.ts'
import type { LogLevel } from '../level.ts'
import type { StoredMessage } from '../record.ts'
import { createErrorDeduplicator } from './error-deduplicator.ts'
import type { ExportSource, LogFormatter } from './formatter.ts'

/** Formats the log as plain text. */
export const asText: LogFormatter = (source) => formatTranscript(source, paintPlain)
/** Formats the log as text with ANSI colours. */
export const asAnsi: LogFormatter = (source) => formatTranscript(source, paintAnsi)

async function* formatTranscript({ read, countRecord, tokens }: ExportSource, paint: Painter): AsyncGenerator<string, void> {
  const formatter = new TranscriptFormatter({ tokens })
  const deduplicateError = createErrorDeduplicator()
  for await (const record of read()) {
    countRecord()
    const segments =
      'event' in record ? formatter.format(deduplicateError(record.event)) : isCursorRecord(record) ? undefined : messageSegments(record)
    if (segments) yield `${paint(segments).join('')}\n`
  }
}

const LEVEL_STYLES: Readonly<Partial<Record<LogLevel, TextStyle>>> = { info: 'bold', warning: 'yellow', error: 'red', fatal: 'red' }

/** A free record in the format of loguru, the logger in LangChain's documentation. Times are UTC. */
export function messageSegments({ at, level, category, message, properties }: StoredMessage): readonly StyledText[] {
  const { value: _value, ...rest } = properties
  const style = LEVEL_STYLES[level] ?? 'dim'
  const extra = Object.keys(rest).length === 0 ? '' : ` ${stringify(rest, { limit: 4_096 })}`
  return [
    { text: formatTimestamp(at), style: 'dim' },
    { text: ' | ' },
    { text: level.toUpperCase().padEnd(8), style },
    { text: ` | ${category.join('.')} - ` },
    { text: message, style },
    { text: extra, style: 'dim' },
  ]
}

/** `2026-11-21 16:20:00.000Z`; a value out of range is returned as a number. */
export function formatTimestamp(at: number): string {
  // Out of this range, toISOString() throws (ECMA-262 §21.4.1.1).
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString().replace('T', ' ') : `${at}`
}
