import { IndexedDBCallbackHandler } from 'chaintap/indexeddb'
import { exportLog, type LogFormat } from 'chaintap/log-export'
import { part } from './dom.ts'
import { prices } from './prices.ts'

/** Stores the runs, like LangChain's FileCallbackHandler. The log outlives the tab, and all tabs share it. */
export const log = new IndexedDBCallbackHandler({ name: 'playground' })

/** Logs messages of the page into the same log. */
export const logger = log.store.logger('playground')

/** Shows the log, and offers it as a download. */
export async function showLog(): Promise<void> {
  const { ChaintapLog } = await import('chaintap/viewer')
  const viewer = part('log', ChaintapLog)
  Object.assign(viewer, { store: log.store, prices })
  part('exports', HTMLFieldSetElement).addEventListener('click', ({ target }) => {
    if (target instanceof HTMLButtonElement) void download(target.value as LogFormat, target)
  })
  part('forget', HTMLButtonElement).addEventListener('click', () => void log.store.clear())
}

const suffixes: Readonly<Record<LogFormat, string>> = { html: 'html', text: 'txt', ansi: 'log', ndjson: 'ndjson', otlp: 'jsonl' }

async function download(format: LogFormat, button: HTMLButtonElement): Promise<void> {
  button.disabled = true
  try {
    const stream = exportLog(log.store, { format, title: 'chaintap playground' })
    const url = URL.createObjectURL(await new Response(stream).blob())
    Object.assign(document.createElement('a'), { href: url, download: `playground.${suffixes[format]}` }).click()
    URL.revokeObjectURL(url)
  } finally {
    button.disabled = false
  }
}
