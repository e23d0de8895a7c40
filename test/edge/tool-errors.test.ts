import { lambda, type RunEvent, type Runnable, textOf } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { type ServeOptions, serve } from 'chaintap/edge'
import { scriptedModel } from 'chaintap/testing'
import { callTools, tool } from 'chaintap/tools'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const GENERIC = 'Something went wrong on the server.'
const SECRET = 'connect ECONNREFUSED postgres://admin:hunter2@db.internal:5432'

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))
afterEach(() => vi.restoreAllMocks())

const failing = (message: string) =>
  tool(
    async () => {
      throw new Error(message)
    },
    { name: 'db', description: 'A database.' },
  )
const call = { id: 'c1', name: 'db', args: { input: 'x' } }

/** Chains that give the message of a failed tool to a model, or write it to their output. */
const chains: Readonly<Record<string, (message: string) => Runnable<never, unknown, unknown>>> = {
  'a tool-calling agent': (message) =>
    initializeAgent(
      [failing(message)],
      scriptedModel((messages) =>
        messages.some(({ role }) => role === 'tool')
          ? 'done'
          : [
              { type: 'tool-call', index: 0, id: 'c1', name: 'db', args: '{"input":"x"}' },
              { type: 'stop', reason: 'tool_calls' },
            ],
      ),
      { agentType: 'tool-calling', returnIntermediateSteps: true },
    ),
  'a ReAct agent': (message) =>
    initializeAgent(
      [failing(message)],
      scriptedModel([' I look.\nAction: db\nAction Input: x', ' I look again.\nAction: db\nAction Input: x', ' Done.\nFinal Answer: done']),
      { returnIntermediateSteps: true },
    ),
  'a chain that yields tool messages': (message) =>
    lambda(async function* (_: unknown, context) {
      yield await callTools([call], [failing(message)], context)
      yield 'done'
    }),
  'a chain that reports a failure': (message) =>
    lambda(async (_: unknown, context) => {
      const [answer] = await callTools([call], [failing(message)], context)
      const text = answer ? textOf(answer) : ''
      await context.emit({ type: 'custom', name: 'failed', data: { json: JSON.stringify({ text }) } })
      await context.emit({ type: 'text', text: `The tool said: ${text}` })
      return { answer, nested: [{ text }], error: new Error(text) }
    }),
}

const bodies: Readonly<Record<string, [body: object, headers?: Record<string, string>]>> = {
  events: [{ input: 'x' }],
  ndjson: [{ input: 'x' }, { accept: 'application/x-ndjson' }],
  text: [{ input: 'x' }, { accept: 'text/plain' }],
  useChat: [{ id: 'c', messages: [{ id: '1', role: 'user', parts: [{ type: 'text', text: 'x' }] }] }],
  'AG-UI': [{ threadId: 't', runId: 'r', messages: [{ id: '1', role: 'user', content: 'x' }] }],
  OpenAI: [{ stream: true, messages: [{ role: 'user', content: 'x' }] }],
  'OpenAI without stream': [{ messages: [{ role: 'user', content: 'x' }] }],
}

async function textFor(chain: Runnable<never, unknown, unknown>, format: string, options: ServeOptions = {}): Promise<string> {
  const [body, headers] = bodies[format] ?? [{}]
  const request = new Request('https://app.example/api', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return (await serve(chain, { fromMessages: () => 'x', ...options })(request, {})).text()
}

for (const [name, chain] of Object.entries(chains)) {
  test.each(Object.keys(bodies))(`${name} sends the message of a tool’s error only with exposeErrors: %s`, async (format) => {
    expect(await textFor(chain(SECRET), format)).not.toContain('hunter2')
    const own = await textFor(chain(SECRET), format, { exposeErrors: () => 'The $& database is busy.' })
    expect(own).not.toContain('hunter2')
    if (format !== 'events' && format !== 'ndjson') return
    expect(own).toContain('The $& database is busy.')
    expect(await textFor(chain(SECRET), format, { exposeErrors: true })).toContain('hunter2')
  })

  test(`${name} sends no message of a tool’s error if the events option removes the error itself`, async () => {
    const filters: ServeOptions['events'][] = [{ exclude: { types: ['error'] } }, { exclude: { kinds: ['tool'] } }]
    for (const events of filters) {
      const text = await textFor(chain(SECRET), 'events', events ? { events } : {})
      expect(text).not.toContain('hunter2')
      expect(text).toContain('event: outcome')
    }
  })
}

test('the message of a tool’s error is removed whatever it contains', async () => {
  const part = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('\n', '"', '\\', '$&', '\u2028', '{"a":1}', ' '))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.values(chains)),
      fc.constantFrom('events', 'ndjson', 'useChat'),
      fc.array(part, { maxLength: 4 }),
      async (chain, format, parts) => {
        const text = await textFor(chain(`hunter2 ${parts.join('')}`), format)
        expect(text).not.toContain('hunter2')
      },
    ),
    { numRuns: 100 },
  )
})

test('handlers on the server receive the messages of tools’ errors, and the events of callers stay complete', async () => {
  const seen: RunEvent[] = []
  const agent = chains['a tool-calling agent']?.(SECRET)
  const text = await textFor(agent as Runnable<never, unknown, unknown>, 'ndjson', { callbacks: [(event) => void seen.push(event)] })
  expect(JSON.stringify(seen.filter(({ type }) => type === 'start'))).toContain('hunter2')
  const lines = text.trim().split('\n')
  const inputs = lines.filter((line) => line.includes('"type":"start"') && line.includes('"isError":true'))
  expect(inputs).toHaveLength(1)
  expect(inputs[0]).toContain(`"content":"${GENERIC}","toolCallId":"c1"`)
})

test('a short message of an error is removed only where it is the whole text', async () => {
  const text = await textFor((chains['a tool-calling agent'] as (message: string) => Runnable<never, unknown, unknown>)('x'), 'events')
  expect(text).toContain(`"content":"${GENERIC}"`)
  expect(text).toContain('"output":"done"')
})

test('values with cycles and deep values are sent after a failure', async () => {
  const cyclic: Record<string, unknown> = { name: 'loop', when: new Date(0) }
  cyclic.self = cyclic
  let deep: unknown = SECRET
  for (let level = 0; level < 20_000; level++) deep = [deep]
  const chain = lambda(async (_: unknown, context) => {
    await callTools([call], [failing(SECRET)], context)
    return { cyclic, deep }
  })
  for (const format of ['events', 'useChat']) {
    const text = await textFor(chain, format)
    expect(text).toContain('loop')
    expect(text).not.toContain('hunter2')
  }
})
