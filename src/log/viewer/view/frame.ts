import { plural } from '../labels.ts'
import type { Status } from '../model/status.ts'
import { button, make, write } from './dom.ts'

/** What stands around the list: what is wrong, what there is to see, and the way to the newest. */
export class FrameView {
  readonly newest: HTMLButtonElement
  readonly problem: HTMLElement
  readonly empty: HTMLElement
  readonly foot: HTMLElement
  /** Read out when something is written to it. */
  readonly said: HTMLElement = make('p', { class: 'said-only', role: 'status' })
  readonly #wrong = make('span')
  readonly #nothing = make('span', { dir: 'auto' })
  readonly #state = make('span', { class: 'live' })
  readonly #counts = make('span', { class: 'counts' })
  readonly #clears: readonly HTMLButtonElement[]
  #news = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(on: { readonly newest: () => void; readonly again: () => void; readonly clear: () => void }) {
    this.newest = button(on.newest, { class: 'newest', part: 'newest' })
    const [inEmpty, inFoot] = [
      button(on.clear, { class: 'button' }, 'Clear filters'),
      button(on.clear, { class: 'button' }, 'Clear filters'),
    ]
    this.#clears = [inEmpty, inFoot]
    this.problem = make(
      'div',
      { class: 'problem', part: 'problem', role: 'alert' },
      this.#wrong,
      button(on.again, { class: 'button' }, 'Try again'),
    )
    this.empty = make('div', { class: 'empty', part: 'empty' }, this.#nothing, inEmpty)
    this.foot = make('div', { class: 'foot', part: 'foot' }, this.#state, this.#counts, inFoot)
    this.fail(undefined)
  }

  /** Says what is wrong; undefined: nothing. */
  fail(error: unknown): void {
    this.problem.hidden = error === undefined
    const text = error instanceof Error ? error.message : String(error)
    write(this.#wrong, error === undefined ? '' : `The log could not be read. ${text}`)
  }

  render({ state, counts, nothing, isFiltered }: Status): void {
    this.#state.dataset.state = state
    write(this.#state, state)
    write(this.#counts, counts)
    write(this.#nothing, nothing)
    this.empty.hidden = nothing === ''
    for (const clear of this.#clears) clear.hidden = !isFiltered
  }

  /** Shows the way to the newest; undefined where it is in sight. */
  renderNewest(count: number | undefined): void {
    this.newest.hidden = count === undefined
    if (count !== undefined) write(this.newest, `↓ Jump to newest${count > 0 ? ` · ${count.toLocaleString()} new` : ''}`)
  }

  say(words: string): void {
    // What is there already would not be read out again.
    write(this.said, words === this.said.textContent ? `${words}\u00a0` : words)
  }

  /** An error came in. Several within some seconds are told as one. */
  sayError(): void {
    this.#news++
    this.#timer ??= setTimeout(() => {
      this.say(`${plural(this.#news, 'error')} came in.`)
      this.stop()
    }, 3_000)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#news = 0
  }
}
