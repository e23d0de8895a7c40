// Serves the playground, page and Worker in one process. PORT chooses the port; without it the next free one from 5173 is taken.
// OFFLINE=1 has the offline model answer, though there is a key in .dev.vars.
import { join } from 'node:path'
import { root } from './support.mjs'

// Read by wrangler when it is loaded: no telemetry, no banner, no request to Cloudflare.
process.env.WRANGLER_SEND_METRICS = 'false'
process.env.WRANGLER_HIDE_BANNER = 'true'
process.env.CLOUDFLARE_CF_FETCH_ENABLED = 'false'

// A Request follows its caller's signal by a WeakRef, in Node and in the Worker's plugin: a garbage collection in the middle of an answer
// cuts the one off from the other, and whoever leaves then is not noticed. Strong references hold for as long as the caller's signal does.
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
if (!Number.isInteger(port) || port < 1 || port > 65535) stop(`PORT is "${wanted}", but a port is a number from 1 to 65535.`)

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
  if (got !== port) console.log(`Port ${port} is taken, so this is the next free one.`)
  console.log(`chaintap playground: http://${host}:${got}/`)
} catch (error) {
  const text = error instanceof Error ? error.message : String(error)
  if (/already in use/.test(text)) stop(`Port ${port} is taken: stop what runs there, or start with another PORT.`)
  stop(text)
}

/** @param {string} text @returns {never} */
function stop(text) {
  console.error(text)
  process.exit(1)
}
