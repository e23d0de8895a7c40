import { type Delta, type Message, StringOutputParser } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'

const text = (text: string): Delta => ({ type: 'text', text })

async function said(stream: AsyncIterable<Delta>): Promise<{ deltas: Delta[]; error?: unknown }> {
  const deltas: Delta[] = []
  try {
    for await (const delta of stream) deltas.push(delta)
    return { deltas }
  } catch (error) {
    return { deltas, error }
  }
}

describe('what it answers', () => {
  test('a string in one token, a list in several, Deltas as they are', async () => {
    const stop: Delta = { type: 'stop', reason: 'end_turn' }
    const model = scriptedModel(['Hello', ['Hel', 'lo'], ['Hi', stop]])
    expect(await said(model.stream('x'))).toEqual({ deltas: [text('Hello')] })
    expect(await said(model.stream('x'))).toEqual({ deltas: [text('Hel'), text('lo')] })
    expect(await said(model.stream('x'))).toEqual({ deltas: [text('Hi'), stop] })
  })

  test('folded it is a message, and the last answer repeats', async () => {
    const model = scriptedModel([{ tokens: ['Hel', 'lo'], usage: { outputTokens: 2 } }])
    const message = { role: 'assistant', content: 'Hello', usage: { outputTokens: 2 } }
    expect(await model.invoke('x')).toEqual(message)
    expect(await model.invoke('x')).toEqual(message)
    expect(model.record).toMatchObject({ open: 0, cancels: [] })
  })

  test('an Error refuses before anything is said', async () => {
    const refused = new Error('refused')
    expect(await said(scriptedModel([refused]).stream('x'))).toEqual({ deltas: [], error: refused })
  })

  test('P3: an error after tokens comes after them', async () => {
    const error = new Error('cut')
    const model = scriptedModel([{ tokens: ['a', 'b'], error }])
    expect(await said(model.stream('x'))).toEqual({ deltas: [text('a'), text('b')], error })
    expect(model.record).toMatchObject({ open: 0, cancels: [] })
  })

  test('a function is given the messages and the number of the call', async () => {
    const model = scriptedModel(async (messages, index) => `${index}: ${messages.map(({ role }) => role).join(' ')}`)
    await model.invoke('x')
    expect(await model.invoke([['system', 'Be brief.'], 'x'])).toMatchObject({ content: '1: system user' })
  })

  test('a script without answers says what to write', async () => {
    await expect(scriptedModel([]).invoke('x')).rejects.toMatchObject({ code: 'invalid_options' })
  })
})

describe('its runs', () => {
  const own = { name: 'Parrot', tags: ['own'], metadata: { zoo: 1 } }

  test('are of a chat model, with the name, tags, metadata and callbacks it was made with', async () => {
    const heard = recorder()
    await scriptedModel(['a'], { ...own, callbacks: [heard] }).invoke('x')
    const input: Message[] = [{ role: 'user', content: 'x' }]
    expect(heard.events[0]).toMatchObject({
      type: 'start',
      input,
      run: { kind: 'chat_model', name: 'Parrot', tags: ['own'], metadata: { zoo: 1 } },
    })
  })

  test('tell tokens where a stream is read, and in invoke only with streaming: true', async () => {
    const trace = async (streaming: boolean, whole: boolean) => {
      const callbacks = [recorder()]
      const chain = scriptedModel([['a', 'b']], { streaming }).pipe(new StringOutputParser())
      await (whole ? chain.invoke('x', { callbacks }) : chain.stream('x', { callbacks }).drain())
      return callbacks[0]?.trace().filter((line) => line.startsWith('T'))
    }
    expect(await trace(false, false)).toEqual(['T a', 'T b'])
    expect(await trace(false, true)).toEqual([])
    expect(await trace(true, true)).toEqual(['T a', 'T b'])
  })

  test('report the usage of the script, and none where it has none', async () => {
    const stream = scriptedModel([{ tokens: ['a'], usage: { outputTokens: 1 } }, 'b'])
    const usage = async () => {
      const run = stream.stream('x')
      await run.drain()
      return (await run.outcome).usage
    }
    expect(await usage()).toMatchObject({ outputTokens: 1 })
    expect(await usage()).toBe(undefined)
  })
})

describe('the record', () => {
  test('has the messages of each call, those of copies among them', async () => {
    const model = scriptedModel(['a'])
    await model.withConfig({ tags: ['copy'] }).invoke('one')
    await model.invoke('two')
    expect(model.record.inputs).toEqual([[{ role: 'user', content: 'one' }], [{ role: 'user', content: 'two' }]])
  })

  test('P6: a piece is pulled when it is read', async () => {
    const model = scriptedModel([['a', 'b', 'c']])
    const iterator = model.stream('x')[Symbol.asyncIterator]()
    expect(model.record).toMatchObject({ pulls: 0, open: 0 })
    await iterator.next()
    expect(model.record).toMatchObject({ pulls: 1, open: 1 })
  })

  test('P2: has the reason why an answer was left, also while it is waited for', async () => {
    const model = scriptedModel([['a', 'b']])
    for await (const _ of model.stream('x')) break
    const slow = scriptedModel(['a'], { delayMs: 1_000_000 })
    const run = slow.stream('x')
    const next = run[Symbol.asyncIterator]().next()
    await new Promise((wait) => setTimeout(wait, 5))
    expect(slow.record).toMatchObject({ pulls: 1, open: 1 })
    run.stop(new Error('mine'))
    expect(await next).toMatchObject({ done: true })
    expect(model.record).toMatchObject({ open: 0, cancels: [expect.objectContaining({ code: 'user_stop' })] })
    expect(slow.record).toMatchObject({ open: 0, cancels: [expect.objectContaining({ message: 'mine' })] })
  })
})
