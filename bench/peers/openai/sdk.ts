import OpenAI from 'openai'
import { type Library, question } from '../../lib/library.ts'

const request = { model: 'gpt-4.1', messages: [{ role: 'user' as const, content: question }], stream: true as const }

const textOf = (chunk: OpenAI.ChatCompletionChunk): string => chunk.choices[0]?.delta.content ?? ''

const library: Library = (fetch) => {
  const client = new OpenAI({ apiKey: 'key', fetch, dangerouslyAllowBrowser: true })
  return {
    async stream({ signal }) {
      const chunks = await client.chat.completions.create(request, { signal })
      return { chunks, textOf, toStream: () => chunks.toReadableStream(), stop: () => chunks.controller.abort() }
    },
    async invoke() {
      let text = ''
      for await (const chunk of await client.chat.completions.create(request)) text += textOf(chunk)
      return text
    },
  }
}

export default library
