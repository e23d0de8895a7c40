import OpenAI from 'openai'
import { type Library, question } from '../../lib/library.ts'

const request = { model: 'gpt-4.1', messages: [{ role: 'user' as const, content: question }] }

const library: Library = (fetch) => {
  const client = new OpenAI({ apiKey: 'key', fetch, dangerouslyAllowBrowser: true })
  return {
    hasHandlers: true,
    stream({ signal, handlers = [] }) {
      const chunks = client.chat.completions.stream(request, { signal })
      for (const handler of handlers) chunks.on('content', (text) => handler(text))
      return {
        chunks,
        textOf: (chunk: OpenAI.ChatCompletionChunk) => chunk.choices[0]?.delta.content ?? '',
        toStream: () => chunks.toReadableStream(),
        stop: () => chunks.abort(),
      }
    },
    invoke: async () => (await client.chat.completions.stream(request).finalContent()) ?? '',
  }
}

export default library
