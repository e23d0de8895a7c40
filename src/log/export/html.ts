import { isTreeEnd } from '../run-end.ts'
import type { LogFormatter } from './formatter.ts'
import { HtmlBody } from './html-body.ts'
import { EXPORT_CSS } from './html-css.ts'
import { escapeHtml, renderTreeLink } from './html-section.ts'

/** Formats the log as an HTML page. Reads the log twice: for the list of runs at the top, and for the sections below. */
export const asHtml: LogFormatter = async function* (source) {
  yield pageHead(source.title)
  const open = new Set<string>()
  let last = ''
  let isListed = false
  for await (const record of source.read()) {
    last = record.cursor
    if (!('event' in record)) continue
    const { rootId } = record.event.run
    if (!open.has(rootId)) yield `${isListed ? '' : '<nav aria-label="Runs">\n<ol>\n'}${renderTreeLink(record)}`
    isListed = true
    if (isTreeEnd(record.event)) open.delete(rootId)
    else open.add(rootId)
  }
  yield `${isListed ? '</ol>\n</nav>\n' : ''}<main>\n`
  const body = new HtmlBody(source)
  for await (const record of source.read()) {
    // Records written since the first pass are not in the list.
    if (record.cursor > last) break
    source.countRecord()
    yield* body.add(record)
  }
  yield* body.end()
  yield `${last === '' ? '<p>No records.</p>\n' : ''}</main>\n</body>\n</html>\n`
}

const pageHead = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(title)}</title>
<style>${EXPORT_CSS}</style>
</head>
<body>
<header><h1>${escapeHtml(title)}</h1></header>
`
