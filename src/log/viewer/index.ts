import type { LogStore } from '../store.ts'
import type { ViewerPrices } from './model/describe-row.ts'
import { Viewer } from './viewer.ts'

export type { LogStore } from '../store.ts'
export type { ViewerPrices } from './model/describe-row.ts'

// Where there are no pages (a server that renders), the module can be loaded all the same.
const Base: typeof HTMLElement = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement)

/**
 * `<chaintap-log>`: shows a log: its runs as trees with their times, what the program said between them, and what comes in.
 *
 * Importing `chaintap/viewer` defines it. It is as wide as its place, and 36rem high unless CSS says otherwise. Light or dark by its
 * `color-scheme`; docs/log.md has the custom properties and parts by which it is styled. All content is shown as text, never as HTML.
 *
 * @example
 * import 'chaintap/viewer'
 * document.body.appendChild(Object.assign(document.createElement('chaintap-log'), { store: log.store }))
 */
export class ChaintapLog extends Base {
  #store: LogStore | undefined
  #prices: ViewerPrices | undefined
  #viewer: Viewer | undefined
  #isOn = false

  /** The log to be shown; another one takes its place. It is read only while the element is in a page, and never closed. */
  get store(): LogStore | undefined {
    return this.#store
  }

  set store(store: LogStore | undefined) {
    this.#store = store
    if (this.#isOn) this.#viewer?.start(store)
  }

  /** Says what models cost, where they do not say so themselves: `genaiPrices()` or a `priceTable`. */
  get prices(): ViewerPrices | undefined {
    return this.#prices
  }

  set prices(prices: ViewerPrices | undefined) {
    this.#prices = prices
    if (this.#viewer) this.#viewer.prices = prices
  }

  /** Called by the page. */
  connectedCallback(): void {
    // What was set before the element was defined is a property of its own, in the way of ours.
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

  /** Called by the page. */
  disconnectedCallback(): void {
    // What is moved is back at once, and stays as it is.
    queueMicrotask(() => {
      this.#isOn = this.isConnected
      if (!this.#isOn) this.#viewer?.stop()
    })
  }
}

// Two copies of the package may meet in one page: the first one stays.
if (globalThis.customElements && !customElements.get('chaintap-log')) customElements.define('chaintap-log', ChaintapLog)

declare global {
  interface HTMLElementTagNameMap {
    'chaintap-log': ChaintapLog
  }
}
