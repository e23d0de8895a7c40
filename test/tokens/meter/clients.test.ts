// Clients built on SDKs, or with their own HTTP code.
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { ChatAnthropic } from '@langchain/anthropic'
import { type AIMessageChunk, HumanMessage, type UsageMetadata } from '@langchain/core/messages'
import { concat } from '@langchain/core/utils/stream'
import { ChatOpenAI } from '@langchain/openai'
import { type LanguageModel, streamText } from 'ai'
import type { MeteredFetch } from 'chaintap/meter'
import { describe } from 'vitest'
import { breakOff, type ClientUnderTest, type Counted, cachedInput, grownInput, meterContract } from '../../contracts/meter-clients.ts'
import { readAll } from '../../support/sources.ts'

const question = 'What is the weather in Paris?'

type Answer = ClientUnderTest['answer']

const aiSdk = (modelOf: (fetch: MeteredFetch) => LanguageModel, answer: Answer, counts?: Counted): ClientUnderTest => ({
  answer,
  async count(fetch) {
    const { totalUsage } = streamText({ model: modelOf(fetch), prompt: question, maxRetries: 0, onError() {} })
    const { inputTokens, outputTokens } = await totalUsage
    return [inputTokens, outputTokens]
  },
  // Ended by its signal: it does not cancel after a `break`.
  async leave(fetch) {
    const leaving = new AbortController()
    const abortSignal = leaving.signal
    const { stream } = streamText({ model: modelOf(fetch), prompt: question, maxRetries: 0, abortSignal, onError() {} })
    for await (const { type } of stream) if (type.endsWith('-start')) leaving.abort()
  },
  ...(counts && { counts }),
})

interface LangChainModel {
  stream(input: HumanMessage[]): Promise<AsyncIterable<AIMessageChunk>>
}

const langChain = (modelOf: (fetch: MeteredFetch) => LangChainModel, answer: Answer, counts?: Counted): ClientUnderTest => ({
  answer,
  async count(fetch) {
    const { chunks } = await readAll(await modelOf(fetch).stream([new HumanMessage(question)]))
    const [first, ...rest] = chunks
    const usage = first && (rest.reduce((whole, chunk) => concat(whole, chunk), first).usage_metadata as UsageMetadata | undefined)
    return [usage?.input_tokens, usage?.output_tokens]
  },
  leave: (fetch) => breakOff(modelOf(fetch).stream([new HumanMessage(question)])),
  ...(counts && { counts }),
})

describe('AI SDK', () => {
  const openai = (fetch: MeteredFetch) => createOpenAI({ apiKey: 'key', fetch })
  const anthropic = (fetch: MeteredFetch): LanguageModel => createAnthropic({ apiKey: 'key', fetch })('claude-haiku-4-5')
  meterContract(
    '@ai-sdk/openai, chat',
    aiSdk((fetch) => openai(fetch).chat('gpt'), 'openai-chat-usage.sse'),
  )
  meterContract(
    '@ai-sdk/openai, responses',
    aiSdk((fetch) => openai(fetch).responses('gpt'), 'openai-responses-reasoning-tool.sse'),
  )
  meterContract('@ai-sdk/anthropic', aiSdk(anthropic, 'anthropic-text.sse'))
  meterContract('@ai-sdk/anthropic, thinking', aiSdk(anthropic, 'anthropic-thinking-tool.sse'))
  meterContract('@ai-sdk/anthropic, a cached input', aiSdk(anthropic, cachedInput))
  meterContract('@ai-sdk/anthropic, a grown input', aiSdk(anthropic, grownInput))
  // After the error it reports no usage.
  const { leave: _, ...failing } = aiSdk(anthropic, 'anthropic-error-midstream.sse', [undefined, undefined])
  meterContract('@ai-sdk/anthropic, an error', failing)
})

describe('LangChain', () => {
  const openai = (fetch: MeteredFetch): LangChainModel => new ChatOpenAI({ apiKey: 'key', model: 'gpt-4.1', configuration: { fetch } })
  const responses = (fetch: MeteredFetch): LangChainModel =>
    new ChatOpenAI({ apiKey: 'key', model: 'gpt-4.1', useResponsesApi: true, configuration: { fetch } })
  const anthropic = (fetch: MeteredFetch): LangChainModel => new ChatAnthropic({ apiKey: 'key', model: 'claude', clientOptions: { fetch } })
  meterContract('ChatOpenAI', langChain(openai, 'openai-chat-usage.sse'))
  meterContract('ChatOpenAI, responses', langChain(responses, 'openai-responses-reasoning-tool.sse'))
  // It adds the output figure at the start of an answer (1, 3) to that at its end (15, 118), which already is the total.
  meterContract('ChatAnthropic', langChain(anthropic, 'anthropic-text.sse', [25, 16]))
  meterContract('ChatAnthropic, thinking', langChain(anthropic, 'anthropic-thinking-tool.sse', [472, 121]))
  meterContract('ChatAnthropic, a cached input', langChain(anthropic, cachedInput, [1_300, 21]))
  // It keeps the input figure of the start, although the end corrects it.
  meterContract('ChatAnthropic, a grown input', langChain(anthropic, grownInput, [25, 511]))
})
