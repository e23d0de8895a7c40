import axe from 'axe-core'
import type { RunEvent } from 'chaintap'
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { type LogRecord, type LogStore, MemoryLogStore } from 'chaintap/log'
import { priceTable } from 'chaintap/tokens'
import { describe, expect, test } from 'vitest'
import { logMessage, run } from '../../contracts/log-store.ts'
import {
  activeName,
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
  rows,
  show,
  storeOf,
  textsOf,
  withOverrides,
} from './page.ts'

/** Counts the streams of a store that are neither read to the end nor cancelled. */
function watched(store: LogStore): { readonly store: LogStore; readonly open: () => number } {
  const open = new Set<ReadableStream>()
  const watch = <T>(stream: ReadableStream<T>): ReadableStream<T> => {
    const reader = stream.getReader()
    const seen = new ReadableStream<T>(
      {
        async pull(controller) {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          open.delete(seen)
          controller.close()
        },
        cancel(reason) {
          open.delete(seen)
          return reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
    open.add(seen)
    return seen
  }
  const proxy = withOverrides(store, {
    read: (query) => watch(store.read(query)),
    tail: (filter) => watch(store.tail(filter)),
  })
  return { store: proxy, open: () => open.size }
}

describe('<chaintap-log>: lines', () => {
  test('only the visible ones of 50,000 records are in the DOM', async () => {
    show(await storeOf(many(50_000)))
    await eventually(() => rows().length).toBeGreaterThan(10)
    const most = { rows: 0 }
    const observer = new MutationObserver(() => {
      most.rows = Math.max(most.rows, rows().length)
    })
    observer.observe(root(), { childList: true, subtree: true })
    const height = rows()[0]?.getBoundingClientRect().height ?? 0
    expect(textsOf('.text').at(-1)).toBe('line 49999')
    // Scrolls to the oldest record, page by page.
    await expect
      .poll(
        () => {
          list().scrollTop = 0
          return list().scrollHeight
        },
        { timeout: 60_000, interval: 10 },
      )
      .toBeGreaterThan(49_999 * height)
    await eventually(() => {
      list().scrollTop = 0
      return textsOf('.text')[0]
    }).toBe('line 0')
    for (const part of [0.2, 0.55, 0.9, 1]) {
      list().scrollTop = part * list().scrollHeight
      await eventually(() => rows().some((row) => row.getBoundingClientRect().top <= list().getBoundingClientRect().top + 1)).toBe(true)
    }
    observer.disconnect()
    expect(Math.max(most.rows, rows().length)).toBeLessThan(80)
    expect(root().querySelectorAll('*').length).toBeLessThan(1_000)
  }, 120_000)

  test('are a tree with level, position, and the name first', async () => {
    show(await storeOf(failed()))
    await eventually(names).toEqual(['ready', 'Chain', 'Model', 'over'])
    const attributes = ['aria-level', 'aria-posinset', 'aria-setsize', 'aria-expanded']
    expect(rows().map((row) => attributes.map((name) => row.getAttribute(name)))).toEqual([
      ['1', '1', '3', null],
      ['1', '2', '3', 'true'],
      ['2', '1', '1', null],
      ['1', '3', '3', null],
    ])
    const words = (name: string) => [...(rowNamed(name)?.children ?? [])].slice(0, -1).map(({ textContent }) => textContent)
    expect(words('Model')).toEqual(['chat modelModel', '', 'failed · 100/s · 1000 in, 2000 out', '30 ms'])
    expect(words('over')).toEqual(['warning', 'app.chat', 'over'])
  })

  test('have bars on one time axis, with a mark at the first token', async () => {
    show(await storeOf(failed()))
    await eventually(() => rowNamed('Model')).toBeDefined()
    const [lane, bar, wait] = ['.lane', '.bar', '.wait'].map((name) => rowNamed('Model')?.querySelector(name)?.getBoundingClientRect())
    if (!lane || !bar || !wait) throw new Error('No bar')
    // The chain takes 50 ms. Its model starts after 10 ms and takes 30 ms, of which it waits 10 ms for the first token.
    expect((bar.left - lane.left) / lane.width).toBeCloseTo(0.2, 1)
    expect(bar.width / lane.width).toBeCloseTo(0.6, 1)
    expect(wait.width / bar.width).toBeCloseTo(1 / 3, 1)
  })

  test('follow new records while the newest is visible, and keep their position otherwise', async () => {
    const store = await storeOf(many(300))
    show(store)
    await eventually(() => textsOf('.text').at(-1)).toBe('line 299')
    await store.append(many(50, 300))
    await eventually(() => textsOf('.text').at(-1)).toBe('line 349')
    list().scrollTop = list().scrollHeight / 2
    await eventually(() => button('Jump to newest').textContent).toBe('↓ Jump to newest')
    const edge = () => rows().find((row) => row.getBoundingClientRect().bottom > list().getBoundingClientRect().top + 1)?.textContent
    const before = edge()
    await store.append(many(20, 350))
    await eventually(() => button('Jump to newest').textContent).toBe('↓ Jump to newest · 20 new')
    expect(edge()).toBe(before)
    button('Jump to newest').click()
    await eventually(() => textsOf('.text').at(-1)).toBe('line 369')
    expect(part('.newest').hidden).toBe(true)
  })

  test('keep their position when older ones are added above them', async () => {
    show(await storeOf(many(5_000)))
    await eventually(() => textsOf('.text').at(-1)).toBe('line 4999')
    const height = list().scrollHeight
    list().scrollTop = 320
    await eventually(() => list().scrollHeight).toBeGreaterThan(height)
    await eventually(() => list().scrollTop).toBeGreaterThan(320)
    const top = list().getBoundingClientRect().top
    // The tenth of the first page of 2,000 records.
    expect(rows().find((row) => Math.abs(row.getBoundingClientRect().top - top) < 2)?.textContent).toContain('line 3010')
  })

  test('are replaced by instructions if there are none', async () => {
    show()
    await eventually(() => part('.empty').textContent).toContain('element.store = store')
    element.store = new MemoryLogStore()
    await eventually(() => part('.empty').textContent).toContain('logHandler(store)')
    element.store.write(logMessage('hello'))
    await eventually(names).toEqual(['hello'])
    expect(part('.empty').hidden).toBe(true)
  })
})

describe('<chaintap-log>: search and filters', () => {
  test('filter by level, kind, tag and time, with counts', async () => {
    show(await storeOf(failed()))
    await eventually(() => textsOf('.chip')).toEqual(['info 1', 'warning 1', 'error 2', 'chain 1', 'chat model 1', 'message 2'])
    button('warning').click()
    await eventually(names).toEqual(['over'])
    expect(button('warning').ariaPressed).toBe('true')
    expect(part('.counts').textContent).toContain('1 of 3 lines')
    button('warning').click()
    button('chat model').click()
    await eventually(names).toEqual(['Chain', 'Model'])
    button('Clear filters').click()
    await eventually(names).toHaveLength(4)
    const tag = part<HTMLSelectElement>('[aria-label=Tag]')
    expect([...tag.options].map(({ text }) => text)).toEqual(['Any tag', 'chat (1)'])
    tag.value = 'chat'
    tag.dispatchEvent(new Event('input', { bubbles: true }))
    await eventually(names).toEqual(['Chain'])
    tag.value = ''
    const time = part<HTMLSelectElement>('[aria-label=Time]')
    time.value = '300000'
    time.dispatchEvent(new Event('input', { bubbles: true }))
    // The free records are from 1970.
    await eventually(names).toEqual(['Chain', 'Model'])
  })

  test('search the whole log and new records', async () => {
    const store = await storeOf([...failed(), ...many(3_000)])
    show(store)
    await eventually(() => rows().length).toBeGreaterThan(10)
    const search = part<HTMLInputElement>('[aria-label=Search]')
    press('/')
    expect(root().activeElement).toBe(search)
    search.value = 'connection was RESET'
    search.dispatchEvent(new Event('input', { bubbles: true }))
    await eventually(names).toEqual(['Chain', 'Model'])
    await eventually(() => part('[role=status]').textContent).toBe('2 lines found.')
    store.write(logMessage('The connection was reset again'))
    store.write(logMessage('nothing of interest'))
    await eventually(names).toEqual(['Chain', 'Model', 'The connection was reset again'])
    press('Escape', search)
    await eventually(() => rows().length).toBeGreaterThan(10)
    expect(search.value).toBe('')
  })

  test('offer to clear the filters if no line matches', async () => {
    show(await storeOf(failed()))
    await eventually(names).toHaveLength(4)
    const search = part<HTMLInputElement>('[aria-label=Search]')
    search.value = 'no such thing'
    search.dispatchEvent(new Event('input', { bubbles: true }))
    await eventually(() => part('.empty').textContent).toContain('No lines match')
    button('Clear filters').click()
    await eventually(names).toHaveLength(4)
  })
})

describe('<chaintap-log>: details', () => {
  const sections = () =>
    Object.fromEntries([...root().querySelectorAll('.section')].map((section) => [section.querySelector('summary')?.textContent, section]))

  test('display messages, usage, cost, and an error with its causes', async () => {
    show(await storeOf(failed()))
    element.prices = priceTable({ 'm-1': { input: 1, output: 5 } })
    await eventually(names).toHaveLength(4)
    rowNamed('Model')?.click()
    await eventually(() => sections().Error?.textContent).toContain('ModelError: Overloaded')
    expect(sections().Error?.textContent).toContain('caused byTypeError: The connection was reset')
    expect(sections().Input?.textContent).toBe('InputuserWhy do bears sleep?')
    expect(sections()['Partial output']?.textContent).toContain('Because')
    const figures = Object.fromEntries(
      [...root().querySelectorAll('.figures > div')].map((figure) => [...figure.children].map((part) => part.textContent)),
    )
    expect(figures).toMatchObject({
      State: 'failed',
      'First token': '10 ms',
      Input: '1,000 tokens',
      Output: '2,000 tokens',
      Cost: '0.0110 USD',
      Model: 'm-1',
    })
    rowNamed('over')?.click()
    await eventually(() => sections().Properties?.textContent).toContain('"tries": 2')
    button('Close details').click()
    expect(part('.details').hidden).toBe(true)
    expect(root().activeElement).toBe(list())
  })

  test('display the output of a model while it streams', async () => {
    const store = new MemoryLogStore()
    show(store)
    await eventually(() => part('.foot .live').textContent).toBe('live')
    const emit = eventFactory()
    for (const event of [emit(modelRun, { type: 'start', input: 'Hi' }), emit(modelRun, { type: 'token', token: 'Bears ' })])
      store.write(event)
    await eventually(() => rowNamed('Model')?.dataset.state).toBe('running')
    rowNamed('Model')?.click()
    await eventually(() => sections().Output?.querySelector('pre')?.textContent).toBe('Bears ')
    const output = sections().Output
    store.write(emit(modelRun, { type: 'token', token: 'sleep' }))
    await eventually(() => output?.querySelector('pre')?.textContent).toBe('Bears sleep')
    store.write(emit(modelRun, { type: 'end', output: 'Bears sleep.' }))
    await eventually(() => sections().Output?.textContent).toBe('OutputBears sleep.')
    await eventually(() => rowNamed('Model')?.dataset.state).toBe('ended')
  })

  test('are copied as text and as JSON', async () => {
    const copied: string[] = []
    Object.defineProperty(navigator, 'clipboard', {
      configurable: true,
      value: { writeText: async (text: string) => void copied.push(text) },
    })
    try {
      show(await storeOf(failed()))
      await eventually(names).toHaveLength(4)
      rowNamed('Chain')?.click()
      // The last event of the run: all events have been read.
      await eventually(() => textsOf('.section summary')).toContain('Error')
      button('Copy text').click()
      await eventually(() => copied).toHaveLength(1)
      button('Copy JSON').click()
      await eventually(() => copied).toHaveLength(2)
      expect(copied[0]).toContain('chain Chain\nState: failed')
      expect((JSON.parse(copied[1] ?? '') as RunEvent[]).map(({ type }) => type)).toEqual([
        'start',
        'start',
        'token',
        'token',
        'error',
        'error',
      ])
      await eventually(() => part('[role=status]').textContent).toContain('Copied.')
    } finally {
      Reflect.deleteProperty(navigator, 'clipboard')
    }
  })
})

describe('<chaintap-log>: keys', () => {
  test('move through the lines, expand and collapse them', async () => {
    show(await storeOf(failed()))
    await eventually(names).toHaveLength(4)
    list().focus()
    const pressAndExpect = async (key: string, name: string) => {
      press(key)
      await eventually(activeName).toBe(name)
    }
    await pressAndExpect('End', 'over')
    await pressAndExpect('ArrowUp', 'Model')
    await pressAndExpect('ArrowLeft', 'Chain')
    await pressAndExpect('ArrowLeft', 'Chain')
    await eventually(names).toEqual(['ready', 'Chain', 'over'])
    expect(rowNamed('Chain')?.ariaExpanded).toBe('false')
    await pressAndExpect('ArrowRight', 'Chain')
    await pressAndExpect('ArrowRight', 'Model')
    await pressAndExpect('Home', 'ready')
    await pressAndExpect('ArrowDown', 'Chain')
    press('Enter')
    await eventually(() => root().activeElement?.className).toBe('body')
    await eventually(() => part('.title').textContent).toBe('chainChain')
    press('Escape', part('.body'))
    expect(part('.details').hidden).toBe(true)
    expect(root().activeElement).toBe(list())
  })

  test('are mirrored in right-to-left pages', async () => {
    show(await storeOf(failed()), 'direction: rtl')
    await eventually(names).toHaveLength(4)
    press('End')
    press('ArrowUp')
    press('ArrowRight')
    await eventually(activeName).toBe('Chain')
    press('ArrowRight')
    await eventually(names).toHaveLength(3)
    const lane = rowNamed('Chain')?.querySelector('.lane')?.getBoundingClientRect()
    const name = rowNamed('Chain')?.querySelector('.name')?.getBoundingClientRect()
    expect(lane && name && lane.right <= name.left).toBe(true)
  })

  test('reach lines that are not in the DOM', async () => {
    show(await storeOf(many(900)))
    await eventually(() => textsOf('.text').at(-1)).toBe('line 899')
    press('Home')
    await eventually(activeName).toBe('line 0')
    press('PageDown')
    await eventually(activeName).toMatch(/^line 1\d$/)
    press('End')
    await eventually(activeName).toBe('line 899')
    expect(rows().length).toBeLessThan(80)
  })
})

test('<chaintap-log> displays records that another store writes to the same IndexedDB log', async () => {
  const name = `viewer-${Math.random()}`
  const [store, other] = [new IndexedDBLogStore({ name }), new IndexedDBLogStore({ name })]
  try {
    await store.append(failed())
    show(store)
    await eventually(names).toEqual(['ready', 'Chain', 'Model', 'over'])
    rowNamed('Model')?.click()
    await eventually(() => textsOf('.section summary')).toContain('Error')
    await other.append([logMessage('from elsewhere')])
    await eventually(names).toHaveLength(5)
    element.remove()
  } finally {
    for (const opened of [store, other]) await opened[Symbol.asyncDispose]()
    indexedDB.deleteDatabase(`chaintap:${name}`)
  }
})

describe('<chaintap-log>: safety', () => {
  test('displays all content as text', async () => {
    const evil = '<img src=x onerror="window.hurt = true"><script>window.hurt = true</script>'
    const of = run('evil', { name: evil, tags: [evil], metadata: { [evil]: evil } })
    const emit = eventFactory()
    const error = Object.assign(new Error(evil, { cause: new Error(evil) }), { name: evil, [evil]: evil })
    const messages = [
      { role: evil, content: evil },
      { role: 'assistant', content: [{ type: evil, text: evil }], toolCalls: [{ id: '1', name: evil, args: { [evil]: evil } }] },
    ]
    const records: LogRecord[] = [
      emit(of, { type: 'start', input: messages }),
      emit(of, { type: 'token', token: evil }),
      emit(of, { type: 'text', text: evil }),
      emit(of, { type: 'action', action: { tool: evil, toolInput: evil, log: evil } }),
      emit(of, { type: 'finish', finish: { returnValues: { [evil]: evil }, log: evil } }),
      emit(of, { type: 'custom', name: evil, data: evil }),
      emit(of, { type: 'retry', attempt: 1, error }),
      emit(of, { type: 'error', error, partial: evil, answered: { model: evil } }),
      logMessage(evil, { category: [evil], properties: { [evil]: evil } }),
    ]
    show(await storeOf(records))
    await eventually(() => rows().length).toBe(2)
    for (const row of rows()) {
      row.click()
      await eventually(() => part('.sections').textContent).toContain(evil)
    }
    rows()[0]?.click()
    await eventually(() => textsOf('.section summary').length).toBeGreaterThan(8)
    expect(root().querySelectorAll('img, script')).toHaveLength(0)
    expect('hurt' in window).toBe(false)
  })

  test('cancels all reads outside the page and displays the log again back in it', async () => {
    const whole = await storeOf([...many(3_000), ...failed()])
    // The read for the details never ends.
    const { store, open } = watched(withOverrides(whole, { read: (query) => (query?.runId ? new ReadableStream() : whole.read(query)) }))
    show(store)
    await eventually(() => rowNamed('Chain')).toBeDefined()
    rowNamed('Chain')?.click()
    await eventually(() => part('.details').hidden).toBe(false)
    const search = part<HTMLInputElement>('[aria-label=Search]')
    search.value = 'line'
    search.dispatchEvent(new Event('input', { bubbles: true }))
    await eventually(() => part('[role=status]').textContent).toContain('found')
    expect(open()).toBeGreaterThan(0)
    element.remove()
    await eventually(open).toBe(0)
    document.body.appendChild(element)
    await eventually(() => part('.foot .live').textContent).toBe('live')
    store.write(logMessage('one more line'))
    await eventually(() => textsOf('.text').at(-1)).toBe('one more line')
    element.store = await storeOf([logMessage('line of another log')])
    await eventually(names).toEqual(['line of another log'])
    await eventually(open).toBe(0)
    element.store = undefined
    await eventually(() => part('.empty').textContent).toContain('No log')
  })

  test('displays a read error with a button that tries again', async () => {
    const store = await storeOf(failed())
    let isBroken = true
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error('The disk is full: free some space.')) }, { highWaterMark: 0 })
    show(withOverrides(store, { read: (query) => (isBroken ? broken : store.read(query)) }))
    await eventually(() => part('[role=alert]').textContent).toContain('The disk is full: free some space.')
    isBroken = false
    button('Try again').click()
    await eventually(names).toHaveLength(4)
    expect(part('[role=alert]').hidden).toBe(true)
  })

  test('displays the state closed after the log was closed', async () => {
    const store = await storeOf(failed())
    show(store)
    await eventually(() => part('.foot .live').textContent).toBe('live')
    await store[Symbol.asyncDispose]()
    await eventually(() => part('.foot .live').textContent).toBe('closed')
    expect(names()).toHaveLength(4)
  })

  test('displays a store that was set before the element was defined', async () => {
    const store = await storeOf([logMessage('early')])
    show(store, '', document.implementation.createHTMLDocument().createElement('chaintap-log'))
    await eventually(names).toEqual(['early'])
  })
})

test.each(['light', 'dark'])('<chaintap-log> passes axe in the %s theme', async (scheme) => {
  const store = await storeOf(failed())
  show(store, `color-scheme: ${scheme}`)
  await eventually(names).toHaveLength(4)
  const emit = eventFactory()
  store.write(emit(run('live', { name: 'Live', kind: 'tool' }), { type: 'start', input: 1 }))
  rowNamed('Model')?.click()
  button('error').click()
  await eventually(() => textsOf('.section summary')).toContain('Error')
  button('error').click()
  await eventually(names).toHaveLength(5)
  // The chain is displayed only as the parent of a match.
  button('chat model').click()
  await eventually(() => rowNamed('Chain')?.className).toContain('context')
  const { violations, passes } = await axe.run(element, { rules: { region: { enabled: false } } })
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`),
  ).toEqual([])
  expect(passes.map(({ id }) => id)).toContain('color-contrast')
})
