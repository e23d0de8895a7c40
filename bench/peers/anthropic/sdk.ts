import Anthropic from '@anthropic-ai/sdk'
import { type Library, question } from '../../lib/library.ts'

const request = { model: 'claude', max_tokens: 4096, messages: [{ role: 'user' as const, content: question }] }

const textOf = (event: Anthropic.MessageStreamEvent): string =>
  event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : ''

const library: Library = (fetch) => {
  const client = new Anthropic({ apiKey: 'key', fetch, dangerouslyAllowBrowser: true })
  return {
    async stream({ signal }) {
      const chunks = await client.messages.create({ ...request, stream: true }, { signal })
      return { chunks, textOf, toStream: () => chunks.toReadableStream(), stop: () => chunks.controller.abort() }
    },
    async invoke() {
      let text = ''
      for await (const event of await client.messages.create({ ...request, stream: true })) text += textOf(event)
      return text
    },
  }
}

export default library
