import {
  CommaSeparatedListOutputParser,
  JsonOutputParser,
  lambda,
  MarkdownListOutputParser,
  messageFold,
  NumberedListOutputParser,
} from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { toResponse } from 'chaintap/edge'
import { meter } from 'chaintap/meter'
import { ChatOpenAI } from 'chaintap/openai'
import { RemoteRunnable } from 'chaintap/remote'
import { calculator } from 'chaintap/tools'
import { describe, expect, test } from 'vitest'
import { growthExponent, LINEAR } from './support/growth.ts'
import { counted, turn } from './support/sources.ts'

type Shape = readonly [name: string, size: number, workOf: (size: number) => () => unknown]

const times = <T>(count: number, itemAt: (index: number) => T): readonly T[] => Array.from({ length: count }, (_, index) => itemAt(index))
const frames = (events: readonly object[]): string => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('')

/** A server that answers with this body. */
const answering =
  (body: string): typeof fetch =>
  () =>
    Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }))

/** Streams an answer with its message. */
async function readAll(model: ChatAnthropic | ChatOpenAI): Promise<void> {
  const stream = model.stream('Why?')
  const { outcome } = stream
  await stream.drain()
  await outcome
}

const readAnthropic = (events: readonly object[]) => {
  const model = new ChatAnthropic({ apiKey: 'a-key-of-a-test', maxRetries: 0, onTruncated: 'accept', fetch: answering(frames(events)) })
  return () => readAll(model)
}

const openai = (events: readonly object[]): ChatOpenAI =>
  new ChatOpenAI({ apiKey: 'a-key-of-a-test', maxRetries: 0, onTruncated: 'accept', fetch: answering(frames(events)) })
const readOpenAI = (events: readonly object[]) => {
  const model = openai(events)
  return () => readAll(model)
}

const citation = { type: 'web_search_result_location', url: 'https://example.org/' }
const callEvent = (indexes: readonly number[]): object => ({
  choices: [{ delta: { tool_calls: indexes.map((index) => ({ id: `call ${index}`, index, function: { name: 'f', arguments: '{}' } })) } }],
})
/** Text and padding that repeat each other, so that a search for the text in its event nearly matches everywhere. */
const quotes = (count: number): object => ({ choices: [{ delta: { content: '"'.repeat(count / 2) } }], o: `${'"'.repeat(count)}x` })

const meterText = (body: string) => async () => {
  const metered = meter(answering(body), () => {})
  await (await metered('https://api.openai.com/v1/chat/completions', { method: 'POST' })).text()
}

const models: readonly Shape[] = [
  [
    'Anthropic: citations in one block',
    1_000,
    (size) =>
      readAnthropic([
        { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'a', citations: times(size, () => citation) } },
      ]),
  ],
  [
    'Anthropic: citations one by one',
    1_000,
    (size) => readAnthropic(times(size, () => ({ type: 'content_block_delta', index: 0, delta: { type: 'citations_delta', citation } }))),
  ],
  [
    'Anthropic: usage with new fields',
    300,
    (size) => readAnthropic(times(size, (index) => ({ type: 'message_delta', delta: {}, usage: { [`field ${index}`]: 1 } }))),
  ],
  [
    'Anthropic: usage with new nested fields',
    300,
    (size) =>
      readAnthropic(times(size, (index) => ({ type: 'message_delta', delta: {}, usage: { cache_creation: { [`field ${index}`]: 1 } } }))),
  ],
  [
    'Anthropic: containers with new fields',
    300,
    (size) => readAnthropic(times(size, (index) => ({ type: 'message_delta', delta: { container: { [`field ${index}`]: 1 } } }))),
  ],
  ['OpenAI: tool calls in one event', 1_000, (size) => readOpenAI([callEvent(times(size, (index) => index))])],
  ['OpenAI: tool calls, an event each', 1_000, (size) => readOpenAI(times(size, (index) => callEvent([index])))],
  ['OpenAI: an event that nearly repeats its text', 2_000, (size) => readOpenAI([quotes(2), ...times(3, () => quotes(size))])],
]

const others: readonly Shape[] = [
  [
    'messageFold(): reports of usage with new fields',
    300,
    (size) => () => {
      const fold = messageFold()
      for (let i = 0; i < size; i++) fold.add({ type: 'usage', usage: { [`field ${i}`]: 1 } })
      fold.result()
    },
  ],
  [
    'messageFold(): arguments with quotes that are not closed',
    2_000,
    (size) => () => {
      const fold = messageFold()
      fold.add({ type: 'tool-call', index: 0, id: 'a', name: 'f', args: `{"a": "${'\\"'.repeat(size)}` })
      fold.result()
    },
  ],
  [
    'toResponse(): tool calls in the format of OpenAI',
    1_000,
    (size) => {
      const model = openai([callEvent(times(size, (index) => index))])
      return () => toResponse(model.stream('Why?'), { format: 'openai' }).text()
    },
  ],
  [
    'meter(): usage with new fields',
    300,
    (size) =>
      meterText(frames(times(size, (index) => ({ choices: [], object: 'chat.completion.chunk', usage: { [`field ${index}`]: 1 } })))),
  ],
  [
    'meter(): spaces inside an event',
    2_000,
    (size) => meterText(`data: {"choices":[{"delta":{"content":"a"}}]${' '.repeat(size)},"o":1}\n\n`),
  ],
  ['meter(): an event that nearly repeats its text', 2_000, (size) => meterText(frames(times(3, () => quotes(size))))],
]

/** Each piece is an event that arrives on its own: of events that arrive together, the parser reads all text at once. */
const reactAgentRun = (pieces: readonly string[]) => {
  const events = pieces.map((content) => new TextEncoder().encode(frames([{ choices: [{ delta: { content } }] }])))
  const fetch: typeof globalThis.fetch = () =>
    Promise.resolve(new Response(counted(events).stream, { headers: { 'content-type': 'text/event-stream' } }))
  const model = new ChatOpenAI({ apiKey: 'a-key-of-a-test', maxRetries: 0, onTruncated: 'accept', fetch })
  const agent = initializeAgent([calculator], model, {
    agentType: 'zero-shot-react-description',
    maxIterations: 1,
    handleParsingErrors: true,
  })
  return () =>
    agent
      .stream('Why?')
      .drain()
      .catch(() => {})
}

/** Parses text of this size, made of `unit` and cut into pieces of 5 characters. */
const parseJson = (start: string, unit: string, size: number) => {
  const pieces = (start + unit.repeat(size / unit.length)).match(/.{1,5}/gs) ?? []
  const source = lambda(function* () {
    yield* pieces
  })
  const chain = source.pipe(new JsonOutputParser())
  return () =>
    chain
      .stream('Go')
      .drain()
      .catch(() => {})
}
const jsonTexts: readonly (readonly [name: string, start: string, unit: string])[] = [
  ['brackets in prose', 'a', '[ {'],
  ['broken values', 'a', '{"a"} '],
  ['broken values that nest', 'a', '{"a":[x'],
  ['backquotes', 'a', '`'],
  ['code fences', 'a', '```x '],
  ['blanks after brackets', 'a', '{                '],
  ['brackets that are no JSON', 'a', '\n[1 '],
  ['closing tags', 'a', '["a"]</think>'],
  ['starts of tags', 'a', '<thin'],
  ['thinking', '<think>', '["a"] '],
  ['closing tags in a string', '["', '</think>'],
]

const listTexts: readonly string[] = ['``` ', '`', '~~~\n', ' ', '\n', '"a', '<thi', '1. a\n', ':\n', '```x\n1. a\n']
const parseList = (unit: string, size: number) => {
  const pieces = times(size, () => unit)
  const source = lambda(function* () {
    yield* pieces
  })
  const chains = [new CommaSeparatedListOutputParser(), new NumberedListOutputParser()].map((parser) => source.pipe(parser))
  return () => Promise.all(chains.map((chain) => chain.invoke('Go').catch(() => {})))
}

const reactTexts: readonly (readonly [name: string, start: string, unit: string])[] = [
  ['answers', '', '\nFinal Answer: '],
  ['answers in an answer', 'Final Answer: a', '\nFinal Answer: a'],
  ['actions', '', '\nAction: a'],
  ['actions that are none', '', '\nAction: None\nAction Input: a'],
  ['labels in an answer', 'Final Answer: a', '\nAction: a\nquestion: b'],
  ['labels in a line', 'a', ' Final Answer: Action: Action Input: '],
  ['labels in a code fence', '```\n', 'Action: None\nAction Input: x\n'],
  ['observations in a string', 'Action: Calculator\nAction Input: "', ' Observation: '],
  ['code fences in the input', 'Action: Calculator\nAction Input: ', '\n```'],
  ['blanks before a label', 'Action', '   '],
  ['emphasis', 'Final Answer: ', '**'],
  ['closing tags', 'Final Answer: a', '\n</think>\nFinal Answer: b'],
]

const parsersAndAgents: readonly Shape[] = [
  ...listTexts.map((unit): Shape => [`list parsers: ${JSON.stringify(unit)}`, 400, (size) => parseList(unit, size)]),
  ...jsonTexts.map(([name, start, unit]): Shape => [`JsonOutputParser: ${name}`, 4_000, (size) => parseJson(start, unit, size)]),
  [
    'NumberedListOutputParser: blanks after a number',
    2_000,
    (size) => () => new NumberedListOutputParser().invoke(`1.${' '.repeat(size)}`),
  ],
  ['MarkdownListOutputParser: blanks after a dash', 2_000, (size) => () => new MarkdownListOutputParser().invoke(`-${' '.repeat(size)}`)],
  ['ReAct: quotes inside the input', 2_000, (size) => reactAgentRun([`Action: Calculator\nAction Input: x${'"'.repeat(size)}x`])],
  ['ReAct: an answer of blank pieces', 2_000, (size) => reactAgentRun(['Final Answer: a', ...times(size, () => ' '), 'b'])],
  ...reactTexts.map(
    ([name, start, unit]): Shape => [`ReAct: ${name}`, 1_000, (size) => reactAgentRun([start, ...times(size / 4, () => unit.repeat(4))])],
  ),
  ['ReAct: an answer of line breaks', 2_000, (size) => reactAgentRun(['Final Answer: a', ...times(size, () => '\n'), 'b'])],
  ['ReAct: a label without its colon in each piece', 2_000, (size) => reactAgentRun(times(size, () => 'Final Answer'))],
]

/** A server's run with children that are open at the same time. They end in the order of their start, or never; each may have a child. */
const readRemote = (size: number, isEnding: boolean, areParents = false) => {
  const runOf = (id: string, parentId?: string): object => ({
    id,
    parentId,
    rootId: 'root',
    name: id,
    kind: 'chain',
    tags: [],
    metadata: {},
  })
  const events: readonly object[] = [
    { type: 'start', run: runOf('root') },
    ...times(size, (index) => ({ type: 'start', run: runOf(`${index}`, 'root') })),
    ...(areParents ? times(size, (index) => ({ type: 'start', run: runOf(`below ${index}`, `${index}`) })) : []),
    ...(isEnding ? times(size, (index) => ({ type: 'end', run: `${index}` })) : []),
    { type: 'end', run: 'root', output: 'a' },
  ]
  const body = events.map((event, seq) => {
    const { type } = event as { readonly type: string }
    return `event: ${type}\nid: ${seq}\ndata: ${JSON.stringify({ at: 1, seq, ...event })}\n\n`
  })
  const remote = new RemoteRunnable('https://app.example/joke', { fetch: answering(body.join('')) })
  return () => remote.stream('Why?').drain()
}

/** Runs side by side, each of which a handler stops, or which returns while a run below it is open. */
const runsSideBySide = (size: number, isStopped: boolean) => {
  const { promise: never } = Promise.withResolvers<string>()
  const open = lambda(() => never)
  const each = lambda(async (index: number, context) => {
    if (isStopped) return never
    void open.invoke(index, context)
    await turn()
    return index
  }).withConfig(
    isStopped ? { callbacks: [(event, stop) => void (event.type === 'start' && setTimeout(() => stop?.(new Error('enough'))))] } : {},
  )
  const all = lambda((_: string, context) => Promise.allSettled(times(size, (index) => each.invoke(index, context))))
  return () => all.invoke('x')
}

const remotes: readonly Shape[] = [
  ['runs that a handler stops', 250, (size) => runsSideBySide(size, true)],
  ['runs that return while a run below them is open', 250, (size) => runsSideBySide(size, false)],
  ['RemoteRunnable: runs that end while a run below them is open', 500, (size) => readRemote(size, true, true)],
  ['RemoteRunnable: runs that end in the order of their start', 500, (size) => readRemote(size, true)],
  ['RemoteRunnable: runs that never end', 4_000, (size) => readRemote(size, false)],
]

// A limit for hangs only.
const timeout = 120_000

describe('time grows linearly with', () => {
  test.each([...models, ...others, ...parsersAndAgents, ...remotes])('%s', { timeout }, async (_, size, workOf) => {
    expect(await growthExponent(size, workOf)).toBeLessThan(LINEAR)
  })
})

const quadratic: readonly Shape[] = [
  [
    'a JSON text of all earlier items for each item',
    500,
    (size) => () => {
      const items: number[] = []
      for (let i = 0; i < size; i++) items.push(JSON.stringify(items).length)
    },
  ],
  ['a search of all items for each item', 1_000, (size) => () => times(size, (index) => index).map((index, _, all) => all.indexOf(index))],
  ['a regular expression that starts again at each blank', 1_000, (size) => () => /\s+$/.test(`${' '.repeat(size)}x`)],
]

const linear: readonly Shape[] = [
  ['an object for each item', 5_000, (size) => () => times(size, (index) => ({ id: `call ${index}`, arguments: { a: [index] } }))],
  ['a map of all items', 5_000, (size) => () => new Map(times(size, (index) => [`${index}`, index]))],
]

describe('growthExponent()', () => {
  test.each(quadratic)('is above the limit for %s', { timeout }, async (_, size, workOf) => {
    expect(await growthExponent(size, workOf)).toBeGreaterThan(LINEAR)
  })

  test.each(linear)('is below the limit for %s', { timeout }, async (_, size, workOf) => {
    expect(await growthExponent(size, workOf)).toBeLessThan(LINEAR)
  })
})
