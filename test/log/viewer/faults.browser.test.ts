// Malformed logs, and pages that interfere with the viewer.
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { type LogRecord, MemoryLogStore } from 'chaintap/log'
import { afterEach, describe, expect, test } from 'vitest'
import { cdp, server } from 'vitest/browser'
import { logMessage, run } from '../../contracts/log-store.ts'
import { tab } from '../../support/tab.ts'
import {
  button,
  element,
  eventFactory,
  eventually,
  failed,
  list,
  many,
  modelRun,
  names,
  part,
  press,
  root,
  rowNamed,
  show,
  storeOf,
  textsOf,
  withOverrides,
} from './page.ts'

const state = () => part('.foot .live').textContent

describe('<chaintap-log> when records are removed', () => {
  afterEach(() => {
    for (const frame of document.querySelectorAll('iframe')) frame.remove()
  })

  test('removes all lines after clear() and follows the log', async () => {
    const store = await storeOf([...many(2_500), ...failed()])
    show(store)
    await eventually(() => rowNamed('Chain')).toBeDefined()
    rowNamed('Chain')?.click()
    await eventually(() => part('.details').hidden).toBe(false)
    await store.clear()
    await eventually(names).toEqual([])
    expect(part('.details').hidden).toBe(true)
    await eventually(() => part('.empty').textContent).toContain('This log is empty')
    expect(root().querySelectorAll('.chip:not([hidden])')).toHaveLength(0)
    await store.append([logMessage('a new beginning')])
    await eventually(names).toEqual(['a new beginning'])
  })

  test('displays records written right after clear()', async () => {
    const store = await storeOf(failed())
    show(store)
    await eventually(names).toHaveLength(4)
    await eventually(state).toBe('live')
    await Promise.all([store.clear(), store.append([logMessage('after')])])
    await store.append([logMessage('later')])
    await eventually(() => names().at(-1)).toBe('later')
    await eventually(() => names().includes('Chain')).toBe(false)
  })

  test('removes all lines after another tab called clear()', async () => {
    const name = `cleared-${Math.random()}`
    const store = new IndexedDBLogStore({ name })
    const there = new (await tab()).IndexedDBLogStore({ name })
    try {
      await store.append(failed())
      show(store)
      await eventually(names).toHaveLength(4)
      await eventually(state).toBe('live')
      await there.clear()
      await eventually(names).toEqual([])
      await there.append([logMessage('from elsewhere')])
      await eventually(names).toEqual(['from elsewhere'])
    } finally {
      element.remove()
      for (const opened of [store, there]) await opened[Symbol.asyncDispose]()
      indexedDB.deleteDatabase(`chaintap:${name}`)
    }
  })

  test('keeps displayed records that retention has removed', async () => {
    const store = new MemoryLogStore({ retain: {} })
    for (let i = 0; i < 4; i++) await store.append(many(100, i * 100))
    show(store)
    await eventually(() => textsOf('.text').at(-1)).toBe('line 399')
    await eventually(state).toBe('live')
    await store.prune({ maxRecords: 150 })
    await store.append([logMessage('after')])
    await eventually(() => textsOf('.text').at(-1)).toBe('after')
    expect(part('.counts').textContent).toBe('401 records')
  })

  test('removes its onRemoval callback when it displays another log or leaves the page', async () => {
    const store = await storeOf(failed())
    show(store)
    await eventually(names).toHaveLength(4)
    expect(store.onRemoval.size).toBe(1)
    element.store = store
    expect(store.onRemoval.size).toBe(1)
    element.remove()
    await eventually(() => store.onRemoval.size).toBe(0)
  })
})

describe('<chaintap-log> with malformed records', () => {
  const contents: readonly unknown[] = [
    [null],
    ['text', 1],
    [{ type: 'text' }],
    [{ type: 'image', source: { type: 'base64', data: 'AA==' } }],
    [{ type: 'image', url: 1 }],
    [{ type: 'image', data: 1, mediaType: null }],
    [{ text: 'no type' }],
  ]
  const messages = [
    ...contents.map((content) => ({ role: 'user', content })),
    { role: 'assistant', content: 'x', toolCalls: 'none' },
    { role: 'assistant', content: 'x', toolCalls: [null, { name: 1 }] },
    { role: {}, content: 'x' },
    [[[]]],
    null,
  ]

  test.each(messages.map((message) => [JSON.stringify(message), message] as const))('displays %s', async (_, message) => {
    const emit = eventFactory()
    const records: LogRecord[] = [
      emit(modelRun, { type: 'start', input: [message] }),
      emit(modelRun, { type: 'end', output: message, usage: { inputTokens: null, outputTokens: 'x', cost: '1' } as never }),
    ]
    const store = await storeOf(records)
    show(store)
    await eventually(() => rowNamed('Model')).toBeDefined()
    rowNamed('Model')?.click()
    await eventually(() => textsOf('.section summary')).toEqual(['Input', 'Output', 'Run'])
    await store.append([logMessage('drawn after it')])
    await eventually(() => names().at(-1)).toBe('drawn after it')
    expect(part('.problem').hidden).toBe(true)
  })

  test('displays the first and last 100 of 20,000 events of a run', async () => {
    const emit = eventFactory()
    const progress = (data: number) => emit(modelRun, { type: 'custom', name: 'progress', data })
    const store = await storeOf([emit(modelRun, { type: 'start', input: 'Go' }), ...Array.from({ length: 20_000 }, (_, i) => progress(i))])
    show(store)
    await eventually(() => rowNamed('Model')).toBeDefined()
    rowNamed('Model')?.click()
    const sections = () => textsOf('.section')
    await eventually(() => sections().at(-2)).toBe('progress19999')
    expect(sections().slice(0, 2)).toEqual(['InputGo', 'progress0'])
    expect(sections().length).toBeLessThan(250)
    expect(sections().join()).toContain('19,801 more')
    store.write(progress(20_000))
    await eventually(() => sections().at(-3)).toBe('progress20000')
  })

  test('displays the error of a failed search', async () => {
    const store = await storeOf(failed())
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error('The disk is gone.')) }, { highWaterMark: 0 })
    show(withOverrides(store, { read: (query) => (query?.text ? broken : store.read(query)) }))
    await eventually(names).toHaveLength(4)
    const search = part<HTMLInputElement>('[aria-label=Search]')
    search.value = 'x'
    search.dispatchEvent(new Event('input', { bubbles: true }))
    await eventually(() => part('[role=alert]').textContent).toContain('The disk is gone.')
  })

  test('displays times at the limits of Date', async () => {
    const emit = eventFactory(8.64e15 - 15)
    const far = run('far', { name: 'Far' })
    show(
      await storeOf([
        logMessage('long ago', { at: -8.64e15 }),
        emit(far, { type: 'start', input: 1 }),
        emit(far, { type: 'text', text: 'x' }),
        emit(far, { type: 'end', output: 1 }),
      ]),
    )
    await eventually(() => new Set(names())).toEqual(new Set(['Far', 'long ago']))
    rowNamed('Far')?.click()
    await eventually(() => textsOf('.section summary')).toContain('Output')
  })
})

describe('<chaintap-log> in a page', () => {
  /** Presses a key; returns whether the page may still handle it. */
  const isPassedOn = press

  test('leaves Escape to the page if there is nothing to close', async () => {
    show(await storeOf(failed()))
    await eventually(names).toHaveLength(4)
    list().focus()
    expect(isPassedOn('Escape', list())).toBe(true)
    rowNamed('Chain')?.click()
    await eventually(() => part('.details').hidden).toBe(false)
    expect(isPassedOn('Escape', list())).toBe(false)
    expect(part('.details').hidden).toBe(true)
    const search = part<HTMLInputElement>('[aria-label=Search]')
    search.value = 'x'
    expect(isPassedOn('Escape', search)).toBe(false)
    expect(search.value).toBe('')
    search.focus()
    expect(isPassedOn('Escape', search)).toBe(false)
    expect(root().activeElement).toBe(list())
    expect(isPassedOn('Escape', button('error'))).toBe(true)
  })

  const moves = {
    appendChild: (place: Element) => place.appendChild(element),
    moveBefore: (place: Element) =>
      'moveBefore' in place ? Reflect.apply(place.moveBefore as () => void, place, [element, null]) : undefined,
  }

  test.each(Object.entries(moves))('keeps its state when it is moved by %s', async (_, move) => {
    show(await storeOf([...many(900), ...failed()]))
    await eventually(() => rowNamed('Chain')).toBeDefined()
    rowNamed('Chain')?.click()
    await eventually(() => textsOf('.section summary')).toContain('Input')
    list().scrollTop = 3_210
    await eventually(() => button('Jump to newest').checkVisibility()).toBe(true)
    const place = document.body.appendChild(document.createElement('div'))
    move(place)
    for (let i = 0; i < 3; i++) await new Promise(requestAnimationFrame)
    expect(Math.round(list().scrollTop)).toBe(3_210)
    expect(textsOf('.section summary')).toContain('Input')
    expect(part('.details').hidden).toBe(false)
    place.remove()
  })

  test('searches for characters of regular expressions literally', async () => {
    show(await storeOf([logMessage('a.b*c (d) [e] \\f ^g$'), logMessage('aXb*c')]))
    await eventually(names).toHaveLength(2)
    const search = part<HTMLInputElement>('[aria-label=Search]')
    for (const text of ['a.b*', '(d)', '[e', '\\f', '^g$']) {
      search.value = text
      search.dispatchEvent(new Event('input', { bubbles: true }))
      await eventually(names).toEqual(['a.b*c (d) [e] \\f ^g$'])
    }
    search.value = '[[['
    search.dispatchEvent(new Event('input', { bubbles: true }))
    await eventually(names).toEqual([])
    expect(part('.problem').hidden).toBe(true)
  })
})

const canForceColors = server.browser === 'chromium'

test.runIf(canForceColors)(
  '<chaintap-log> shows what is expanded, pressed and selected with forced colors (only Chromium can emulate them)',
  async () => {
    const colours = (value: string) => cdp().send('Emulation.setEmulatedMedia', { features: [{ name: 'forced-colors', value }] })
    await colours('active')
    try {
      show(await storeOf(failed()))
      await eventually(names).toHaveLength(4)
      rowNamed('Chain')?.click()
      button('error').click()
      await eventually(() => button('error').ariaPressed).toBe('true')
      const look = (selector: string, pseudo?: string) => getComputedStyle(part(selector), pseudo)
      const marker = look('.parent .toggle', '::before')
      expect(marker.borderTopColor).not.toBe(marker.borderRightColor)
      expect(look('.chip[aria-pressed=true]').outlineStyle).not.toBe(look('.chip[aria-pressed=false]').outlineStyle)
      expect(look('.row[aria-selected=true]').outlineStyle).not.toBe(look('.row[aria-selected=false]').outlineStyle)
    } finally {
      await colours('none')
    }
  },
)

test('<chaintap-log> announces that copying was refused', async () => {
  Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: () => Promise.reject(new Error('no')) } })
  try {
    show(await storeOf(failed()))
    await eventually(names).toHaveLength(4)
    rowNamed('Chain')?.click()
    await eventually(() => textsOf('.section summary')).toContain('Input')
    button('Copy text').click()
    await eventually(() => part('[role=status]').textContent).toContain('did not allow copying')
  } finally {
    Reflect.deleteProperty(navigator, 'clipboard')
  }
})
