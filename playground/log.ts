import { IndexedDBCallbackHandler } from 'chaintap/indexeddb'
import { exportLog, type LogFormat } from 'chaintap/log-export'
import { part } from './dom.ts'
import { prices } from './prices.ts'

/** Hears the runs, as LangChain's FileCallbackHandler does. What it has written outlives the tab, and all tabs write into one log. */
export const log = new IndexedDBCallbackHandler({ name: 'playground' })

/** Says things beside the runs, into the same log. */
export const logger = log.store.logger('playground')

/** Shows the log, and gives it away as a file. */
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
