import { AbortReason, type Run, type RunEvent } from 'chaintap'
import { make } from './dom.ts'
import { duration, usageText, valueText } from './words.ts'

export type State = 'running' | 'ended' | 'error' | 'stopped'

/** One run in the tree: a line that opens to show its input and output. */
export class Row {
  readonly element: HTMLLIElement
  readonly children: HTMLUListElement = make('ul', 'runs')
  readonly #state = make('span', 'state')
  readonly #facts = make('span', 'facts')
  readonly #values = make('dl', 'values')
  readonly #startedAt: number
  #tokens = 0

  constructor(run: Run, at: number, depth: number) {
    this.#startedAt = at
    const kind = make('span', 'kind', run.kind.replace('_', ' '))
    const state = make('span', 'so-far', this.#state, this.#facts)
    const line = make('summary', '', kind, make('span', 'name', run.name), state, make('span', 'bar'))
    this.element = make('li', 'run', make('details', '', line, this.#values), this.children)
    this.element.dataset.kind = run.kind
    this.element.style.setProperty('--depth', `${depth}`)
    this.#show('running')
  }

  /** Sets the position of the bar: `from` and `to` in ms since the root run began. */
  span(from: number, to?: number): void {
    this.element.style.setProperty('--from', `${from}`)
    this.element.style.setProperty('--to', to === undefined ? 'var(--now)' : `${to}`)
  }

  /** Shows an event of the run. */
  apply(event: RunEvent): void {
    if (event.type === 'start' && event.input !== undefined) this.#add('Input', event.input)
    if (event.type === 'token') this.#facts.textContent = tokens(++this.#tokens)
    if (event.type === 'text') this.#add('Text', event.text)
    if (event.type === 'action') this.#add('Action', event.action)
    if (event.type === 'finish') this.#add('Finish', event.finish)
    if (event.type === 'retry') this.#add(`Attempt ${event.attempt} failed`, event.error)
    if (event.type === 'end') this.#end('ended', event)
    if (event.type === 'error') this.#end(event.error instanceof AbortReason ? 'stopped' : 'error', event)
  }

  #end(state: State, event: Extract<RunEvent, { type: 'end' | 'error' }>): void {
    this.#show(state)
    const streamed = this.#tokens > 0 ? [tokens(this.#tokens)] : []
    const used = event.usage ? [usageText(event.usage)] : []
    this.#facts.textContent = [duration(event.at - this.#startedAt), ...streamed, ...used].join(' · ')
    if (event.type === 'end') return this.#add('Output', event.output)
    this.#add('Error', event.error)
    if (event.partial !== undefined) this.#add('Partial output', event.partial)
  }

  #show(state: State): void {
    this.element.dataset.state = state
    this.#state.textContent = state
  }

  #add(name: string, value: unknown): void {
    this.#values.appendChild(make('dt', '', name))
    this.#values.appendChild(make('dd', '', make('pre', '', valueText(value))))
  }
}

const tokens = (count: number): string => `${count} ${count === 1 ? 'token' : 'tokens'}`
