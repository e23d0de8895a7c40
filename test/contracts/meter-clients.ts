import Anthropic from '@anthropic-ai/sdk'
import { type GenerateContentResponse, GoogleGenAI } from '@google/genai'
import { type MeteredFetch, type MeterOptions, meterMiddleware, tagged, type UsageRecord } from 'chaintap/meter'
import { anthropicSse } from 'chaintap/testing'
import Groq from 'groq-sdk'
import OpenAI from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { type Fixture, fixture } from '../support/fixtures.ts'
import { patience } from '../support/patience.ts'
import { answerOf, metered, recordOf, stable } from './meter.ts'

/** Another client, and how it reads a recorded answer. */
export interface ClientUnderTest {
  /** A file of test/fixtures/wire, or a constructed answer. */
  readonly answer: string | Fixture
  /** Requests a stream with this fetch and reads it to its end. Returns the client's own figures: input tokens, output tokens. */
  count(fetch: MeteredFetch): Promise<Counted>
  /** The client's own figures, if they differ from the provider's. */
  readonly counts?: Counted
  /** Requests a stream with this fetch, and cancels it in the client's usual way after its first part. */
  leave?(fetch: MeteredFetch): Promise<void>
}

export type Counted = readonly [input: number | undefined, output: number | undefined]

/** An answer of Anthropic that no fixture has. */
const made = (name: string, events: readonly string[], usage: Fixture['expected']['usage']): Fixture => ({
  name,
  bytes: new TextEncoder().encode(events.join('')),
  expected: {
    provider: 'anthropic',
    api: 'messages',
    contentType: 'text/event-stream; charset=utf-8',
    text: 'Sunny.',
    stopReason: 'end_turn',
    complete: true,
    usage,
  },
})

const cached = { inputTokens: 1_300, outputTokens: 20, totalTokens: 1_320, cacheReadTokens: 1_000, cacheWriteTokens: 200 }

/** 1,200 of its input tokens were read from or written to the cache. Anthropic reports them separately. */
export const cachedInput: Fixture = made('a cached input', anthropicSse({ text: ['Sunny.'], usage: cached }), cached)

/** A server-side tool increased the input: the end of the answer corrects its start. */
export const grownInput: Fixture = made(
  'a grown input',
  anthropicSse({ text: ['Sunny.'], usage: { inputTokens: 25, outputTokens: 510 } }).map((event) =>
    event.startsWith('event: message_delta') ? event.replace('"usage":{', '"usage":{"input_tokens":10682,') : event,
  ),
  { inputTokens: 10_682, outputTokens: 510, totalTokens: 11_192 },
)

/** Ends a stream by `break` after its first part. */
export async function breakOff(stream: AsyncIterable<unknown> | PromiseLike<AsyncIterable<unknown>>): Promise<void> {
  for await (const _ of await stream) break
}

const question = 'What is the weather in Paris?'
const messages = [{ role: 'user' as const, content: question }]
const common = { apiKey: 'key', dangerouslyAllowBrowser: true, maxRetries: 0, logLevel: 'off' as const }
const toClaude = { model: 'claude', max_tokens: 100, messages }
const streamRequest = { ...toClaude, stream: true as const }

const anthropic = (fetch: MeteredFetch): Anthropic => new Anthropic({ ...common, fetch })
const openai = (fetch: MeteredFetch): OpenAI => new OpenAI({ ...common, fetch })
const groq = (fetch: MeteredFetch): Groq => new Groq({ apiKey: 'key', dangerouslyAllowBrowser: true, maxRetries: 0, fetch })
const gemini = (fetch: MeteredFetch, abortSignal?: AbortSignal): Promise<AsyncGenerator<GenerateContentResponse>> =>
  new GoogleGenAI({ apiKey: 'key', httpOptions: { fetch } }).models.generateContentStream({
    model: 'gemini-2.5-flash',
    contents: question,
    ...(abortSignal && { config: { abortSignal } }),
  })

/** The providers' own SDKs, which can be bundled for a page. */
export const sdks: Readonly<Record<string, ClientUnderTest>> = {
  '@anthropic-ai/sdk, its helper': {
    answer: 'anthropic-thinking-tool.sse',
    async count(fetch) {
      const { usage } = await anthropic(fetch).messages.stream(toClaude).finalMessage()
      return [usage.input_tokens, usage.output_tokens]
    },
    leave: (fetch) => breakOff(anthropic(fetch).messages.stream(toClaude)),
  },
  '@anthropic-ai/sdk, a grown input': {
    answer: grownInput,
    async count(fetch) {
      const { usage } = await anthropic(fetch).messages.stream(toClaude).finalMessage()
      return [usage.input_tokens, usage.output_tokens]
    },
  },
  '@anthropic-ai/sdk, a cached input': {
    answer: cachedInput,
    async count(fetch) {
      const { usage } = await anthropic(fetch).messages.stream(toClaude).finalMessage()
      return [usage.input_tokens, usage.output_tokens]
    },
    // Anthropic's input figure excludes the cache.
    counts: [100, 20],
  },
  '@anthropic-ai/sdk, event by event': {
    answer: 'anthropic-text.sse',
    async count(fetch) {
      let [input, output] = [0, 0]
      for await (const event of await anthropic(fetch).messages.create(streamRequest)) {
        if (event.type === 'message_start') input = event.message.usage.input_tokens
        if (event.type === 'message_delta') output = event.usage.output_tokens
      }
      return [input, output]
    },
    leave: (fetch) => breakOff(anthropic(fetch).messages.create(streamRequest)),
  },
  'openai, chat': {
    answer: 'openai-chat-usage.sse',
    async count(fetch) {
      let counted: Counted = [undefined, undefined]
      const stream = await openai(fetch).chat.completions.create({
        model: 'gpt',
        messages,
        stream: true,
        stream_options: { include_usage: true },
      })
      for await (const { usage } of stream) if (usage) counted = [usage.prompt_tokens, usage.completion_tokens]
      return counted
    },
    leave: (fetch) => breakOff(openai(fetch).chat.completions.create({ model: 'gpt', messages, stream: true })),
  },
  'openai, chat, its helper': {
    answer: 'openai-chat-usage.sse',
    async count(fetch) {
      const usage = await openai(fetch)
        .chat.completions.stream({ model: 'gpt', messages, stream_options: { include_usage: true } })
        .totalUsage()
      return [usage.prompt_tokens, usage.completion_tokens]
    },
    leave: (fetch) => breakOff(openai(fetch).chat.completions.stream({ model: 'gpt', messages })),
  },
  'openai, chat, its helper, usage not requested': {
    answer: 'openai-chat-tools-nousage.sse',
    async count(fetch) {
      const usage = await openai(fetch).chat.completions.stream({ model: 'gpt', messages }).totalUsage()
      return [usage.prompt_tokens, usage.completion_tokens]
    },
    // It reports unknown usage as 0.
    counts: [0, 0],
  },
  'openai, completions': {
    answer: 'openai-completions-legacy.sse',
    async count(fetch) {
      let counted: Counted = [undefined, undefined]
      for await (const { usage } of await openai(fetch).completions.create({ model: 'gpt', prompt: question, stream: true })) {
        if (usage) counted = [usage.prompt_tokens, usage.completion_tokens]
      }
      return counted
    },
  },
  'openai, responses': {
    answer: 'openai-responses-reasoning-tool.sse',
    async count(fetch) {
      const { usage } = await openai(fetch).responses.stream({ model: 'gpt', input: question }).finalResponse()
      return [usage?.input_tokens, usage?.output_tokens]
    },
    leave: (fetch) => breakOff(openai(fetch).responses.create({ model: 'gpt', input: question, stream: true })),
  },
  'groq-sdk': {
    answer: 'groq-chat-xgroq.sse',
    async count(fetch) {
      let counted: Counted = [undefined, undefined]
      for await (const { x_groq } of await groq(fetch).chat.completions.create({ model: 'llama', messages, stream: true })) {
        if (x_groq?.usage) counted = [x_groq.usage.prompt_tokens, x_groq.usage.completion_tokens]
      }
      return counted
    },
    leave: (fetch) => breakOff(groq(fetch).chat.completions.create({ model: 'llama', messages, stream: true })),
  },
  '@google/genai': {
    answer: 'gemini-thinking-tool.sse',
    async count(fetch) {
      let counted: Counted = [undefined, undefined]
      for await (const { usageMetadata } of await gemini(fetch)) {
        counted = [usageMetadata?.promptTokenCount, (usageMetadata?.candidatesTokenCount ?? 0) + (usageMetadata?.thoughtsTokenCount ?? 0)]
      }
      return counted
    },
    // Ended by its signal: it does not cancel after a `break`.
    async leave(fetch) {
      const leaving = new AbortController()
      const reading = async (): Promise<void> => {
        for await (const _ of await gemini(fetch, leaving.signal)) leaving.abort()
      }
      await reading().catch(() => {})
    },
  },
}

/** The requirements on a meter under any client. */
export function meterContract(name: string, { answer, count, counts, leave }: ClientUnderTest): void {
  const each = typeof answer === 'string' ? fixture(answer) : answer

  test(`${name}: the meter’s figures equal the provider’s; the client’s own ${counts ? 'do not' : 'do too'}`, async () => {
    for (const split of [undefined, 'events', 'bytes', 100] as const) {
      const { fetch, records } = metered(answerOf(each, split && { split }))
      const { inputTokens, outputTokens } = each.expected.usage ?? {}
      expect(await count(fetch)).toEqual(counts ?? [inputTokens, outputTokens])
      expect(records.map(stable)).toEqual([{ ...recordOf(each), url: records[0]?.url }])
    }
    // Four answers, one of them byte by byte: some clients are slow.
  }, 30_000)

  if (!leave) return
  test(`${name}, cancelled: emits one record with the figures so far, and the source is cancelled`, async () => {
    // After the first text and before the end, for clients that read ahead.
    const stallAfter = Math.round(each.bytes.length * 0.6)
    const { fetch, records, scripted } = metered(answerOf(each, { split: 'events', stallAfter }))
    await leave(fetch)
    await vi.waitFor(() => expect(records).toHaveLength(1), patience)
    expect(['abort', 'cancel']).toContain(records[0]?.reason)
    expect(records[0]?.complete).toBe(false)
    expect(records[0]?.usage?.source ?? 'partial').toBe('partial')
    await vi.waitFor(() => expect(scripted.open).toBe(0), patience)
  })
}

/** Requirements that are specific to the SDKs. */
export function sdkContract(): void {
  const watched = (name: string, options?: MeterOptions) => metered(answerOf(fixture(name), { split: 'events' }), options)

  describe('with the SDKs', () => {
    test('meterMiddleware() emits the same record as meter()', async () => {
      const each = fixture('anthropic-thinking-tool.sse')
      const records: UsageRecord[] = []
      const { scripted } = metered(answerOf(each, { split: 'events' }))
      const client = new Anthropic({ ...common, fetch: scripted, middleware: [meterMiddleware((record) => void records.push(record))] })
      const { usage } = await client.messages
        .stream({ ...streamRequest, stream: undefined as never }, { fetchOptions: tagged('mine') })
        .finalMessage()
      expect(usage).toMatchObject({ input_tokens: 472, output_tokens: 118 })
      expect(records.map(stable)).toEqual([{ ...recordOf(each), url: records[0]?.url, tag: 'mine' }])
    })

    test('a tag passes through Anthropic’s, OpenAI’s and Groq’s SDKs to the call’s record only', async () => {
      const [one, two, three] = [watched('anthropic-text.sse'), watched('openai-chat-usage.sse'), watched('groq-chat-xgroq.sse')]
      const options = { fetchOptions: tagged('mine') }
      for await (const _ of await anthropic(one.fetch).messages.create(streamRequest, options));
      for await (const _ of await openai(two.fetch).chat.completions.create({ model: 'gpt', messages, stream: true }, options));
      for await (const _ of await groq(three.fetch).chat.completions.create({ model: 'llama', messages, stream: true }, options));
      for (const { records, scripted } of [one, two, three]) {
        expect(records).toMatchObject([{ tag: 'mine', complete: true }])
        expect(JSON.stringify(scripted.calls)).not.toContain('mine')
      }
    })

    test('ended by break or abort: the record has the figures so far', async () => {
      const broken = watched('anthropic-text.sse')
      for await (const _ of await anthropic(broken.fetch).messages.create(streamRequest)) break
      const aborted = watched('anthropic-text.sse')
      const stream = await anthropic(aborted.fetch).messages.create(streamRequest)
      for await (const _ of stream) stream.controller.abort()
      for (const { records, scripted } of [broken, aborted]) {
        expect(records).toHaveLength(1)
        expect(['abort', 'cancel']).toContain(records[0]?.reason)
        expect(records[0]).toMatchObject({ complete: false, usage: { inputTokens: 25, source: 'partial' } })
        expect(scripted.open).toBe(0)
      }
    })

    test('an event that OpenAI’s SDK fails on is counted', async () => {
      const { fetch, records } = watched('sse-edge-crlf-bom-multiline.sse')
      const reading = async (): Promise<void> => {
        for await (const _ of await openai(fetch).chat.completions.create({ model: 'gpt', messages, stream: true }));
      }
      // It parses an event without data as JSON.
      await expect(reading()).rejects.toThrow(/JSON/)
      expect(records).toMatchObject([{ complete: true, usage: { inputTokens: 9, outputTokens: 4 } }])
    })

    test('askForUsage requests usage that the caller did not request', async () => {
      const { fetch, scripted } = watched('openai-chat-usage.sse', { askForUsage: true })
      for await (const _ of await openai(fetch).chat.completions.create({ model: 'gpt', messages, stream: true }));
      expect(scripted.calls[0]?.body).toMatchObject({ model: 'gpt', stream: true, stream_options: { include_usage: true } })
    })

    test('each attempt of a client that retries has its own record', async () => {
      const { fetch, records } = metered([
        { status: 529, body: '{"type":"error","error":{"type":"overloaded_error"}}', headers: { 'retry-after-ms': '1' } },
        answerOf(fixture('anthropic-text.sse')),
      ])
      const client = new Anthropic({ ...common, maxRetries: 1, fetch })
      for await (const _ of await client.messages.create(streamRequest));
      expect(records).toMatchObject([
        { status: 529, complete: false, reason: 'error' },
        { status: 200, complete: true },
      ])
    })
  })
}
