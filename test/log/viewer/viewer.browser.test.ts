import axe from 'axe-core'
import type { RunEvent } from 'chaintap'
import { IndexedDBLogStore } from 'chaintap/indexeddb'
import { type LogRecord, type LogStore, MemoryLogStore } from 'chaintap/log'
import { priceTable } from 'chaintap/tokens'
import { describe, expect, test } from 'vitest'
import { run, said } from '../../contracts/log-store.ts'
import {
  activeName,
  button,
  element,
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
  standingFor,
  storeOf,
  teller,
  textsOf,
} from './page.ts'

/** A store that counts which of its streams are still read from. */
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
  const stands = standingFor(store, {
    read: (query) => watch(store.read(query)),
    tail: (filter) => watch(store.tail(filter)),
  })
  return { store: stands, open: () => open.size }
}

describe('the lines', () => {
  test('of 50,000 records only those that can be seen are in the page', async () => {
    show(await storeOf(many(50_000)))
    await eventually(() => rows().length).toBeGreaterThan(10)
    const most = { rows: 0 }
    const observer = new MutationObserver(() => {
      most.rows = Math.max(most.rows, rows().length)
    })
    observer.observe(root(), { childList: true, subtree: true })
    const height = rows()[0]?.getBoundingClientRect().height ?? 0
    expect(textsOf('.said').at(-1)).toBe('line 49999')
    // Up to the oldest, page by page.
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
      return textsOf('.said')[0]
    }).toBe('line 0')
    for (const part of [0.2, 0.55, 0.9, 1]) {
      list().scrollTop = part * list().scrollHeight
      await eventually(() => rows().some((row) => row.getBoundingClientRect().top <= list().getBoundingClientRect().top + 1)).toBe(true)
    }
    observer.disconnect()
    expect(Math.max(most.rows, rows().length)).toBeLessThan(80)
    expect(root().querySelectorAll('*').length).toBeLessThan(1_000)
  }, 120_000)

  test('stand as a tree, each with its level, its place and its name', async () => {
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

  test('lie on one line of time, with a mark where the first token came', async () => {
    show(await storeOf(failed()))
    await eventually(() => rowNamed('Model')).toBeDefined()
    const [lane, bar, wait] = ['.lane', '.bar', '.wait'].map((name) => rowNamed('Model')?.querySelector(name)?.getBoundingClientRect())
    if (!lane || !bar || !wait) throw new Error('There is no bar')
    // The chain takes 50 ms, its model 30 ms from the tenth on, of which it waits 10.
    expect((bar.left - lane.left) / lane.width).toBeCloseTo(0.2, 1)
    expect(bar.width / lane.width).toBeCloseTo(0.6, 1)
    expect(wait.width / bar.width).toBeCloseTo(1 / 3, 1)
  })

  test('follow what comes while the newest is in sight, and stay where they are otherwise', async () => {
    const store = await storeOf(many(300))
    show(store)
    await eventually(() => textsOf('.said').at(-1)).toBe('line 299')
    await store.append(many(50, 300))
    await eventually(() => textsOf('.said').at(-1)).toBe('line 349')
    list().scrollTop = list().scrollHeight / 2
    await eventually(() => button('Jump to newest').textContent).toBe('↓ Jump to newest')
    const edge = () => rows().find((row) => row.getBoundingClientRect().bottom > list().getBoundingClientRect().top + 1)?.textContent
    const before = edge()
    await store.append(many(20, 350))
    await eventually(() => button('Jump to newest').textContent).toBe('↓ Jump to newest · 20 new')
    expect(edge()).toBe(before)
    button('Jump to newest').click()
    await eventually(() => textsOf('.said').at(-1)).toBe('line 369')
    expect(part('.newest').hidden).toBe(true)
  })

  test('stay where they are when older ones come above them', async () => {
    show(await storeOf(many(5_000)))
    await eventually(() => textsOf('.said').at(-1)).toBe('line 4999')
    const height = list().scrollHeight
    list().scrollTop = 320
    await eventually(() => list().scrollHeight).toBeGreaterThan(height)
    await eventually(() => list().scrollTop).toBeGreaterThan(320)
    const top = list().getBoundingClientRect().top
    // The tenth of the 2,000 that were read first.
    expect(rows().find((row) => Math.abs(row.getBoundingClientRect().top - top) < 2)?.textContent).toContain('line 3010')
  })

  test('tell what is to be done where there are none', async () => {
    show()
    await eventually(() => part('.empty').textContent).toContain('element.store = log.store')
    element.store = new MemoryLogStore()
    await eventually(() => part('.empty').textContent).toContain('logHandler(store)')
    element.store.write(said('hello'))
    await eventually(names).toEqual(['hello'])
    expect(part('.empty').hidden).toBe(true)
  })
})

describe('search and filters', () => {
  test('are controls with counts', async () => {
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
    // What was said was said in 1970.
    await eventually(names).toEqual(['Chain', 'Model'])
  })

  test('a text is looked for in the whole log, and in what comes', async () => {
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
    store.write(said('The connection was reset again'))
    store.write(said('nothing of interest'))
    await eventually(names).toEqual(['Chain', 'Model', 'The connection was reset again'])
    press('Escape', search)
    await eventually(() => rows().length).toBeGreaterThan(10)
    expect(search.value).toBe('')
  })

  test('what nothing meets is said, with a way back', async () => {
    show(await storeOf(failed()))
    await eventually(names).toHaveLength(4)
    const search = part<HTMLInputElement>('[aria-label=Search]')
    search.value = 'no such thing'
    search.dispatchEvent(new Event('input', { bubbles: true }))
    await eventually(() => part('.empty').textContent).toContain('Nothing matches')
    button('Clear filters').click()
    await eventually(names).toHaveLength(4)
  })
})

describe('details', () => {
  const sections = () =>
    Object.fromEntries([...root().querySelectorAll('.section')].map((section) => [section.querySelector('summary')?.textContent, section]))

  test('show messages, usage, cost, and an error with its causes', async () => {
    show(await storeOf(failed()))
    element.prices = priceTable({ 'm-1': { input: 1, output: 5 } })
    await eventually(names).toHaveLength(4)
    rowNamed('Model')?.click()
    await eventually(() => sections().Error?.textContent).toContain('ModelError: Overloaded')
    expect(sections().Error?.textContent).toContain('caused byTypeError: The connection was reset')
    expect(sections().Input?.textContent).toBe('InputuserWhy do bears sleep?')
    expect(sections()['Until then']?.textContent).toContain('Because')
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

  test('show what a model says while it says it', async () => {
    const store = new MemoryLogStore()
    show(store)
    await eventually(() => part('.foot .live').textContent).toBe('live')
    const tell = teller()
    for (const told of [tell(modelRun, { type: 'start', input: 'Hi' }), tell(modelRun, { type: 'token', token: 'Bears ' })])
      store.write(told)
    await eventually(() => rowNamed('Model')?.dataset.state).toBe('running')
    rowNamed('Model')?.click()
    await eventually(() => sections().Output?.querySelector('pre')?.textContent).toBe('Bears ')
    const output = sections().Output
    store.write(tell(modelRun, { type: 'token', token: 'sleep' }))
    await eventually(() => output?.querySelector('pre')?.textContent).toBe('Bears sleep')
    store.write(tell(modelRun, { type: 'end', output: 'Bears sleep.' }))
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
      // The last event of the run: all of it has been read.
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

describe('keys', () => {
  test('go through the lines, open and close them', async () => {
    show(await storeOf(failed()))
    await eventually(names).toHaveLength(4)
    list().focus()
    const goes = async (key: string, name: string) => {
      press(key)
      await eventually(activeName).toBe(name)
    }
    await goes('End', 'over')
    await goes('ArrowUp', 'Model')
    await goes('ArrowLeft', 'Chain')
    await goes('ArrowLeft', 'Chain')
    await eventually(names).toEqual(['ready', 'Chain', 'over'])
    expect(rowNamed('Chain')?.ariaExpanded).toBe('false')
    await goes('ArrowRight', 'Chain')
    await goes('ArrowRight', 'Model')
    await goes('Home', 'ready')
    await goes('ArrowDown', 'Chain')
    press('Enter')
    await eventually(() => root().activeElement?.className).toBe('body')
    await eventually(() => part('.title').textContent).toBe('chainChain')
    press('Escape', part('.body'))
    expect(part('.details').hidden).toBe(true)
    expect(root().activeElement).toBe(list())
  })

  test('go the other way where text runs from right to left', async () => {
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

  test('reach lines far away, of which only those in sight are in the page', async () => {
    show(await storeOf(many(900)))
    await eventually(() => textsOf('.said').at(-1)).toBe('line 899')
    press('Home')
    await eventually(activeName).toBe('line 0')
    press('PageDown')
    await eventually(activeName).toMatch(/^line 1\d$/)
    press('End')
    await eventually(activeName).toBe('line 899')
    expect(rows().length).toBeLessThan(80)
  })
})

test('a log in IndexedDB is followed, whoever writes to it', async () => {
  const name = `viewer-${Math.random()}`
  const [store, other] = [new IndexedDBLogStore({ name }), new IndexedDBLogStore({ name })]
  try {
    await store.append(failed())
    show(store)
    await eventually(names).toEqual(['ready', 'Chain', 'Model', 'over'])
    rowNamed('Model')?.click()
    await eventually(() => textsOf('.section summary')).toContain('Error')
    await other.append([said('from elsewhere')])
    await eventually(names).toHaveLength(5)
    element.remove()
  } finally {
    for (const each of [store, other]) await each[Symbol.asyncDispose]()
    indexedDB.deleteDatabase(`chaintap:${name}`)
  }
})

describe('safety', () => {
  test('whatever a log says is shown as text', async () => {
    const evil = '<img src=x onerror="window.hurt = true"><script>window.hurt = true</script>'
    const of = run('evil', { name: evil, tags: [evil], metadata: { [evil]: evil } })
    const tell = teller()
    const error = Object.assign(new Error(evil, { cause: new Error(evil) }), { name: evil, [evil]: evil })
    const messages = [
      { role: evil, content: evil },
      { role: 'assistant', content: [{ type: evil, text: evil }], toolCalls: [{ id: '1', name: evil, args: { [evil]: evil } }] },
    ]
    const records: LogRecord[] = [
      tell(of, { type: 'start', input: messages }),
      tell(of, { type: 'token', token: evil }),
      tell(of, { type: 'text', text: evil }),
      tell(of, { type: 'action', action: { tool: evil, toolInput: evil, log: evil } }),
      tell(of, { type: 'finish', finish: { returnValues: { [evil]: evil }, log: evil } }),
      tell(of, { type: 'custom', name: evil, data: evil }),
      tell(of, { type: 'retry', attempt: 1, error }),
      tell(of, { type: 'error', error, partial: evil, answered: { model: evil } }),
      said(evil, { category: [evil], properties: { [evil]: evil } }),
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

  test('what is out of the page reads nothing; back in it, it shows the log again', async () => {
    const whole = await storeOf([...many(3_000), ...failed()])
    // What is read for details does not end.
    const { store, open } = watched(standingFor(whole, { read: (query) => (query?.runId ? new ReadableStream() : whole.read(query)) }))
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
    store.write(said('one more line'))
    await eventually(() => textsOf('.said').at(-1)).toBe('one more line')
    element.store = await storeOf([said('line of another log')])
    await eventually(names).toEqual(['line of another log'])
    await eventually(open).toBe(0)
    element.store = undefined
    await eventually(() => part('.empty').textContent).toContain('No log')
  })

  test('a log that cannot be read says why, and can be tried again', async () => {
    const store = await storeOf(failed())
    let isBroken = true
    const broken = new ReadableStream({ pull: () => Promise.reject(new Error('The disk is full: free some space.')) }, { highWaterMark: 0 })
    show(standingFor(store, { read: (query) => (isBroken ? broken : store.read(query)) }))
    await eventually(() => part('[role=alert]').textContent).toContain('The disk is full: free some space.')
    isBroken = false
    button('Try again').click()
    await eventually(names).toHaveLength(4)
    expect(part('[role=alert]').hidden).toBe(true)
  })

  test('a log that is closed meanwhile is said to be', async () => {
    const store = await storeOf(failed())
    show(store)
    await eventually(() => part('.foot .live').textContent).toBe('live')
    await store[Symbol.asyncDispose]()
    await eventually(() => part('.foot .live').textContent).toBe('closed')
    expect(names()).toHaveLength(4)
  })

  test('a store that was given before the element was defined is shown', async () => {
    const store = await storeOf([said('early')])
    show(store, '', document.implementation.createHTMLDocument().createElement('chaintap-log'))
    await eventually(names).toEqual(['early'])
  })
})

test.each(['light', 'dark'])('axe finds nothing in the %s theme', async (scheme) => {
  const store = await storeOf(failed())
  show(store, `color-scheme: ${scheme}`)
  await eventually(names).toHaveLength(4)
  const tell = teller()
  store.write(tell(run('live', { name: 'Live', kind: 'tool' }), { type: 'start', input: 1 }))
  rowNamed('Model')?.click()
  button('error').click()
  await eventually(() => textsOf('.section summary')).toContain('Error')
  button('error').click()
  await eventually(names).toHaveLength(5)
  // Its chain is there for it alone.
  button('chat model').click()
  await eventually(() => rowNamed('Chain')?.className).toContain('beside')
  const { violations, passes } = await axe.run(element, { rules: { region: { enabled: false } } })
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`),
  ).toEqual([])
  expect(passes.map(({ id }) => id)).toContain('color-contrast')
})
