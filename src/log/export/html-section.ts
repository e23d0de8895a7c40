import { type Lines, plain, type Segment } from '../../console/paint.ts'
import { errorTexts, isStop } from '../../console/text.ts'
import { Transcript } from '../../console/transcript.ts'
import { TreeLines } from '../../console/tree.ts'
import type { RunEvent } from '../../core/event.ts'
import { stringify } from '../../core/json/stringify.ts'
import type { StoredEvent } from '../record.ts'
import { oneError } from './error-deduplicator.ts'
import { timeOf } from './transcript.ts'

/** Of a whole tree. */
export const isEnd = ({ run, type }: RunEvent): boolean => run.id === run.rootId && (type === 'end' || type === 'error')

/** What the page says of a run tree: its head, then what the transcript shows of each event, a heading, its runs, and the foot. */
export interface Section {
  readonly head: string
  readonly said: (event: RunEvent) => string
  readonly between: string
  readonly listed: (event: RunEvent) => string
  /** Asked after the last event. */
  foot(): string
}

/** `root` is the first event of it that there is. */
export function sectionOf({ cursor, at, event: { run } }: StoredEvent, tokens: boolean): Section {
  const transcript: Lines = new Transcript({ tokens })
  const tree: Lines = new TreeLines()
  const [one, same] = [oneError(), oneError()]
  let how = 'The log has no end of it.'
  const facts = `<p class="facts">${escaped(run.kind)} · ${time(at)} · <code>${escaped(run.rootId)}</code></p>`
  return {
    head: `<section id="run-${cursor}">\n<h2>${escaped(run.name)}</h2>\n${facts}\n<pre>`,
    said(event) {
      const segments = transcript.format(one(event))
      return segments ? `${paint(segments)}\n` : ''
    },
    between: '</pre>\n<h3>Runs</h3>\n',
    listed(event) {
      const given = same(event)
      if (isEnd(given)) how = given.type !== 'error' ? '' : isStop(given.error) ? 'It was stopped.' : 'It failed.'
      const segments = tree.format(given)
      return segments ? item(paint(segments), tree.detail?.(given)) : ''
    },
    foot: () => `${how && `<p class="facts">${how}</p>\n`}</section>\n`,
  }
}

/** A line of the tree. What it is about is whole within it. */
const item = (line: string, value: unknown): string =>
  value === undefined ? `<div>${line}</div>\n` : `<details><summary>${line}</summary><pre>${escaped(textOf(value))}</pre></details>\n`

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return value instanceof Error ? errorTexts(value).join('\n  caused by ') : JSON.stringify(JSON.parse(stringify(value)), null, 2)
}

/** Where in the page a tree is. */
export const linkTo = ({ cursor, at, event: { run } }: StoredEvent): string =>
  `<li><a href="#run-${cursor}">${escaped(run.name)}</a> <span class="facts">${escaped(run.kind)} · ${time(at)}</span></li>\n`

const time = (at: number): string => escaped(timeOf(at))

export const paint = (segments: readonly Segment[]): string =>
  segments
    .map((segment) => (segment.style && segment.text !== '' ? `<span class="${segment.style}">${text(segment)}</span>` : text(segment)))
    .join('')

/** Without control characters. */
const text = (segment: Segment): string => escaped(plain([segment]).join(''))

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escaped = (text: string): string => text.replace(/[&<>"']/g, (character) => escapes[character] ?? '')
