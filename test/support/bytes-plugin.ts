import { readFile } from 'node:fs/promises'
import type { Plugin } from 'vite'

/** `import bytes from './x.sse'` gives the file as a Uint8Array, byte for byte, in every engine: none but Node can read files. */
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
