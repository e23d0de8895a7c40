import { createOpenAI } from '@ai-sdk/openai'
import { streamText } from 'ai'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''

const result = streamText({
  model: createOpenAI({ apiKey }).chat('gpt-4.1'),
  prompt: 'Tell me a joke about bears',
  onChunk: ({ chunk }) => console.log(chunk),
})
for await (const text of result.textStream) document.body.append(text)
console.log(await result.usage)
