import type { RunKind } from '../../../core/event.ts'
import { type LogLevel, levels } from '../../level.ts'
import type { ViewFilter } from '../model/filter.ts'
import type { LogModel } from '../model/log-model.ts'
import type { Counts } from '../model/row-forest.ts'
import { createButton, createElement } from './dom.ts'
import { FilterChips } from './filter-chips.ts'

const FILTER_KINDS: readonly (RunKind | 'message')[] = [
  'chain',
  'prompt',
  'llm',
  'chat_model',
  'parser',
  'tool',
  'retriever',
  'agent',
  'message',
]

/** Maximum number of tags to choose from: a program may tag each run with a unique id. */
const MAX_TAG_OPTIONS = 200

const TIME_RANGES = [
  ['', 'Any time'],
  ['300000', 'Last 5 minutes'],
  ['3600000', 'Last hour'],
  ['86400000', 'Last 24 hours'],
  ['between', 'Between …'],
] as const

/** The search field and the filters. */
export class Toolbar {
  readonly element: HTMLElement
  readonly search: HTMLInputElement = createElement('input', {
    type: 'search',
    class: 'search',
    part: 'search',
    placeholder: 'Search  /',
    'aria-label': 'Search',
    autocomplete: 'off',
  })
  readonly #levels: FilterChips<LogLevel>
  readonly #kinds: FilterChips<RunKind | 'message'>
  readonly #tag = createElement('select', { class: 'select', 'aria-label': 'Tag' }, createElement('option', { value: '' }, 'Any tag'))
  readonly #tags = new Map<string, HTMLOptionElement>()
  readonly #time = createElement(
    'select',
    { class: 'select', 'aria-label': 'Time' },
    ...TIME_RANGES.map(([value, text]) => createElement('option', { value }, text)),
  )
  readonly #from = createElement('input', { type: 'datetime-local', class: 'select', 'aria-label': 'From' })
  readonly #to = createElement('input', { type: 'datetime-local', class: 'select', 'aria-label': 'To' })
  /** When the time range was chosen: `Last hour` is the hour before that. */
  #chosenAt = 0

  /** `onChange`: a filter has changed; `onSetAllOpen`: all runs are to be expanded or collapsed. */
  constructor(onChange: () => void, onSetAllOpen: (isOpen: boolean) => void) {
    this.#levels = new FilterChips('Level', 'data-level', levels, onChange)
    this.#kinds = new FilterChips('Kind', 'data-kind', FILTER_KINDS, onChange)
    const between = createElement('span', { class: 'between' }, this.#from, ' – ', this.#to)
    between.hidden = true
    // Runs before the listener of the toolbar, to which the event bubbles.
    this.#time.addEventListener('input', () => {
      this.#chosenAt = Date.now()
      between.hidden = this.#time.value !== 'between'
    })
    const all = createElement(
      'span',
      { class: 'all' },
      createButton(() => onSetAllOpen(true), { class: 'button' }, 'Expand all'),
      createButton(() => onSetAllOpen(false), { class: 'button' }, 'Collapse all'),
    )
    const first = createElement('div', { class: 'line' }, this.search, this.#tag, this.#time, between, all)
    const second = createElement('div', { class: 'line' }, this.#levels.element, this.#kinds.element)
    this.element = createElement('div', { class: 'toolbar', part: 'toolbar', role: 'search' }, first, second)
    this.element.addEventListener('input', ({ target }) => {
      if (target !== this.search) onChange()
    })
  }

  /** All filters except the search text. */
  get filter(): ViewFilter {
    const { value: time } = this.#time
    const [from, to] =
      time === 'between' ? [parseTimeInput(this.#from), parseTimeInput(this.#to)] : [time ? this.#chosenAt - Number(time) : undefined]
    const [levels, kinds] = [this.#levels.pressed, this.#kinds.pressed]
    return {
      ...(levels && { levels }),
      ...(kinds && { kinds }),
      ...(this.#tag.value && { tag: this.#tag.value }),
      ...(from !== undefined && { after: from }),
      ...(to !== undefined && { before: to }),
    }
  }

  clear(): void {
    this.#levels.clear()
    this.#kinds.clear()
    for (const field of [this.search, this.#tag, this.#time]) field.value = ''
    this.#time.dispatchEvent(new Event('input'))
  }

  render({ levels, kinds, tags }: LogModel): void {
    this.#levels.render(levels)
    this.#kinds.render(kinds)
    this.#renderTags(tags)
  }

  #renderTags(tags: Counts): void {
    this.#tag.hidden = tags.size === 0 && this.#tag.value === ''
    for (const [tag, count] of [...tags].slice(0, MAX_TAG_OPTIONS)) {
      const option = this.#tags.get(tag) ?? this.#tag.appendChild(createElement('option', { value: tag }))
      this.#tags.set(tag, option)
      const text = `${tag.slice(0, 100)} (${count.toLocaleString()})`
      if (option.text !== text) option.text = text
    }
    for (const [tag, option] of this.#tags) {
      if (tags.has(tag) || this.#tag.value === tag) continue
      option.remove()
      this.#tags.delete(tag)
    }
  }
}

function parseTimeInput({ value }: HTMLInputElement): number | undefined {
  const time = new Date(value).getTime()
  return Number.isNaN(time) ? undefined : time
}
