import { Body } from './html-body.ts'
import { css } from './html-css.ts'
import { escaped, isEnd, linkTo } from './html-section.ts'
import type { Format } from './index.ts'

/** A page. The log is read twice: for the list at its head, and for what stands below. */
export const asHtml: Format = async function* (source) {
  yield head(source.title)
  const open = new Set<string>()
  let last = ''
  let isListed = false
  for await (const record of source.read()) {
    last = record.cursor
    if (!('event' in record)) continue
    const { rootId } = record.event.run
    if (!open.has(rootId)) yield `${isListed ? '' : '<nav aria-label="Runs">\n<ol>\n'}${linkTo(record)}`
    isListed = true
    if (isEnd(record.event)) open.delete(rootId)
    else open.add(rootId)
  }
  yield `${isListed ? '</ol>\n</nav>\n' : ''}<main>\n`
  const body = new Body(source)
  for await (const record of source.read()) {
    // What came since then is not in the list.
    if (record.cursor > last) break
    source.wrote()
    yield* body.add(record)
  }
  yield* body.end()
  yield `${last === '' ? '<p>Nothing was logged.</p>\n' : ''}</main>\n</body>\n</html>\n`
}

const head = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${css}</style>
</head>
<body>
<header><h1>${escaped(title)}</h1></header>
`
