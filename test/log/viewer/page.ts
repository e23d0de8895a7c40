// Helpers: the viewer in a page, and logs to display.
import { ModelError, type Run, type RunEvent } from 'chaintap'
import { type LogRecord, type LogStore, MemoryLogStore } from 'chaintap/log'
import type { ChaintapLog } from 'chaintap/viewer'
import 'chaintap/viewer'
import { afterEach, expect } from 'vitest'
import { logMessage, run } from '../../contracts/log-store.ts'

/** The displayed element. */
export let element: ChaintapLog

afterEach(() => element?.remove())

/** Inserts the element into the page. */
export function show(store?: LogStore, style = '', created = document.createElement('chaintap-log')): ChaintapLog {
  element?.remove()
  element = created
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
  if (!found) throw new Error(`No element matches ${selector}`)
  return found
}

export const list = () => part('[role=tree]')
export const rows = () => [...root().querySelectorAll<HTMLElement>('[role=treeitem]')]
export const rowNamed = (name: string) => rows().find((row) => row.textContent.includes(name))
export const textsOf = (selector: string) => [...root().querySelectorAll(selector)].map(({ textContent }) => textContent)
export const names = () => rows().map((row) => row.querySelector('.name, .text')?.textContent)
export const button = (name: string) => {
  const found = [...root().querySelectorAll('button')].find(
    (candidate) => candidate.checkVisibility() && (candidate.ariaLabel ?? candidate.textContent).includes(name),
  )
  if (!found) throw new Error(`No visible button ${name}`)
  return found
}
export const eventually = (read: () => unknown) => expect.poll(read, { timeout: 10_000, interval: 20 })
export const press = (key: string, target: Element = list()) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true }))
export const activeName = () => {
  const id = list().getAttribute('aria-activedescendant')
  return id && root().getElementById(id)?.querySelector('.name, .text')?.textContent
}

export type Payload = RunEvent extends infer Event ? (Event extends RunEvent ? Omit<Event, 'run' | 'at' | 'seq'> : never) : never

/** Returns a function that creates the events of a tree, each 10 ms after the last. */
export function eventFactory(at = Date.now()): (run: Run, payload: Payload) => RunEvent {
  let seq = 0
  return (of, payload) => ({ run: of, at: at + seq * 10, seq: seq++, ...payload })
}

export const chainRun = run('root', { name: 'Chain', tags: ['chat'] })
export const modelRun = run('model', { name: 'Model', kind: 'chat_model', parentId: 'root', rootId: 'root' })

/** A chain whose model has failed, with a free record before and after it. */
export function failed(): readonly LogRecord[] {
  const emit = eventFactory()
  const error = new ModelError('http', 'Overloaded', { status: 529, cause: new TypeError('The connection was reset') })
  return [
    logMessage('ready'),
    emit(chainRun, { type: 'start', input: { question: 'Why?' } }),
    emit(modelRun, { type: 'start', input: [{ role: 'user', content: 'Why do bears sleep?' }] }),
    emit(modelRun, { type: 'token', token: 'Be' }),
    emit(modelRun, { type: 'token', token: 'cause' }),
    emit(modelRun, {
      type: 'error',
      error,
      partial: 'Because',
      usage: { inputTokens: 1_000, outputTokens: 2_000 },
      answered: { model: 'm-1' },
    }),
    emit(chainRun, { type: 'error', error, partial: undefined }),
    logMessage('over', { level: 'warning', category: ['app', 'chat'], properties: { tries: 2 } }),
  ]
}

export async function storeOf(records: readonly LogRecord[]): Promise<MemoryLogStore> {
  const store = new MemoryLogStore({ retain: {} })
  await store.append(records)
  return store
}

/** A proxy of a store with some methods replaced. */
export function withOverrides(store: LogStore, own: Partial<LogStore>): LogStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

export const many = (count: number, from = 0): readonly LogRecord[] =>
  Array.from({ length: count }, (_, i) => logMessage(`line ${from + i}`, { at: from + i }))
