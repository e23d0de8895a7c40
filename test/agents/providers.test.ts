import { type Message, textOf } from 'chaintap'
import { initializeAgent } from 'chaintap/agents'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ChatOpenAI } from 'chaintap/openai'
import { faultyFetch } from 'chaintap/testing'
import { tool } from 'chaintap/tools'
import { WorkersAI } from 'chaintap/workers-ai'
import { describe, expect, test } from 'vitest'
import * as z from 'zod'

type Json = Readonly<Record<string, unknown>>

/** A tool call as a server sends it: the text of its arguments in pieces. */
interface SentCall {
  readonly id?: string
  readonly pieces: readonly string[]
  readonly isCut?: boolean
}

const sse = (events: readonly (Json | string)[]): string =>
  events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('')
const chunk = (delta: Json, finish_reason: string | null = null): Json => ({
  id: 'c',
  model: 'm',
  choices: [{ index: 0, delta, finish_reason }],
})

const openaiBody = ({ id, pieces, isCut }: SentCall): string =>
  sse([
    chunk({ tool_calls: [{ index: 0, id, function: { name: 'remove', arguments: '' } }] }),
    ...pieces.map((args) => chunk({ tool_calls: [{ index: 0, function: { arguments: args } }] })),
    chunk({}, isCut ? 'length' : 'tool_calls'),
    '[DONE]',
  ])
const openaiEnd = sse([chunk({ content: 'Done.' }, 'stop'), '[DONE]'])

const block = (content_block: Json, deltas: readonly Json[], stop_reason: string): string =>
  sse([
    { type: 'message_start', message: { id: 'm', model: 'claude', usage: { input_tokens: 1, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block },
    ...deltas.map((delta) => ({ type: 'content_block_delta', index: 0, delta })),
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason }, usage: { output_tokens: 2 } },
    { type: 'message_stop' },
  ])
const anthropicBody = ({ id, pieces, isCut }: SentCall): string =>
  block(
    { type: 'tool_use', ...(id !== undefined && { id }), name: 'remove', input: {} },
    pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json })),
    isCut ? 'max_tokens' : 'tool_use',
  )
const anthropicEnd = block({ type: 'text', text: 'Done.' }, [], 'end_turn')

const options = { apiKey: 'none', baseURL: 'https://llm.example/v1', streaming: true, maxRetries: 0, dangerouslyAllowBrowser: true }
const providers = {
  ChatOpenAI: { make: (fetch: typeof globalThis.fetch) => new ChatOpenAI({ ...options, fetch }), body: openaiBody, end: openaiEnd },
  ChatAnthropic: {
    make: (fetch: typeof globalThis.fetch) => new ChatAnthropic({ ...options, fetch }),
    body: anthropicBody,
    end: anthropicEnd,
  },
  WorkersAI: {
    make: (fetch: typeof globalThis.fetch) =>
      new WorkersAI({
        binding: { run: (_, body) => fetch('https://workers-ai.example', { method: 'POST', body: JSON.stringify(body) }) },
        streaming: true,
      }),
    body: openaiBody,
    end: openaiEnd,
  },
}

describe.each(Object.entries(providers))('an agent with %s', (_, { make, body, end }) => {
  /** Runs an agent whose model sends these calls, one per answer. */
  async function run(sent: readonly SentCall[]) {
    const bodies = [...sent.map(body), end]
    const fetch = faultyFetch((_, index) => ({ body: bodies[index] ?? end, headers: { 'content-type': 'text/event-stream' } }))
    const ran: unknown[] = []
    const remove = tool((args) => void ran.push(args), {
      name: 'remove',
      description: 'Removes files.',
      schema: z.object({ path: z.string().optional() }),
    })
    const ids: string[] = []
    const results: string[] = []
    const agent = initializeAgent([remove], make(fetch), { agentType: 'tool-calling' })
    const onToolStart = (input: unknown): void => void ids.push((input as { id: string }).id)
    const onChatModelStart = (messages: readonly Message[]): void => {
      const last = messages.at(-1)
      if (last?.role === 'tool') results.push(`${last.isError ? 'error' : 'ok'}: ${textOf(last)}`)
    }
    expect(await agent.run('Clean up.', { callbacks: [{ onToolStart, onChatModelStart }] })).toBe('Done.')
    return { ran, ids, results }
  }

  test.each([
    ['cut in a string', ['{"path":"/srv/da']],
    ['cut before they began', []],
    ['cut after the name of a field', ['{"pa']],
  ])('does not run a tool with arguments that were %s', async (_, pieces) => {
    const { ran, results } = await run([{ id: 'a', pieces, isCut: true }])
    expect(ran).toEqual([])
    expect(results).toEqual([expect.stringMatching(/^error: Invalid arguments for tool remove.*not valid JSON/s)])
  })

  test('runs a tool without arguments, and with ones that are sent twice', async () => {
    const whole = ['{"path":"/a"}']
    const { ran } = await run([
      { id: 'a', pieces: [] },
      { id: 'b', pieces: ['{}'] },
      { id: 'c', pieces: [' '] },
      { id: 'd', pieces: ['{}', ...whole] },
      { id: 'e', pieces: [...whole, ...whole] },
    ])
    expect(ran).toEqual([{}, {}, {}, { path: '/a' }, { path: '/a' }])
  })

  test('gives each call of the conversation an id of its own', async () => {
    const sent = [{}, { id: '' }, { id: 'call_0' }, { id: 'call_0' }, { id: 'call_1' }].map((call) => ({ ...call, pieces: [] }))
    const { ids } = await run(sent)
    expect(new Set(ids).size).toBe(sent.length)
    for (const id of ids) expect(id).toMatch(/^call_\w+$/)
    expect(ids).toContain('call_0')
    expect(ids).toContain('call_1')
  })
})
