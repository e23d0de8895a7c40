import { errorMessage } from '../../../core/util/error-message.ts'
import { plural } from '../model/labels.ts'
import type { ViewerStatus } from '../model/status.ts'
import { createButton, createElement, setText } from './dom.ts'

/** What stands around the list: what is wrong, what there is to see, and the way to the newest. */
export class FrameView {
  readonly newest: HTMLButtonElement
  readonly problem: HTMLElement
  readonly empty: HTMLElement
  readonly foot: HTMLElement
  /** Read out when something is written to it. */
  readonly announcer: HTMLElement = createElement('p', { class: 'said-only', role: 'status' })
  readonly #problemText = createElement('span')
  readonly #emptyText = createElement('span', { dir: 'auto' })
  readonly #state = createElement('span', { class: 'live' })
  readonly #counts = createElement('span', { class: 'counts' })
  readonly #clearButtons: readonly HTMLButtonElement[]
  #errorCount = 0
  #announceTimer: ReturnType<typeof setTimeout> | undefined

  constructor(on: { readonly newest: () => void; readonly again: () => void; readonly clear: () => void }) {
    this.newest = createButton(on.newest, { class: 'newest', part: 'newest' })
    const [inEmpty, inFoot] = [
      createButton(on.clear, { class: 'button' }, 'Clear filters'),
      createButton(on.clear, { class: 'button' }, 'Clear filters'),
    ]
    this.#clearButtons = [inEmpty, inFoot]
    this.problem = createElement(
      'div',
      { class: 'problem', part: 'problem', role: 'alert' },
      this.#problemText,
      createButton(on.again, { class: 'button' }, 'Try again'),
    )
    this.empty = createElement('div', { class: 'empty', part: 'empty' }, this.#emptyText, inEmpty)
    this.foot = createElement('div', { class: 'foot', part: 'foot' }, this.#state, this.#counts, inFoot)
    this.showProblem(undefined)
  }

  /** Says what is wrong; undefined: nothing. */
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

  /** Shows the way to the newest; undefined where it is in sight. */
  renderNewest(count: number | undefined): void {
    this.newest.hidden = count === undefined
    if (count !== undefined) setText(this.newest, `↓ Jump to newest${count > 0 ? ` · ${count.toLocaleString()} new` : ''}`)
  }

  announce(words: string): void {
    // What is there already would not be read out again.
    setText(this.announcer, words === this.announcer.textContent ? `${words}\u00a0` : words)
  }

  /** An error came in. Several within some seconds are told as one. */
  announceError(): void {
    this.#errorCount++
    this.#announceTimer ??= setTimeout(() => {
      this.announce(`${plural(this.#errorCount, 'error')} came in.`)
      this.stop()
    }, 3_000)
  }

  stop(): void {
    clearTimeout(this.#announceTimer)
    this.#announceTimer = undefined
    this.#errorCount = 0
  }
}
