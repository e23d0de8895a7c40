// Clients that are built on others, or speak themselves. LangChain's do not build for a page without help.
import { createAnthropic } from '@ai-sdk/anthropic'
import { createOpenAI } from '@ai-sdk/openai'
import { ChatAnthropic } from '@langchain/anthropic'
import { type AIMessageChunk, HumanMessage, type UsageMetadata } from '@langchain/core/messages'
import { concat } from '@langchain/core/utils/stream'
import { ChatOpenAI } from '@langchain/openai'
import { type LanguageModel, streamText } from 'ai'
import type { MeteredFetch } from 'chaintap/tokens'
import { describe } from 'vitest'
import { type ClientUnderTest, type Counted, meterContract } from '../contracts/meter-clients.ts'
import { readAll } from '../support/sources.ts'

const question = 'What is the weather in Paris?'

const aiSdk = (modelOf: (fetch: MeteredFetch) => LanguageModel, answer: string, counts?: Counted): ClientUnderTest => ({
  answer,
  async count(fetch) {
    const { totalUsage } = streamText({ model: modelOf(fetch), prompt: question, maxRetries: 0 })
    const { inputTokens, outputTokens } = await totalUsage
    return [inputTokens, outputTokens]
  },
  ...(counts && { counts }),
})

interface LangChainModel {
  stream(input: HumanMessage[]): Promise<AsyncIterable<AIMessageChunk>>
}

const langChain = (modelOf: (fetch: MeteredFetch) => LangChainModel, answer: string, counts?: Counted): ClientUnderTest => ({
  answer,
  async count(fetch) {
    const { chunks } = await readAll(await modelOf(fetch).stream([new HumanMessage(question)]))
    const [first, ...rest] = chunks
    const usage = first && (rest.reduce((whole, chunk) => concat(whole, chunk), first).usage_metadata as UsageMetadata | undefined)
    return [usage?.input_tokens, usage?.output_tokens]
  },
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
})

describe('LangChain', () => {
  const openai = (fetch: MeteredFetch): LangChainModel => new ChatOpenAI({ apiKey: 'key', model: 'gpt-4.1', configuration: { fetch } })
  const anthropic = (fetch: MeteredFetch): LangChainModel => new ChatAnthropic({ apiKey: 'key', model: 'claude', clientOptions: { fetch } })
  meterContract('ChatOpenAI', langChain(openai, 'openai-chat-usage.sse'))
  // It adds what the start of an answer says of its output, 1 and 3, to what its end says, 15 and 118, which is all of it.
  meterContract('ChatAnthropic', langChain(anthropic, 'anthropic-text.sse', [25, 16]))
  meterContract('ChatAnthropic, thinking', langChain(anthropic, 'anthropic-thinking-tool.sse', [472, 121]))
})
