import { type EventPayload, lambda, type Run, sequence } from 'chaintap'
import { recorder, scriptedModel } from 'chaintap/testing'
import { describe, expect, test } from 'vitest'

const start: EventPayload = { type: 'start', input: 'x' }
const end: EventPayload = { type: 'end', output: 'y' }
const error: EventPayload = { type: 'error', error: new Error('no'), partial: undefined }
const token: EventPayload = { type: 'token', token: 'a' }

const runOf = (id: string, parentId?: string): Run => ({ id, parentId, rootId: 'root', name: id, kind: 'chain', tags: [], metadata: {} })
const root = runOf('root')
const child = runOf('child', 'root')

/** A recorder that has received these events, numbered in their order. */
function recorded(...events: readonly (readonly [Run, EventPayload, seq?: number])[]) {
  const record = recorder()
  for (const [index, [run, payload, seq = index]] of events.entries()) record({ run, at: 0, seq, ...payload })
  return record
}

describe('check()', () => {
  test('check() accepts a tree whose runs end once, children first', () => {
    const record = recorded(
      [root, start],
      [child, start],
      [child, token],
      [child, error],
      [root, { type: 'text', text: 'on' }],
      [root, end],
    )
    record.check()
    expect(record.open).toEqual([])
  })

  const faults: readonly (readonly [string, ReturnType<typeof recorder>, RegExp])[] = [
    ['a run that did not end', recorded([root, start], [child, start], [child, end]), /root started but did not end/],
    ['two ends', recorded([root, start], [root, end], [root, error]), /root emitted an event after its end \(error, seq 2\)/],
    ['a token after the end', recorded([root, start], [root, end], [root, token]), /root emitted an event after its end \(token/],
    ['a token before the start', recorded([root, token], [root, start], [root, end]), /root emitted an event before its start \(token/],
    ['an end without a start', recorded([root, end]), /root emitted an event before its start \(end/],
    ['two starts', recorded([root, start], [root, start], [root, end]), /root started twice/],
    ['a start after the end', recorded([root, start], [root, end], [root, start]), /root emitted an event after its end \(start/],
    ['a parent that ended before its child', recorded([root, start], [child, start], [root, end], [child, end]), /root ended before child/],
    [
      'a child that started after its parent ended',
      recorded([root, start], [root, end], [child, start], [child, end]),
      /child started after its parent/,
    ],
    [
      'a child that started before its parent',
      recorded([child, start], [root, start], [child, end], [root, end]),
      /root started after one of its children/,
    ],
    ['a repeated seq', recorded([root, start, 3], [root, end, 3]), /root emitted an event out of order, after seq 3/],
    ['a seq that decreases', recorded([root, start, 3], [root, end, 2]), /root emitted an event out of order, after seq 3/],
    [
      'a root that ended before a run whose parent had no event',
      recorded([root, start], [runOf('grandchild', 'unknown'), start], [root, end], [runOf('grandchild', 'unknown'), end]),
      /root ended before grandchild/,
    ],
  ]
  test.each(faults)('check() throws broken_tree for %s, with the trace of all events', (_, record, fault) => {
    expect(() => record.check()).toThrow(fault)
    expect(() => record.check()).toThrow(expect.objectContaining({ code: 'broken_tree' }))
    expect(() => record.check()).toThrow(record.trace().join('\n'))
  })

  test('check() reports every fault', () => {
    const record = recorded([root, token], [root, start], [root, start], [root, end])
    expect(() => record.check()).toThrow(/before its start.*started twice/s)
  })

  test('check() accepts a parent without events, and several trees at a time', () => {
    const other: Run = { ...root, id: 'other', rootId: 'other', name: 'other' }
    recorded([child, start], [other, start, 0], [child, end], [other, end, 1]).check()
  })
})

test('open lists the runs that have started and not ended, at any time', () => {
  const record = recorder()
  expect(record.open).toEqual([])
  record({ run: root, at: 0, seq: 0, type: 'start', input: 'x' })
  record({ run: child, at: 0, seq: 1, type: 'start', input: 'x' })
  expect(record.open).toEqual([root, child])
  record({ run: child, at: 0, seq: 2, type: 'end', output: 'y' })
  expect(record.open).toEqual([root])
})

test('trace() returns a line for every type of event', () => {
  const record = recorded(
    [root, start],
    [child, start],
    [child, token],
    [child, { type: 'delta', delta: { type: 'stop', reason: 'end_turn' } }],
    [child, { type: 'retry', attempt: 2, error: new Error('no') }],
    [child, error],
    [root, { type: 'action', action: { tool: 'search', toolInput: 'x', log: '' } }],
    [root, { type: 'finish', finish: { returnValues: {}, log: '' } }],
    [root, { type: 'text', text: 'hm' }],
    [root, { type: 'custom', name: 'progress', data: 1 }],
    [root, { type: 'chunk', chunk: 'a' }],
    [root, { type: 'chunk', chunk: { b: 1 } }],
    [root, end],
  )
  expect(record.trace()).toEqual([
    'S root',
    'S child<root',
    'T a',
    'D stop',
    'R 2',
    'X child',
    'A search',
    'F',
    'TXT hm',
    '! progress',
    'C a',
    'C {"b":1}',
    'E root',
  ])
})

test('as a handler, recorder() records one chain after another', async () => {
  const record = recorder()
  const chain = sequence(
    lambda((text: string) => text),
    scriptedModel([['a', 'b']]),
  )
  await chain.stream('x', { callbacks: [record] }).drain()
  await chain.invoke('x', { callbacks: [record] })
  record.check()
  const before = ['S RunnableSequence', 'S RunnableLambda<RunnableSequence', 'E RunnableLambda', 'S ScriptedModel<RunnableSequence']
  const after = ['E ScriptedModel', 'E RunnableSequence']
  expect(record.trace()).toEqual([...before, 'T a', 'T b', ...after, ...before, ...after])
})

test('check() applies to events read from events() too', async () => {
  const record = recorder()
  for await (const event of scriptedModel([['a']]).events('x')) record(event)
  record.check()
  expect(record.trace()).toEqual(['S ScriptedModel', 'T a', 'C {"type":"text","text":"a"}', 'E ScriptedModel'])
})
