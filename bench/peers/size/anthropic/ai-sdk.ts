import { createAnthropic } from '@ai-sdk/anthropic'
import { streamText } from 'ai'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const anthropic = createAnthropic({ apiKey, headers: { 'anthropic-dangerous-direct-browser-access': 'true' } })

const result = streamText({
  model: anthropic('claude-haiku-4-5'),
  prompt: 'Tell me a joke about bears',
  onChunk: ({ chunk }) => console.log(chunk),
})
for await (const text of result.textStream) document.body.append(text)
console.log(await result.usage)
