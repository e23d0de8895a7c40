import { type EventFormatter, paintPlain, type StyledText } from '../../console/paint.ts'
import { errorTexts, isStopError } from '../../console/text.ts'
import { TranscriptFormatter } from '../../console/transcript.ts'
import { TreeFormatter } from '../../console/tree.ts'
import type { RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { StoredEvent } from '../record.ts'
import { isTreeEnd } from '../run-end.ts'
import { createErrorDeduplicator } from './error-deduplicator.ts'
import { formatTimestamp } from './transcript.ts'

/** The parts of a run tree's section, in their order: the head, the transcript of each event, a separator, each event in the list of runs, the foot. */
export interface HtmlSection {
  readonly head: string
  readonly renderEvent: (event: RunEvent) => string
  readonly separator: string
  readonly renderRun: (event: RunEvent) => string
  /** Call after the last event. */
  foot(): string
}

/** Creates the section of a run tree from the first of its exported events. */
export function createHtmlSection({ cursor, at, event: { run } }: StoredEvent, tokens: boolean): HtmlSection {
  const transcript: EventFormatter = new TranscriptFormatter({ tokens })
  const tree: EventFormatter = new TreeFormatter()
  const [forTranscript, forTree] = [createErrorDeduplicator(), createErrorDeduplicator()]
  let status = 'The log does not contain the end of this run.'
  const facts = `<p class="facts">${escapeHtml(run.kind)} · ${escapedTimestamp(at)} · <code>${escapeHtml(run.rootId)}</code></p>`
  return {
    head: `<section id="run-${cursor}">\n<h2>${escapeHtml(run.name)}</h2>\n${facts}\n<pre>`,
    renderEvent(event) {
      const segments = transcript.format(forTranscript(event))
      return segments ? `${renderSegments(segments)}\n` : ''
    },
    separator: '</pre>\n<h3>Runs</h3>\n',
    renderRun(event) {
      const shared = forTree(event)
      if (isTreeEnd(shared)) status = shared.type !== 'error' ? '' : isStopError(shared.error) ? 'The run was stopped.' : 'The run failed.'
      const segments = tree.format(shared)
      return segments ? renderRunItem(renderSegments(segments), tree.detail?.(shared)) : ''
    },
    foot: () => `${status && `<p class="facts">${status}</p>\n`}</section>\n`,
  }
}

/** Renders a line of the list of runs, expandable to the whole value. */
const renderRunItem = (line: string, value: unknown): string =>
  value === undefined
    ? `<div>${line}</div>\n`
    : `<details><summary>${line}</summary><pre>${escapeHtml(formatDetail(value))}</pre></details>\n`

function formatDetail(value: unknown): string {
  if (typeof value === 'string') return value
  return value instanceof Error ? errorTexts(value).join('\n  caused by ') : JSON.stringify(JSON.parse(stringify(value)), null, 2)
}

/** Renders the link to a tree's section. */
export const renderTreeLink = ({ cursor, at, event: { run } }: StoredEvent): string =>
  `<li><a href="#run-${cursor}">${escapeHtml(run.name)}</a> <span class="facts">${escapeHtml(run.kind)} · ${escapedTimestamp(at)}</span></li>\n`

const escapedTimestamp = (at: number): string => escapeHtml(formatTimestamp(at))

export const renderSegments = (segments: readonly StyledText[]): string =>
  segments
    .map((segment) =>
      segment.style && segment.text !== '' ? `<span class="${segment.style}">${escapedSegment(segment)}</span>` : escapedSegment(segment),
    )
    .join('')

/** Escapes HTML and removes control characters. */
const escapedSegment = (segment: StyledText): string => escapeHtml(paintPlain([segment]).join(''))

const HTML_ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => HTML_ENTITIES[character] ?? '')
