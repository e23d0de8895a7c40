import Anthropic from '@anthropic-ai/sdk'

const apiKey = new URLSearchParams(location.search).get('key') ?? ''
const client = new Anthropic({ apiKey, dangerouslyAllowBrowser: true })

const stream = client.messages
  .stream({ model: 'claude-haiku-4-5', max_tokens: 4096, messages: [{ role: 'user', content: 'Tell me a joke about bears' }] })
  .on('text', (text) => console.log(text))
for await (const event of stream) {
  if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') document.body.append(event.delta.text)
}
console.log((await stream.finalMessage()).usage)
