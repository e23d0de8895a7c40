import type { LogStore } from '../store.ts'
import type { ViewerPrices } from './model/describe-row.ts'
import { Viewer } from './viewer.ts'

export type { LogStore } from '../store.ts'
export type { ViewerPrices } from './model/describe-row.ts'

// Lets the module be loaded where there is no DOM, e.g. for server-side rendering.
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement)

/**
 * The element `<chaintap-log>`: displays a log and follows it. Runs are displayed as trees on a time axis, free records between them.
 *
 * Importing `chaintap/viewer` defines the element. It is as wide as its container and 36rem high by default. Its `color-scheme` selects the light
 * or the dark theme; docs/log.md lists the custom properties and parts for styling. All content is displayed as text, never as HTML.
 *
 * @example
 * const viewer = new ChaintapLog()
 * viewer.store = log
 * document.body.appendChild(viewer)
 */
export class ChaintapLog extends Base {
  #store: LogStore | undefined
  #prices: ViewerPrices | undefined
  #viewer: Viewer | undefined
  #isOn = false

  /** The log to display; `undefined` displays none. It is read only while the element is in a page, and never closed. */
  get store(): LogStore | undefined {
    return this.#store
  }

  set store(store: LogStore | undefined) {
    this.#store = store
    if (this.#isOn) this.#viewer?.start(store)
  }

  /** Prices of models whose provider does not report the cost: `await genaiPrices()`, a `priceTable`, or your own object. */
  get prices(): ViewerPrices | undefined {
    return this.#prices
  }

  set prices(prices: ViewerPrices | undefined) {
    this.#prices = prices
    if (this.#viewer) this.#viewer.prices = prices
  }

  /** Called by the browser when the element is inserted into a document. */
  connectedCallback(): void {
    // A property that was set before the element was defined is an own property that hides the accessor.
    for (const name of ['store', 'prices'] as const) {
      if (!Object.hasOwn(this, name)) continue
      const { value } = Object.getOwnPropertyDescriptor(this, name) ?? {}
      delete this[name]
      this[name] = value
    }
    this.#viewer ??= new Viewer(this.attachShadow({ mode: 'open' }))
    if (this.#isOn) return this.#viewer.changed()
    this.#isOn = true
    this.#viewer.prices = this.#prices
    this.#viewer.start(this.#store)
  }

  /** Called by the browser when the element is removed from a document. */
  disconnectedCallback(): void {
    // An element that is moved is connected again within the same task, and keeps its state.
    queueMicrotask(() => {
      this.#isOn = this.isConnected
      if (!this.#isOn) this.#viewer?.stop()
    })
  }
}

// A page may contain two copies of the package: the first one defines the element.
if (globalThis.customElements && !customElements.get('chaintap-log')) customElements.define('chaintap-log', ChaintapLog)

declare global {
  interface HTMLElementTagNameMap {
    'chaintap-log': ChaintapLog
  }
}
