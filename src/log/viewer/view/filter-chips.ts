import { kindText } from '../model/labels.ts'
import type { Counts } from '../model/row-forest.ts'
import { createButton, createElement, setAttributes, setText } from './dom.ts'

/** A group of toggle buttons, each with the number of rows that it stands for. */
export class FilterChips<Name extends string> {
  readonly element: HTMLElement
  readonly #names: readonly Name[]
  readonly #key: string
  readonly #buttons = new Map<Name, { readonly button: HTMLButtonElement; readonly count: HTMLElement }>()
  readonly #pressed = new Set<Name>()
  readonly #onChange: () => void

  /** `key`: the `data-` attribute that selects the colour of the buttons. */
  constructor(label: string, key: string, names: readonly Name[], onChange: () => void) {
    this.element = createElement('div', { class: 'chips', role: 'group', 'aria-label': label })
    this.#names = names
    this.#key = key
    this.#onChange = onChange
  }

  /** The names of the pressed buttons; `undefined` if there are none. */
  get pressed(): ReadonlySet<Name> | undefined {
    return this.#pressed.size === 0 ? undefined : new Set(this.#pressed)
  }

  clear(): void {
    this.#pressed.clear()
  }

  render(counts: Counts): void {
    for (const name of this.#names) {
      const count = counts.get(name) ?? 0
      const isPressed = this.#pressed.has(name)
      const chip = this.#buttons.get(name) ?? (count > 0 || isPressed ? this.#add(name) : undefined)
      if (!chip) continue
      setText(chip.count, count.toLocaleString())
      setAttributes(chip.button, { 'aria-pressed': isPressed })
      chip.button.hidden = count === 0 && !isPressed
    }
  }

  #add(name: Name): { readonly button: HTMLButtonElement; readonly count: HTMLElement } {
    const count = createElement('span', { class: 'count' })
    const toggle = (): void => {
      if (!this.#pressed.delete(name)) this.#pressed.add(name)
      this.#onChange()
    }
    const chip = { button: createButton(toggle, { class: 'chip', part: 'chip', [this.#key]: name }, kindText(name), ' ', count), count }
    const after = this.#names.slice(this.#names.indexOf(name) + 1).find((other) => this.#buttons.has(other))
    this.element.insertBefore(chip.button, (after && this.#buttons.get(after)?.button) ?? null)
    this.#buttons.set(name, chip)
    return chip
  }
}
