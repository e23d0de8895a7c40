// The viewer in a page, as a user meets it, and logs to be shown.
import { ModelError, type Run, type RunEvent } from 'chaintap'
import { type LogRecord, type LogStore, MemoryLogStore } from 'chaintap/log'
import type { ChaintapLog } from 'chaintap/viewer'
import 'chaintap/viewer'
import { afterEach, expect } from 'vitest'
import { run, said } from '../../contracts/log-store.ts'

/** The one that is shown. */
export let element: ChaintapLog

afterEach(() => element?.remove())

/** Puts the element into the page. */
export function show(store?: LogStore, style = '', made = document.createElement('chaintap-log')): ChaintapLog {
  element?.remove()
  element = made
  element.style.cssText = `inline-size: 1100px; block-size: 640px; ${style}`
  if (store) element.store = store
  return document.body.appendChild(element)
}

export const root = (): ShadowRoot => {
  if (!element.shadowRoot) throw new Error('The element is not in the page')
  return element.shadowRoot
}

export function part<E = HTMLElement>(selector: string): E {
  const found = root().querySelector(selector) as E | null
  if (!found) throw new Error(`There is no ${selector}`)
  return found
}

export const list = () => part('[role=tree]')
export const rows = () => [...root().querySelectorAll<HTMLElement>('[role=treeitem]')]
export const rowNamed = (name: string) => rows().find((row) => row.textContent.includes(name))
export const textsOf = (selector: string) => [...root().querySelectorAll(selector)].map(({ textContent }) => textContent)
export const names = () => rows().map((row) => row.querySelector('.name, .said')?.textContent)
export const button = (name: string) => {
  const found = [...root().querySelectorAll('button')].find(
    (each) => each.checkVisibility() && (each.ariaLabel ?? each.textContent).includes(name),
  )
  if (!found) throw new Error(`There is no button ${name}`)
  return found
}
export const eventually = (read: () => unknown) => expect.poll(read, { timeout: 10_000, interval: 20 })
export const press = (key: string, target: Element = list()) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true }))
export const activeName = () => {
  const id = list().getAttribute('aria-activedescendant')
  return id && root().getElementById(id)?.querySelector('.name, .said')?.textContent
}

export type Told = RunEvent extends infer Event ? (Event extends RunEvent ? Omit<Event, 'run' | 'at' | 'seq'> : never) : never

/** Events one by one, each 10 ms after the last. */
export function teller(at = Date.now()): (run: Run, told: Told) => RunEvent {
  let seq = 0
  return (of, told) => ({ run: of, at: at + seq * 10, seq: seq++, ...told })
}

export const chainRun = run('root', { name: 'Chain', tags: ['chat'] })
export const modelRun = run('model', { name: 'Model', kind: 'chat_model', parentId: 'root', rootId: 'root' })

/** A chain whose model has failed, and something said before and after. */
export function failed(): readonly LogRecord[] {
  const tell = teller()
  const error = new ModelError('http', 'Overloaded', { status: 529, cause: new TypeError('The connection was reset') })
  return [
    said('ready'),
    tell(chainRun, { type: 'start', input: { question: 'Why?' } }),
    tell(modelRun, { type: 'start', input: [{ role: 'user', content: 'Why do bears sleep?' }] }),
    tell(modelRun, { type: 'token', token: 'Be' }),
    tell(modelRun, { type: 'token', token: 'cause' }),
    tell(modelRun, {
      type: 'error',
      error,
      partial: 'Because',
      usage: { inputTokens: 1_000, outputTokens: 2_000 },
      answered: { model: 'm-1' },
    }),
    tell(chainRun, { type: 'error', error, partial: undefined }),
    said('over', { level: 'warning', category: ['app', 'chat'], properties: { tries: 2 } }),
  ]
}

export async function storeOf(records: readonly LogRecord[]): Promise<MemoryLogStore> {
  const store = new MemoryLogStore({ retain: {} })
  await store.append(records)
  return store
}

/** A store that does some things in its own way. */
export function standingFor(store: LogStore, own: Partial<LogStore>): LogStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export const many = (count: number, from = 0): readonly LogRecord[] =>
  Array.from({ length: count }, (_, i) => said(`line ${from + i}`, { at: from + i }))
