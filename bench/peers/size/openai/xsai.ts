import { streamText } from '@xsai/stream-text'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''

const { textStream, usage } = streamText({
  apiKey,
  baseURL: 'https://api.openai.com/v1/',
  model: 'gpt-4.1',
  messages: [{ role: 'user', content: 'Tell me a joke about bears' }],
  streamOptions: { includeUsage: true },
  onEvent: (event) => console.log(event),
})
for await (const text of textStream) document.body.append(text)
console.log(await usage)
