import OpenAI from 'openai'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const client = new OpenAI({ apiKey, dangerouslyAllowBrowser: true })

const stream = client.chat.completions
  .stream({
    model: 'gpt-4.1',
    messages: [{ role: 'user', content: 'Tell me a joke about bears' }],
    stream_options: { include_usage: true },
  })
  .on('content', (text) => console.log(text))
for await (const chunk of stream) document.body.append(chunk.choices[0]?.delta.content ?? '')
console.log(await stream.totalUsage())
