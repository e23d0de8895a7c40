// Unmodified third-party clients with a real local Worker.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { HttpAgent } from '@ag-ui/client'
import { createOpenAI } from '@ai-sdk/openai'
import { tool as aiTool, isStepCount, streamText } from 'ai'
import OpenAI, { APIError } from 'openai'
import { type Browser, chromium, type Page } from 'playwright'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { launchOptionsOf } from '../support/browsers/index.ts'
import { patience } from '../support/patience.ts'
import { bundled, type RunningWorker, startWorker } from '../support/workerd.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let worker: RunningWorker
beforeAll(async () => {
  worker = await startWorker({ source: 'test/support/workers/ecosystem.ts' })
})
afterAll(() => worker.stop())

const open = async (): Promise<unknown> => (await fetch(`${worker.url}/open`)).json()

describe('the openai SDK', () => {
  const client = (apiKey = 'right'): OpenAI => new OpenAI({ apiKey, baseURL: `${worker.url}/v1`, maxRetries: 0 })
  const question = { model: 'our-model', messages: [{ role: 'user' as const, content: 'Weather?' }] }
  const answered = {
    model: 'our-model',
    messages: [
      ...question.messages,
      {
        role: 'assistant' as const,
        tool_calls: [{ id: 'call_1', type: 'function' as const, function: { name: 'weather', arguments: '{"city":"Paris"}' } }],
      },
      { role: 'tool' as const, tool_call_id: 'call_1', content: '18 °C' },
    ],
  }

  it('streams text', async () => {
    const chunks = []
    for await (const chunk of await client().chat.completions.create({ ...answered, stream: true })) chunks.push(chunk)
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe('The tool says 18 °C.')
    expect(chunks[0]).toMatchObject({ object: 'chat.completion.chunk', model: 'our-model', choices: [{ delta: { role: 'assistant' } }] })
    expect(chunks.at(-1)?.choices[0]?.finish_reason).toBe('stop')
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  })

  it('streams tool calls, which its helper joins', async () => {
    const completion = await client().chat.completions.stream(question).finalChatCompletion()
    expect(completion.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Paris"}' } }] },
    })
  })

  it('ignores heartbeats', async () => {
    const slow = new OpenAI({
      apiKey: 'none',
      baseURL: worker.url,
      maxRetries: 0,
      fetch: (_, init) => fetch(`${worker.url}/beating`, init),
    })
    let text = ''
    for await (const { choices } of await slow.chat.completions.create({ ...question, stream: true }))
      text += choices[0]?.delta.content ?? ''
    expect(text).toBe('Hello')
  })

  it('reads a response without stream', async () => {
    const completion = await client().chat.completions.create(answered)
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model: 'our-model',
      choices: [{ finish_reason: 'stop', message: { role: 'assistant', content: 'The tool says 18 °C.' } }],
    })
    expect((await client().chat.completions.create(question)).choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null, tool_calls: [{ id: 'call_1' }] },
    })
  })

  it('receives usage if it requests it', async () => {
    const chat = new OpenAI({ apiKey: 'none', baseURL: worker.url, maxRetries: 0, fetch: (_, init) => fetch(`${worker.url}/chat`, init) })
    const usages = async (include_usage: boolean): Promise<unknown[]> => {
      const stream = await chat.chat.completions.create({ ...question, stream: true, stream_options: { include_usage } })
      const found: unknown[] = []
      for await (const { usage, choices } of stream) if (usage) found.push([usage, choices])
      return found
    }
    expect(await usages(false)).toEqual([])
    expect(await usages(true)).toEqual([[expect.objectContaining({ prompt_tokens: 2, completion_tokens: expect.any(Number) }), []]])
  })

  it('throws its own errors for refusals and failures', async () => {
    await expect(client('wrong').chat.completions.create(question)).rejects.toMatchObject({ status: 403 })
    await expect(client().chat.completions.create({ ...question, messages: [] })).rejects.toMatchObject({ status: 400 })
    const failing = new OpenAI({
      apiKey: 'none',
      baseURL: worker.url,
      maxRetries: 0,
      fetch: (_, init) => fetch(`${worker.url}/failing`, init),
    })
    const text: string[] = []
    const reading = async (): Promise<void> => {
      for await (const { choices } of await failing.chat.completions.create({ ...question, stream: true }))
        text.push(choices[0]?.delta.content ?? '')
    }
    await expect(reading()).rejects.toThrow(APIError)
    expect(text.join('')).toBe('Hel')
    await expect(failing.chat.completions.create(question)).rejects.toMatchObject({ status: 500, message: /Something went wrong/ })
  })

  it('leaving its stream ends the run (P2)', async () => {
    const leaving = new OpenAI({
      apiKey: 'none',
      baseURL: worker.url,
      maxRetries: 0,
      fetch: (_, init) => fetch(`${worker.url}/slow`, init),
    })
    for await (const { choices } of await leaving.chat.completions.create({ ...question, stream: true })) {
      if (choices[0]?.delta.content) break
    }
    await vi.waitFor(async () => expect(await open()).toBe(0), patience)
  })
})

describe('the client of AG-UI', () => {
  const agentFor = (path: string): HttpAgent =>
    new HttpAgent({ url: `${worker.url}${path}`, initialMessages: [{ id: 'm', role: 'user', content: 'Weather?' }] })

  it('runs an agent and keeps its messages', async () => {
    const { newMessages } = await agentFor('/agent').runAgent()
    expect(newMessages).toMatchObject([
      { role: 'assistant', toolCalls: [{ id: 'call_1', function: { name: 'weather', arguments: '{"city":"Paris"}' } }] },
      { role: 'tool', toolCallId: 'call_1', content: '{"city":"Paris","degrees":18}' },
      { role: 'assistant', content: 'It is 18 °C.' },
    ])
  })

  it('runs a client tool and continues with its result', async () => {
    const agent = agentFor('/tools')
    await agent.runAgent()
    agent.addMessage({ id: 't', role: 'tool', toolCallId: 'call_1', content: '18 °C' })
    await agent.runAgent()
    expect(agent.messages.map(({ role }) => role)).toEqual(['user', 'reasoning', 'assistant', 'tool', 'assistant'])
    expect(agent.messages.at(-1)).toMatchObject({ content: 'The tool says 18 °C.' })
  })

  it('ignores heartbeats', async () => {
    expect((await agentFor('/beating').runAgent()).newMessages).toMatchObject([{ content: 'Hello' }])
  })

  it('reports failures and refusals', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const errors: unknown[] = []
    await agentFor('/failing')
      .runAgent({}, { onRunErrorEvent: ({ event }) => void errors.push(event.message) })
      .catch(() => {})
    expect(errors).toEqual(['Something went wrong on the server.'])
    await expect(agentFor('/nowhere').runAgent()).rejects.toThrow('404')
    vi.restoreAllMocks()
  })

  it('abortRun() ends the run (P2)', async () => {
    const agent = agentFor('/slow')
    const running = agent.runAgent({}, { onTextMessageContentEvent: () => agent.abortRun() })
    await running.catch(() => {})
    await vi.waitFor(async () => expect(await open()).toBe(0), patience)
    expect(agent.messages.at(-1)?.content).toMatch(/^0 /)
  })
})

describe('the AI SDK on a server', () => {
  it('reads the openai format with its OpenAI provider', async () => {
    const provider = createOpenAI({ apiKey: 'right', baseURL: `${worker.url}/v1` })
    const weather = aiTool({
      description: 'Weather.',
      inputSchema: z.object({ city: z.string() }),
      execute: ({ city }) => `18 °C in ${city}`,
    })
    const { text, steps } = streamText({
      model: provider.chat('our-model'),
      prompt: 'Weather?',
      tools: { weather },
      stopWhen: isStepCount(3),
    })
    expect(await text).toBe('The tool says 18 °C in Paris.')
    expect((await steps).map(({ finishReason }) => finishReason)).toEqual(['tool-calls', 'stop'])
  })
})

describe('curl', () => {
  async function curl(...args: readonly string[]): Promise<string> {
    const child = spawn('curl', ['-sN', '-H', 'content-type: application/json', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (data) => (text += String(data)))
    await once(child, 'close')
    return text
  }
  const sum = ['-d', '{"input":"What is 2 + 3?"}']

  it('reads events, text and NDJSON', async () => {
    expect(await curl(`${worker.url}/chat`, ...sum)).toMatch(/^id: 0\nevent: start\n[\s\S]*event: outcome\ndata: \{"status":"complete"/)
    expect(await curl(`${worker.url}/chat`, ...sum, '-H', 'accept: text/plain')).toBe('2 + 3 = 5.')
    const lines = (await curl(`${worker.url}/chat`, ...sum, '-H', 'accept: application/x-ndjson')).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type).at(-1)).toBe('outcome')
  })

  it('receives an error message for an invalid request', async () => {
    expect(JSON.parse(await curl(`${worker.url}/chat`, '-d', '{}'))).toEqual({ error: expect.stringContaining('input') })
  })

  it('receives each token at once, and ends the run with ctrl-c', async () => {
    const args = ['-sN', `${worker.url}/slow`, '-H', 'content-type: application/json', '-H', 'accept: text/plain', '-d', '{"input":"hi"}']
    const child = spawn('curl', args, { stdio: ['ignore', 'pipe', 'inherit'] })
    for (let text = ''; !text.includes('5 '); ) text += String((await once(child.stdout, 'data'))[0])
    expect(await open()).toBe(1)
    child.kill('SIGINT')
    await vi.waitFor(async () => expect(await open()).toBe(0), patience)
  })
})

const launchOptions = launchOptionsOf('chromium', 'useChat is NOT LOOKED AT in this run')
describe.skipIf(launchOptions === undefined)('in a page', () => {
  let browser: Browser
  let pages: Server
  let page: Page
  beforeAll(async () => {
    const script = await bundled('test/support/pages/chat.ts')
    pages = createServer(({ url }, response) => {
      const isScript = url === '/page.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? script : '<!doctype html><meta charset="utf-8"><body><script type="module" src="/page.js"></script>')
    })
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    browser = await chromium.launch(launchOptions)
  })
  afterAll(async () => {
    await browser?.close()
    pages?.close()
  })
  afterEach(() => page?.close())

  async function chat(where: string): Promise<void> {
    page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(pages.address() as AddressInfo).port}/?${new URLSearchParams({ worker: worker.url, where })}`)
    await page.locator('#status', { hasText: 'ready' }).waitFor()
  }
  type InPage = {
    sendMessage(message: { text: string }): Promise<void>
    stop(): Promise<void>
    askOpenAI(): Promise<string>
    open: { open: number }
  }
  const send = (text: string): Promise<void> => page.evaluate((text) => void (globalThis as unknown as InPage).sendMessage({ text }), text)
  const status = (text: string): Promise<void> => page.locator('#status', { hasText: text }).waitFor()
  const messages = async (): Promise<{ role: string; parts: { type: string; text?: string }[] }[]> =>
    JSON.parse((await page.locator('#messages').textContent()) ?? '')
  const answer = async (): Promise<string> => ((await messages()).at(-1)?.parts ?? []).map(({ text = '' }) => text).join('')

  it.each(['chat', 'page', 'text'])('useChat continues a conversation: %s', async (where) => {
    await chat(where)
    await send('What is 2 + 3?')
    await page.locator('#messages', { hasText: '= 5.' }).waitFor()
    await status('ready')
    await send('What is 17 + 4 * 2?')
    await page.locator('#messages', { hasText: '= 25.' }).waitFor()
    await status('ready')
    expect((await messages()).map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    expect(await answer()).toBe('17 + 4 * 2 = 25.')
  })

  it('useChat shows the tools of an agent', async () => {
    await chat('agent')
    await send('Weather?')
    await page.locator('#messages', { hasText: 'It is 18 °C.' }).waitFor()
    await status('ready')
    const { parts } = (await messages()).at(-1) ?? { parts: [] }
    expect(parts.find(({ type }) => type === 'tool-weather')).toMatchObject({
      state: 'output-available',
      input: { city: 'Paris' },
      output: { city: 'Paris', degrees: 18 },
    })
  })

  it('useChat runs a client tool, and the response continues in the same message', async () => {
    await chat('tools')
    await send('Weather?')
    await page.locator('#messages', { hasText: 'The tool says' }).waitFor()
    await status('ready')
    expect((await messages()).map(({ role }) => role)).toEqual(['user', 'assistant'])
    expect((await messages()).at(-1)?.parts).toMatchObject([
      { type: 'step-start' },
      { type: 'reasoning', text: 'Hm.' },
      { type: 'tool-weather', state: 'output-available', input: { city: 'Paris' } },
      { type: 'step-start' },
      { type: 'text', text: 'The tool says {"degrees":18}.' },
    ])
  })

  it('useChat ignores heartbeats', async () => {
    await chat('beating')
    await send('hi')
    await page.locator('#messages', { hasText: 'Hello' }).waitFor()
    await status('ready')
  })

  it('useChat shows the text before a failure, and the failure', async () => {
    await chat('failing')
    await send('hi')
    await status('error')
    expect(await answer()).toBe('Hel')
    expect(await page.locator('#error').textContent()).toBe('Something went wrong on the server.')
  })

  it('useChat shows a refusal', async () => {
    await chat('nowhere')
    await send('hi')
    await status('error')
  })

  it.each(['slow', 'page-slow'])('stop() of useChat ends the run: %s (P2)', async (where) => {
    await chat(where)
    await send('hi')
    await page.locator('#messages', { hasText: '0 1 2 3 4 5' }).waitFor()
    const running = async (): Promise<unknown> =>
      where === 'slow' ? open() : page.evaluate(() => (globalThis as unknown as InPage).open.open)
    expect(await running()).toBe(1)
    await page.evaluate(() => void (globalThis as unknown as InPage).stop())
    await status('ready')
    await vi.waitFor(async () => expect(await running()).toBe(0), patience)
    expect(await answer()).toMatch(/^0 1 2 /)
  })

  it('closing the tab ends the run (P2)', async () => {
    await chat('slow')
    await send('hi')
    await page.locator('#messages', { hasText: '0 1 2 3 4 5' }).waitFor()
    await page.close()
    await vi.waitFor(async () => expect(await open()).toBe(0), patience)
  })

  it('the openai SDK streams', async () => {
    await chat('chat')
    expect(await page.evaluate(() => (globalThis as unknown as InPage).askOpenAI())).toBe('The tool says 18 °C.')
  })
})
