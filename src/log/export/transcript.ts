import { type Painter, paintAnsi, paintPlain, type StyledText, type TextStyle } from '../../console/paint.ts'
import { TranscriptFormatter } from '../../console/transcript.ts'
import { stringify } from '../../core/json/stringify.ts'
import { isCursorRecord } from '../cursor-record.ts'
import type { LogLevel } from '../level.ts'
import type { StoredMessage } from '../record.ts'
import { createErrorDeduplicator } from './error-deduplicator.ts'
import type { ExportSource, LogFormatter } from './formatter.ts'

export const asText: LogFormatter = (source) => formatTranscript(source, paintPlain)
export const asAnsi: LogFormatter = (source) => formatTranscript(source, paintAnsi)

async function* formatTranscript({ read, countRecord, tokens }: ExportSource, paint: Painter): AsyncGenerator<string, void> {
  const lines = new TranscriptFormatter({ tokens })
  const one = createErrorDeduplicator()
  for await (const record of read()) {
    countRecord()
    const segments = 'event' in record ? lines.format(one(record.event)) : isCursorRecord(record) ? undefined : messageSegments(record)
    if (segments) yield `${paint(segments).join('')}\n`
  }
}

const LEVEL_STYLES: Readonly<Partial<Record<LogLevel, TextStyle>>> = { info: 'bold', warning: 'yellow', error: 'red', fatal: 'red' }

/** A free record in the form that loguru gives it, LangChain's document's logger. Times are in UTC. */
export function messageSegments({ at, level, category, message, properties }: StoredMessage): readonly StyledText[] {
  const { value: _said, ...rest } = properties
  const style = LEVEL_STYLES[level] ?? 'dim'
  const also = Object.keys(rest).length === 0 ? '' : ` ${stringify(rest, { limit: 4_096 })}`
  return [
    { text: formatTimestamp(at), style: 'dim' },
    { text: ' | ' },
    { text: level.toUpperCase().padEnd(8), style },
    { text: ` | ${category.join('.')} - ` },
    { text: message, style },
    { text: also, style: 'dim' },
  ]
}

/** `2026-11-21 16:20:00.000Z`; what is no time, as it is. */
export function formatTimestamp(at: number): string {
  // Beyond it a Date is invalid, and throws (ECMA-262 §21.4.1.1).
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString().replace('T', ' ') : `${at}`
}
