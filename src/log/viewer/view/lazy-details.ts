import type { RunEvent } from '../../../core/event.ts'
import type { LogStore } from '../../store.ts'
import type { ViewerPrices } from '../model/describe-row.ts'
import type { Row } from '../model/row.ts'
import type { DetailsListener, DetailsView } from './details.ts'

/** Loads the view of the details when they are first opened. */
export class LazyDetails {
  row: Row | undefined
  prices: ViewerPrices | undefined
  #view: DetailsView | undefined
  readonly #root: ShadowRoot
  readonly #container: HTMLElement
  readonly #listener: DetailsListener

  constructor(root: ShadowRoot, container: HTMLElement, listener: DetailsListener) {
    this.#root = root
    this.#container = container
    this.#listener = listener
  }

  /** Displays the details of a row. */
  async show(row: Row, store: LogStore | undefined, isFocused: boolean): Promise<void> {
    this.row = row
    try {
      const { DetailsView } = await import('./details.ts')
      if (this.row !== row) return
      if (!this.#view) this.#container.appendChild((this.#view = new DetailsView(this.#root, this.#listener)).element)
      this.#view.show(row, store, this.prices)
      if (isFocused) this.#view.focus()
    } catch (error) {
      this.#listener.failed(error)
    }
  }

  close(): void {
    this.row = undefined
    this.#view?.show(undefined, undefined, undefined)
  }

  addEvent(event: RunEvent): void {
    this.#view?.addEvent(event)
  }

  render(): void {
    this.#view?.render()
  }
}
