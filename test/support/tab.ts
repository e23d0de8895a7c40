import { vi } from 'vitest'
import { patience } from './patience.ts'

/** Another realm with its own modules, in an iframe: for a log in IndexedDB it is another tab. */
export async function tab(): Promise<typeof import('chaintap/indexeddb')> {
  const frame = document.createElement('iframe')
  const url = new URL('../../src/log/indexeddb/index.ts', import.meta.url)
  // Vitest routes every import() through its runner, which a frame does not have.
  const runner = 'globalThis.__vitest_browser_runner__ = { wrapDynamicImport: (load) => load() }'
  frame.srcdoc = `<script type="module">${runner}; globalThis.log = await import(${JSON.stringify(url.href)})</script>`
  document.body.appendChild(frame)
  const there = frame.contentWindow as unknown as { log?: typeof import('chaintap/indexeddb') }
  return vi.waitFor(() => {
    if (!there.log) throw new Error('The frame has not loaded')
    return there.log
  }, patience)
}
