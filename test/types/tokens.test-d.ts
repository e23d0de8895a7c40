import Anthropic from '@anthropic-ai/sdk'
import * as genai from '@pydantic/genai-prices'
import { ChatPromptTemplate, type Handler, type Usage } from 'chaintap'
import { ChatAnthropic } from 'chaintap/anthropic'
import { ambientCounter, countTokens as countAmbient } from 'chaintap/async-context'
import { type GenaiPrices, genaiPrices } from 'chaintap/genai-prices'
import { meter } from 'chaintap/meter'
import { budget, type Cost, countTokens, type PriceBook, priceTable, TokenCounter, type TokenSnapshot, tagged } from 'chaintap/tokens'
import OpenAI from 'openai'

// GenaiPrices does not import the package: the package must stay assignable to it.
export const package_: GenaiPrices = genai
export const book: Promise<PriceBook> = genaiPrices()

const counter = new TokenCounter({ prices: priceTable({ m: { input: 1, output: 2 } }), tokenizer: (text) => text.length })
export const handlers: readonly Handler[] = [counter, ambientCounter, budget({ maxTokens: 100, maxSeconds: 10 })]
export const usage: Usage | undefined = counter.usage
export const total: number | undefined = counter.totalTokens
export const requests: number = counter.successfulRequests
export const cost: Cost = counter.cost
export const sums: ReadonlyMap<string, Usage> = counter.byModel
// @ts-expect-error totalCost may be undefined
export const wrong: number = counter.totalCost

// Assignable to the parameters of React's useSyncExternalStore.
declare function subscribed<Snapshot>(subscribe: (changed: () => void) => () => void, snapshot: () => Snapshot): Snapshot
export const shown: TokenSnapshot = subscribed(counter.subscribe, counter.snapshot)

// Assignable to the SDKs' own options.
const openai = new OpenAI({ apiKey: 'key', fetch: counter.fetch })
const anthropic = new Anthropic({ apiKey: 'key', fetch: meter(fetch, ambientCounter) })
void openai.chat.completions.create({ model: 'm', messages: [] }, { fetchOptions: tagged(counter) })
void anthropic.messages.create({ model: 'm', max_tokens: 1, messages: [] }, { fetchOptions: tagged(counter) })
new ChatAnthropic({ apiKey: 'key', fetch: counter.fetch, callbacks: [counter, ambientCounter] })

const chain = ChatPromptTemplate.fromTemplate('A joke about {animal}').pipe(new ChatAnthropic({ apiKey: 'key' }))
const { result } = await countTokens((inner) => chain.invoke({ animal: 'bears' }, { callbacks: [inner] }), { parent: counter })
export const text: string | readonly unknown[] = result.content
export const two: Promise<{ readonly result: number; readonly counter: TokenCounter }> = countAmbient(async () => 2)

// @ts-expect-error maxTokens is a number
budget({ maxTokens: '100' })
// @ts-expect-error misspelt limit
budget({ maxToken: 100 })
// @ts-expect-error a price needs input and output
priceTable({ m: { input: 1 } })
