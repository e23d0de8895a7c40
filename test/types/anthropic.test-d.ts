import Anthropic from '@anthropic-ai/sdk'
import { type AssistantMessage, type Delta, type Runnable, StringOutputParser } from 'chaintap'
import { type AnthropicClient, ChatAnthropic } from 'chaintap/anthropic'

// Our type of a client stands alone; the SDK's must go on fitting it.
export const client: AnthropicClient = new Anthropic()
export const model: Runnable<string, AssistantMessage, Delta> = new ChatAnthropic({ client: new Anthropic() })

declare const env: { readonly ANTHROPIC_API_KEY?: string }
// What an environment holds may be missing: that is an error when it runs, with the line to write.
new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY })
new ChatAnthropic({ apiKey: async () => 'key', fetch: (input, init) => fetch(input, init) })

const bound: ChatAnthropic = new ChatAnthropic({ apiKey: 'key' }).bind({ stop: ['\n'], maxTokens: 10 })
export const text: Promise<string> = bound.pipe(new StringOutputParser()).invoke([['system', 'Be brief.'], 'Hi'])

// @ts-expect-error an option of the model is none of a call's
bound.bind({ maxRetries: 3 })
// @ts-expect-error a misspelt option
new ChatAnthropic({ apiKey: 'key', temprature: 0 })
// @ts-expect-error the policy is one of two words
new ChatAnthropic({ apiKey: 'key', onTruncated: 'ignore' })
// @ts-expect-error a number is no question
void bound.invoke(5)
// @ts-expect-error a client has to carry messages
new ChatAnthropic({ client: { baseURL: 'https://api.example' } })
