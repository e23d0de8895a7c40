// Checks each row of the table "What is known, and when" in docs/tokens.md.
import type { UsageRecord } from 'chaintap/meter'
import { expect, test } from 'vitest'
import { answerOf, metered, read, urlOf } from '../../contracts/meter.ts'
import { type Fixture, fixture } from '../../support/fixtures.ts'

type Figure = 'cacheReadTokens' | 'cacheWriteTokens' | 'reasoningTokens' | 'cost'

/** When usage is known: with the first event; with each event, growing; at the end. */
const rows: readonly (readonly [provider: string, answer: string, when: 'first' | 'running' | 'last', ...figures: Figure[]])[] = [
  ['Anthropic', 'anthropic-thinking-tool.sse', 'first', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens'],
  ['OpenAI, Chat Completions', 'openai-chat-usage.sse', 'last', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens'],
  ['OpenAI, Completions', 'openai-completions-legacy.sse', 'last'],
  ['OpenAI, Responses', 'openai-responses-reasoning-tool.sse', 'last', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens'],
  ['Gemini', 'gemini-thinking-tool.sse', 'running', 'cacheReadTokens', 'reasoningTokens'],
  ['Mistral', 'mistral-chat.sse', 'last', 'cacheReadTokens'],
  ['Ollama', 'ollama-chat-thinking.ndjson', 'last', 'cacheReadTokens'],
  ['Workers AI', 'workersai-native.sse', 'last', 'cacheReadTokens'],
  ['Bedrock, Converse', 'bedrock-converse.eventstream', 'last', 'cacheReadTokens', 'cacheWriteTokens'],
  ['OpenRouter', 'openrouter-chat-cost.sse', 'last', 'cacheReadTokens', 'cacheWriteTokens', 'reasoningTokens', 'cost'],
  ['DeepSeek', 'deepseek-reasoner-cache.sse', 'last', 'cacheReadTokens', 'reasoningTokens'],
  ['Groq', 'groq-chat-xgroq.sse', 'last', 'cacheReadTokens', 'reasoningTokens'],
]

/** The record of an answer whose reader cancels after this many bytes. */
async function leftAfter(each: Fixture, count: number): Promise<UsageRecord | undefined> {
  const { fetch, records } = metered(answerOf(each, { body: [each.bytes.slice(0, count), each.bytes.slice(count)] }))
  const { body } = await fetch(urlOf(each.expected), { method: 'POST' })
  const reader = body?.getReader()
  await reader?.read()
  await reader?.cancel()
  return records[0]
}

async function readToItsEnd(each: Fixture): Promise<UsageRecord | undefined> {
  const { fetch, records } = metered(answerOf(each))
  await read(await fetch(urlOf(each.expected), { method: 'POST' }))
  return records[0]
}

test.each(rows)('%s', async (_, answer, when, ...figures) => {
  const each = fixture(answer)
  const whole = await readToItsEnd(each)
  expect(Object.keys(whole?.usage ?? {}).sort()).toEqual(
    ['inputTokens', 'outputTokens', 'totalTokens', ...figures, 'requests', 'source'].sort(),
  )

  const left: (UsageRecord | undefined)[] = []
  for (let count = 0; count < each.bytes.length; ) {
    count = Math.min(count + 16, each.bytes.length)
    left.push(await leftAfter(each, count))
  }
  // A cancelled answer is marked, so that a lower bound is not taken for the total.
  expect(left.filter((record) => record?.usage && !record.complete).every((record) => record?.usage?.source === 'partial')).toBe(true)

  const known = left.filter((record) => record?.usage)
  const [first] = known
  expect(first?.usage?.inputTokens).toBe(whole?.usage?.inputTokens)
  if (when === 'last') expect(first?.outputWeight).toBeCloseTo(whole?.outputWeight ?? Number.NaN, 6)
  else expect(first?.outputWeight).toBeLessThan((whole?.outputWeight ?? 0) / 2)
  const outputs = new Set(known.map((record) => record?.usage?.outputTokens))
  expect(outputs.size).toBe({ first: 2, running: 3, last: 1 }[when])
  expect([...outputs].at(-1)).toBe(whole?.usage?.outputTokens)
})
