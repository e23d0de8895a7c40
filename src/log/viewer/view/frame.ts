import { errorMessage } from '../../../core/util/error-message.ts'
import { plural } from '../model/labels.ts'
import type { ViewerStatus } from '../model/status.ts'
import { createButton, createElement, setText } from './dom.ts'

/** The elements around the list: errors, the empty state, the status line, and the button to the newest line. */
export class FrameView {
  readonly newest: HTMLButtonElement
  readonly problem: HTMLElement
  readonly empty: HTMLElement
  readonly foot: HTMLElement
  /** Live region for screen readers. */
  readonly announcer: HTMLElement = createElement('p', { class: 'sr-only', role: 'status' })
  readonly #problemText = createElement('span')
  readonly #emptyText = createElement('span', { dir: 'auto' })
  readonly #state = createElement('span', { class: 'live' })
  readonly #counts = createElement('span', { class: 'counts' })
  readonly #clearButtons: readonly HTMLButtonElement[]
  #errorCount = 0
  #announceTimer: ReturnType<typeof setTimeout> | undefined

  constructor(on: { readonly jumpToNewest: () => void; readonly retry: () => void; readonly clearFilters: () => void }) {
    this.newest = createButton(on.jumpToNewest, { class: 'newest', part: 'newest' })
    const [inEmpty, inFoot] = [
      createButton(on.clearFilters, { class: 'button' }, 'Clear filters'),
      createButton(on.clearFilters, { class: 'button' }, 'Clear filters'),
    ]
    this.#clearButtons = [inEmpty, inFoot]
    this.problem = createElement(
      'div',
      { class: 'problem', part: 'problem', role: 'alert' },
      this.#problemText,
      createButton(on.retry, { class: 'button' }, 'Try again'),
    )
    this.empty = createElement('div', { class: 'empty', part: 'empty' }, this.#emptyText, inEmpty)
    this.foot = createElement('div', { class: 'foot', part: 'foot' }, this.#state, this.#counts, inFoot)
    this.showProblem(undefined)
  }

  /** Displays an error; `undefined` hides it. */
  showProblem(error: unknown): void {
    this.problem.hidden = error === undefined
    const text = errorMessage(error)
    setText(this.#problemText, error === undefined ? '' : `The log could not be read. ${text}`)
  }

  render({ state, counts, emptyText, isFiltered }: ViewerStatus): void {
    this.#state.dataset.state = state
    setText(this.#state, state)
    setText(this.#counts, counts)
    setText(this.#emptyText, emptyText)
    this.empty.hidden = emptyText === ''
    for (const clear of this.#clearButtons) clear.hidden = !isFiltered
  }

  /** Displays the button to the newest line with the number of new lines; `undefined` hides it. */
  renderNewest(count: number | undefined): void {
    this.newest.hidden = count === undefined
    if (count !== undefined) setText(this.newest, `↓ Jump to newest${count > 0 ? ` · ${count.toLocaleString()} new` : ''}`)
  }

  /** Announces a text to screen readers. */
  announce(text: string): void {
    // An unchanged text would not be announced again.
    setText(this.announcer, text === this.announcer.textContent ? `${text}\u00a0` : text)
  }

  /** Announces a new error; those within 3 s are announced together. */
  announceError(): void {
    this.#errorCount++
    this.#announceTimer ??= setTimeout(() => {
      this.announce(`${plural(this.#errorCount, 'new error')}.`)
      this.stop()
    }, 3_000)
  }

  stop(): void {
    clearTimeout(this.#announceTimer)
    this.#announceTimer = undefined
    this.#errorCount = 0
  }
}
