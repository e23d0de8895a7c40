import { ansi, type Paint, plain, type Segment, type Style } from '../../console/paint.ts'
import { Transcript } from '../../console/transcript.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { LogLevel } from '../level.ts'
import type { StoredMessage } from '../record.ts'
import { isMark } from '../ship/cursor.ts'
import { oneError } from './error-deduplicator.ts'
import type { ExportSource, Format } from './index.ts'

export const asText: Format = (source) => transcript(source, plain)
export const asAnsi: Format = (source) => transcript(source, ansi)

async function* transcript({ read, wrote, tokens }: ExportSource, paint: Paint): AsyncGenerator<string, void> {
  const lines = new Transcript({ tokens })
  const one = oneError()
  for await (const record of read()) {
    wrote()
    const segments = 'event' in record ? lines.format(one(record.event)) : isMark(record) ? undefined : messageLine(record)
    if (segments) yield `${paint(segments).join('')}\n`
  }
}

const styles: Readonly<Partial<Record<LogLevel, Style>>> = { info: 'bold', warning: 'yellow', error: 'red', fatal: 'red' }

/** A free record in the form that loguru gives it, LangChain's document's logger. Times are in UTC. */
export function messageLine({ at, level, category, message, properties }: StoredMessage): readonly Segment[] {
  const { value: _said, ...rest } = properties
  const style = styles[level] ?? 'dim'
  const also = Object.keys(rest).length === 0 ? '' : ` ${stringify(rest, { limit: 4_096 })}`
  return [
    { text: timeOf(at), style: 'dim' },
    { text: ' | ' },
    { text: level.toUpperCase().padEnd(8), style },
    { text: ` | ${category.join('.')} - ` },
    { text: message, style },
    { text: also, style: 'dim' },
  ]
}

/** `2026-11-21 16:20:00.000Z`; what is no time, as it is. */
export function timeOf(at: number): string {
  // Beyond it a Date is invalid, and throws (ECMA-262 §21.4.1.1).
  return Math.abs(at) <= 8.64e15 ? new Date(at).toISOString().replace('T', ' ') : `${at}`
}
