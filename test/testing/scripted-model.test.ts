import { type Delta, type Message, StringOutputParser } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'

const text = (text: string): Delta => ({ type: 'text', text })

async function readDeltas(stream: AsyncIterable<Delta>): Promise<{ deltas: Delta[]; error?: unknown }> {
  const deltas: Delta[] = []
  try {
    for await (const delta of stream) deltas.push(delta)
    return { deltas }
  } catch (error) {
    return { deltas, error }
  }
}

describe('scriptedModel(): responses', () => {
  test('returns a string as one token, a list as several, and Deltas unchanged', async () => {
    const stop: Delta = { type: 'stop', reason: 'end_turn' }
    const model = scriptedModel(['Hello', ['Hel', 'lo'], ['Hi', stop]])
    expect(await readDeltas(model.stream('x'))).toEqual({ deltas: [text('Hello')] })
    expect(await readDeltas(model.stream('x'))).toEqual({ deltas: [text('Hel'), text('lo')] })
    expect(await readDeltas(model.stream('x'))).toEqual({ deltas: [text('Hi'), stop] })
  })

  test('invoke() returns a message, and the last response repeats', async () => {
    const model = scriptedModel([{ tokens: ['Hel', 'lo'], usage: { outputTokens: 2 } }])
    const message = { role: 'assistant', content: 'Hello', usage: { outputTokens: 2 } }
    expect(await model.invoke('x')).toEqual(message)
    expect(await model.invoke('x')).toEqual(message)
    expect(model.record).toMatchObject({ open: 0, cancels: [] })
  })

  test('an Error in the script fails the call before its first token', async () => {
    const refused = new Error('refused')
    expect(await readDeltas(scriptedModel([refused]).stream('x'))).toEqual({ deltas: [], error: refused })
  })

  test('`error` is thrown after the tokens (P3)', async () => {
    const error = new Error('cut')
    const model = scriptedModel([{ tokens: ['a', 'b'], error }])
    expect(await readDeltas(model.stream('x'))).toEqual({ deltas: [text('a'), text('b')], error })
    expect(model.record).toMatchObject({ open: 0, cancels: [] })
  })

  test('a script function receives the messages and the index of the call', async () => {
    const model = scriptedModel(async (messages, index) => `${index}: ${messages.map(({ role }) => role).join(' ')}`)
    await model.invoke('x')
    expect(await model.invoke([['system', 'Be brief.'], 'x'])).toMatchObject({ content: '1: system user' })
  })

  test('an empty script throws invalid_options', async () => {
    await expect(scriptedModel([]).invoke('x')).rejects.toMatchObject({ code: 'invalid_options' })
  })
})

describe('scriptedModel(): runs', () => {
  const own = { name: 'Parrot', tags: ['own'], metadata: { zoo: 1 } }

  test('have kind chat_model and the name, tags, metadata and callbacks of the options', async () => {
    const record = recorder()
    await scriptedModel(['a'], { ...own, callbacks: [record] }).invoke('x')
    const input: Message[] = [{ role: 'user', content: 'x' }]
    expect(record.events[0]).toMatchObject({
      type: 'start',
      input,
      run: { kind: 'chat_model', name: 'Parrot', tags: ['own'], metadata: { zoo: 1 } },
    })
  })

  test('emit tokens for stream(), and for invoke() only with streaming: true', async () => {
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

  test('report the usage of the script, and none if it has none', async () => {
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

describe('scriptedModel(): record', () => {
  test('contains the messages of each call, including calls of copies', async () => {
    const model = scriptedModel(['a'])
    await model.withConfig({ tags: ['copy'] }).invoke('one')
    await model.invoke('two')
    expect(model.record.inputs).toEqual([[{ role: 'user', content: 'one' }], [{ role: 'user', content: 'two' }]])
  })

  test('counts one pull per read piece (P6)', async () => {
    const model = scriptedModel([['a', 'b', 'c']])
    const iterator = model.stream('x')[Symbol.asyncIterator]()
    expect(model.record).toMatchObject({ pulls: 0, open: 0 })
    await iterator.next()
    expect(model.record).toMatchObject({ pulls: 1, open: 1 })
  })

  test('contains the reason of a cancelled response, also while a read is pending (P2)', async () => {
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
