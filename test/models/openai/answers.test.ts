import { type AssistantMessage, textOf } from 'chaintap'
import { ChatOpenAI, type ChatOpenAIOptions, OpenAI } from 'chaintap/openai'
import { faultyFetch } from 'chaintap/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAll } from '../../support/sources.ts'

type Json = Readonly<Record<string, unknown>>

const options: ChatOpenAIOptions = { apiKey: 'none', baseURL: 'https://llm.example/v1', maxRetries: 0, dangerouslyAllowBrowser: true }
const sse = (...events: readonly (Json | string)[]): string =>
  events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
const chunk = (delta: unknown, choice: Json = {}, rest: Json = {}): Json => ({
  id: 'c',
  model: 'm',
  choices: [{ index: 0, delta, ...choice }],
  ...rest,
})
const stop = chunk({}, { finish_reason: 'stop' })
const answer = (message: unknown, choice: Json = {}, rest: Json = {}): Json => ({
  id: 'c',
  model: 'm',
  choices: [{ index: 0, message, finish_reason: 'stop', ...choice }],
  ...rest,
})

/** What a stream gives: its status, its message (or the part that arrived) and its error. */
async function streamed(body: string) {
  const run = new ChatOpenAI({ ...options, fetch: faultyFetch({ body }) }).stream('Hi')
  const { error } = await readAll(run)
  const { status, ...outcome } = await run.outcome
  const message = ('output' in outcome ? outcome.output : 'partial' in outcome ? outcome.partial : undefined) as
    | AssistantMessage
    | undefined
  return { status, text: message && textOf(message), message, error }
}

const invoked = (body: unknown): Promise<AssistantMessage> =>
  new ChatOpenAI({ ...options, fetch: faultyFetch({ body: JSON.stringify(body) }) }).invoke('Hi')

const thinking = { type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }
const words = { type: 'text', text: 'Four' }
const reasoned = [{ type: 'reasoning', text: 'Hm' }, words]

describe('content', () => {
  test('is read from lists of parts, streamed and whole', async () => {
    const body = sse(chunk({ content: [thinking] }), chunk({ content: [words] }), stop, '[DONE]')
    expect(await streamed(body)).toMatchObject({ status: 'complete', message: { content: reasoned } })
    expect(await invoked(answer({ content: [thinking, words] }))).toMatchObject({ content: reasoned })
    expect(await invoked(answer({ content: [words] }))).toMatchObject({ content: 'Four' })
  })

  test('changes its form within a stream', async () => {
    const body = sse(chunk({ content: [thinking] }), chunk({ content: 'Fo' }), chunk({ content: [{ type: 'text', text: 'ur' }] }), stop)
    expect((await streamed(body)).message).toMatchObject({ content: reasoned })
  })

  test('without text is kept as a block of the provider', async () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } }
    const { content } = await invoked(answer({ content: 'Here:', images: [image] }))
    expect(content).toEqual([
      { type: 'text', text: 'Here:' },
      { type: 'block', provider: 'openai', block: image },
    ])
  })

  test('of a choice’s text is not doubled by its delta', async () => {
    const body = sse(chunk({ content: 'Hel' }, { text: 'Hel' }), chunk({ content: 'lo' }, { text: 'lo' }), stop)
    expect(await streamed(body)).toMatchObject({ status: 'complete', text: 'Hello' })
    const empty = sse(chunk({ reasoning: 'Hm' }, { text: '' }), chunk({ content: 'Four' }, { text: '' }), stop)
    expect((await streamed(empty)).message).toMatchObject({ content: reasoned })
  })

  test.each(['message', 'delta', 'choices', 'content', 'tool_calls', 'usage', 'id', 'model', 'finish_reason', 'text'])(
    'null as %s is nothing',
    async (key) => {
      const nulled = { ...chunk({ content: null, tool_calls: null }, { [key]: null }), [key]: null }
      expect(await streamed(sse(nulled, chunk({ content: 'Hi', [key]: null }), stop, '[DONE]'))).toMatchObject({ status: 'complete' })
    },
  )
})

describe('a message beside the delta', () => {
  const both = (delta: Json | null, content: string, choice: Json = {}): Json =>
    chunk(delta, { message: { role: 'assistant', content }, ...choice })

  test('of a whole answer has its text', async () => {
    const delta = { role: 'assistant', content: '' }
    expect(await invoked(answer({ content: 'Bears.' }, { delta }))).toMatchObject({ content: 'Bears.' })
  })

  test('in each chunk adds nothing, and is no end', async () => {
    const cut = sse(both({ content: 'Hel' }, 'Hel'), both({ content: 'lo' }, 'Hello'))
    expect(await streamed(cut)).toMatchObject({ status: 'truncated', text: 'Hello' })
    expect(await streamed(cut + sse(both({ content: '' }, 'Hello', { finish_reason: 'stop' })))).toMatchObject({
      status: 'complete',
      text: 'Hello',
    })
  })

  test('in each chunk without a delta continues the text, and is no end', async () => {
    const cut = sse(both(null, 'Hel'), both(null, 'Hello'))
    expect(await streamed(cut)).toMatchObject({ status: 'truncated', text: 'Hello' })
    expect(await streamed(cut + sse(both(null, 'Hello!', { finish_reason: 'stop' })))).toMatchObject({ status: 'complete', text: 'Hello!' })
  })

  test('at the end of a stream is its end, and adds what the deltas lacked', async () => {
    const call = { id: '1', type: 'function', function: { name: 'now', arguments: '{}' } }
    const last = { choices: [{ index: 0, message: { content: 'Hello', reasoning_content: 'Hm', tool_calls: [call] } }] }
    const { message, status } = await streamed(sse(chunk({ content: 'Hel' }), chunk({ content: 'lo' }), last))
    expect({ status, ...message }).toMatchObject({ status: 'complete', toolCalls: [{ name: 'now' }] })
    expect(message?.content).toEqual([
      { type: 'text', text: 'Hello' },
      { type: 'reasoning', text: 'Hm' },
    ])
  })

  test('instead of chunks is the answer', async () => {
    const { finish_reason: _reason, ...choice } = { index: 0, message: { content: [thinking, words] }, finish_reason: null }
    expect(await streamed(sse({ id: 'c', choices: [choice] }))).toMatchObject({ status: 'complete', message: { content: reasoned } })
  })

  test('never changes the text of the deltas, wherever the message so far is sent with them', async () => {
    const pieces = fc.array(fc.tuple(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.boolean()), { maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(pieces, fc.boolean(), async (pieces, isAlone) => {
        let soFar = ''
        const chunks = pieces.map(([content, withMessage]) => {
          soFar += content
          return isAlone ? both(null, soFar) : withMessage ? both({ content }, soFar) : chunk({ content })
        })
        expect(await streamed(sse(...chunks, stop))).toMatchObject({ status: 'complete', text: soFar })
      }),
      { numRuns: 50 },
    )
  })
})

describe('the end', () => {
  test.each(['', 'null', null, undefined])('finish_reason %o is none', async (finish_reason) => {
    expect(await streamed(sse(chunk({ content: 'Hi' }, { finish_reason })))).toMatchObject({ status: 'truncated', text: 'Hi' })
    expect(await invoked(answer({ content: 'Hi' }, { finish_reason }))).toEqual({ role: 'assistant', content: 'Hi', id: 'c', model: 'm' })
  })

  test.each(['eos', 'STOP', 'tool_calls', { type: 'stop', matched: 2 }])('finish_reason %o is one', async (finish_reason) => {
    expect(await streamed(sse(chunk({ content: 'Hi' }, { finish_reason })))).toMatchObject({ status: 'complete' })
  })

  test('[DONE] without any answer does not make a complete empty one', async () => {
    for (const body of [sse('[DONE]'), sse({ hello: 1 }, '[DONE]'), sse({ choices: [] }, '[DONE]')]) {
      expect(await streamed(body)).toMatchObject({ status: expect.stringMatching(/failed|truncated/) })
    }
    for (const body of [{ choices: [] }, { choices: [{ index: 0 }] }, { choices: null }]) {
      await expect(invoked(body)).rejects.toMatchObject({ code: 'wire' })
    }
  })
})

describe('sources', () => {
  const url = 'https://example.com/bears'
  const annotation = { type: 'url_citation', url_citation: { url, title: 'Bears', start_index: 0, end_index: 2 } }

  test.each<readonly [string, Json, unknown]>([
    [
      'annotations',
      answer({ content: 'Hi', annotations: [annotation] }),
      { type: 'url_citation', url, title: 'Bears', start_index: 0, end_index: 2 },
    ],
    [
      'search_results',
      answer({ content: 'Hi' }, {}, { citations: [url], search_results: [{ title: 'Bears', url }] }),
      { title: 'Bears', url },
    ],
    ['citations', answer({ content: 'Hi' }, {}, { citations: [url] }), { url }],
    ['web_search', answer({ content: 'Hi' }, {}, { web_search: [{ title: 'Bears', link: url }] }), { title: 'Bears', link: url, url }],
    ['context', answer({ content: 'Hi', context: { citations: [{ url, title: 'Bears' }] } }), { url, title: 'Bears' }],
    [
      'a part of the content',
      answer({
        content: [
          { type: 'text', text: 'Hi' },
          { type: 'tool_reference', url, title: 'Bears' },
        ],
      }),
      expect.objectContaining({ url }),
    ],
  ])('in %s are citations of the text', async (_, body, citation) => {
    expect((await invoked(body)).content).toEqual([{ type: 'text', text: 'Hi', citations: [citation] }])
  })

  test('that each chunk repeats are kept once, with the text that they precede', async () => {
    const rest = { citations: [url, `${url}/2`] }
    const body = sse(chunk({ content: '' }, {}, rest), ...['a', 'b', 'c', 'd'].map((content) => chunk({ content }, {}, rest)), {
      ...stop,
      ...rest,
    })
    const { message, status } = await streamed(body)
    expect(status).toBe('complete')
    expect(message?.content).toEqual([{ type: 'text', text: 'abcd', citations: [{ url }, { url: `${url}/2` }] }])
  })

  test('of any type give an answer or a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (sources) => {
        const body = chunk({ content: 'Hi', annotations: sources, context: sources }, {}, { citations: sources })
        expect(await streamed(sse(body, stop))).toMatchObject({ status: 'complete', text: 'Hi' })
      }),
      { numRuns: 50 },
    )
  })
})

test('the text model reads no reasoning as text, and its text once', async () => {
  const body = sse({ choices: [{ index: 0, text: 'Hi', delta: { reasoning: 'Hm' }, finish_reason: 'stop' }] })
  expect(await new OpenAI({ ...options, streaming: true, fetch: faultyFetch({ body }) }).invoke('Hi')).toBe('Hi')
})
