import { readFile } from 'node:fs/promises'
import type { Plugin } from 'vite'

/** Makes `import bytes from './x.sse'` import the file as a Uint8Array in every engine: only Node can read files. */
export function bytes(): Plugin {
  return {
    name: 'chaintap:bytes',
    enforce: 'pre',
    async load(id) {
      const [file = id] = id.split('?')
      if (!/\.(sse|ndjson|eventstream)$/.test(file)) return undefined
      const text = (await readFile(file)).toString('base64')
      return `export default Uint8Array.from(atob('${text}'), (char) => char.charCodeAt(0))`
    },
  }
}
