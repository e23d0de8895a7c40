// Serves the playground, page and Worker in one process, on PORT or on the next free port from 5173. OFFLINE=1 selects the offline model
// even
// if .dev.vars has a key.
import { join } from 'node:path'
import { root } from './support.mjs'

// Wrangler reads these when it is loaded: no telemetry, no banner, no request to Cloudflare.
process.env.WRANGLER_SEND_METRICS = 'false'
process.env.WRANGLER_HIDE_BANNER = 'true'
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'

// In Node and in the Worker's plugin, a Request follows its caller's signal by a WeakRef. A garbage collection during an answer can break
// that
// link, so that a disconnect is not noticed. Strong references keep it for as long as the caller's signal lives.
globalThis.WeakRef = /** @type {WeakRefConstructor} */ (
  /** @type {unknown} */ (
    class {
      #target
      /** @param {WeakKey} target */
      constructor(target) {
        this.#target = target
      }
      deref() {
        return this.#target
      }
    }
  )
)

const usual = 5173
const host = '127.0.0.1'
const wanted = process.env.PORT
const port = wanted === undefined || wanted === '' ? usual : Number(wanted)
if (!Number.isInteger(port) || port < 1 || port > 65535) stop(`PORT must be a number from 1 to 65535, but is "${wanted}".`)

const { createServer } = await import('vite')
try {
  const server = await createServer({
    configFile: join(root, 'vite.config.ts'),
    clearScreen: false,
    logLevel: 'warn',
    server: { host, port, strictPort: Boolean(wanted) },
  })
  await server.listen()
  const address = server.httpServer?.address()
  const got = typeof address === 'object' && address !== null ? address.port : port
  if (got !== port) console.log(`Port ${port} is in use: using the next free one.`)
  console.log(`chaintap playground: http://${host}:${got}/`)
} catch (error) {
  const text = error instanceof Error ? error.message : String(error)
  if (/already in use/.test(text)) stop(`Port ${port} is in use: stop the program that uses it, or set another PORT.`)
  stop(text)
}

/** @param {string} text @returns {never} */
function stop(text) {
  console.error(text)
  process.exit(1)
}
