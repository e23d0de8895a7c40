import Anthropic from '@anthropic-ai/sdk'
import type * as Wire from '@anthropic-ai/sdk/resources/messages'
import { type AssistantMessage, type CacheControl, type Delta, type Part, type Runnable, StringOutputParser } from 'chaintap'
import { type AnthropicCallOptions, type AnthropicClient, ChatAnthropic } from 'chaintap/anthropic'

// AnthropicClient does not import the SDK: the SDK's client must stay assignable to it.
export const client: AnthropicClient = new Anthropic()
export const model: Runnable<string, AssistantMessage, Delta> = new ChatAnthropic({ client: new Anthropic() })

// Request values of Anthropic's own types are accepted unchanged, and every renamed option has a counterpart there.
declare const params: Wire.MessageCreateParamsBase
export const options: AnthropicCallOptions = {
  model: params.model,
  maxTokens: params.max_tokens,
  ...(params.thinking && { thinking: params.thinking }),
  ...(params.tools && { tools: params.tools }),
  ...(params.tool_choice && { toolChoice: params.tool_choice }),
  ...(params.stop_sequences && { stop: params.stop_sequences }),
  ...(params.cache_control && { cacheControl: params.cache_control }),
  modelKwargs: { output_config: params.output_config, metadata: params.metadata, container: params.container },
}
export const cacheControl: Wire.CacheControlEphemeral = {} as CacheControl

// Every content block is assignable to a part.
declare const block: Wire.ContentBlock | Wire.ContentBlockParam
export const part: Part = { type: 'block', provider: 'anthropic', block: { ...block } }
declare const cited: Wire.TextCitation
export const source: Part = { type: 'text', text: 'Bears', citations: [{ ...cited }] }
export const details: AssistantMessage['stopDetails'] = { ...({} as Wire.RefusalStopDetails) }

// The blocks that we send are assignable to Anthropic's parameters.
export const written: readonly Wire.ContentBlockParam[] = [
  { type: 'text', text: 'Bears', citations: [], cache_control: { type: 'ephemeral', ttl: '1h' } },
  { type: 'thinking', thinking: 'Hm.', signature: 'c2ln' },
  { type: 'redacted_thinking', data: 'c2VjcmV0' },
  { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'aGk=' }, cache_control: { type: 'ephemeral' } },
  { type: 'image', source: { type: 'url', url: 'https://example.com/bear.jpg' } },
  { type: 'tool_use', id: '1', name: 'weather', input: { city: 'Paris' } },
  { type: 'tool_result', tool_use_id: '1', content: [{ type: 'text', text: '18 °C' }], is_error: true },
]

declare const env: { readonly ANTHROPIC_API_KEY?: string }
// An environment variable may be undefined: the constructor then throws at run time, and says what to write.
new ChatAnthropic({ apiKey: env.ANTHROPIC_API_KEY })
new ChatAnthropic({ apiKey: async () => 'key', fetch: (input, init) => fetch(input, init) })

const bound: ChatAnthropic = new ChatAnthropic({ apiKey: 'key' }).bind({ stop: ['\n'], maxTokens: 10 })
export const text: Promise<string> = bound.pipe(new StringOutputParser()).invoke([['system', 'Be brief.'], 'Hi'])

// @ts-expect-error maxRetries is a constructor option, not a call option
bound.bind({ maxRetries: 3 })
// @ts-expect-error misspelt option
new ChatAnthropic({ apiKey: 'key', temprature: 0 })
// @ts-expect-error onTruncated is 'error' or 'accept'
new ChatAnthropic({ apiKey: 'key', onTruncated: 'ignore' })
// @ts-expect-error a number is not a chat input
void bound.invoke(5)
// @ts-expect-error a client must have `messages`
new ChatAnthropic({ client: { baseURL: 'https://api.example' } })
