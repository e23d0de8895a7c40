import Anthropic from '@anthropic-ai/sdk'
import { type Library, question } from '../../lib/library.ts'

const request = { model: 'claude', max_tokens: 4096, messages: [{ role: 'user' as const, content: question }] }

const library: Library = (fetch) => {
  const client = new Anthropic({ apiKey: 'key', fetch, dangerouslyAllowBrowser: true })
  return {
    hasHandlers: true,
    stream({ signal, handlers = [] }) {
      const chunks = client.messages.stream(request, { signal })
      for (const handler of handlers) chunks.on('text', (text) => handler(text))
      return {
        chunks,
        textOf: (event: Anthropic.MessageStreamEvent) =>
          event.type === 'content_block_delta' && event.delta.type === 'text_delta' ? event.delta.text : '',
        toStream: () => chunks.toReadableStream(),
        stop: () => chunks.abort(),
      }
    },
    invoke: () => client.messages.stream(request).finalText(),
  }
}

export default library
