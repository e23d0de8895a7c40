import { streamText } from '@xsai/stream-text'
import { type Call, type Library, question } from '../../lib/library.ts'

const library: Library = (fetch) => {
  const ask = ({ signal }: Call): ReadableStream<string> =>
    streamText({
      apiKey: 'key',
      baseURL: 'https://api.openai.com/v1/',
      model: 'gpt-4.1',
      messages: [{ role: 'user', content: question }],
      fetch,
      ...(signal && { abortSignal: signal }),
    }).textStream
  return {
    stream(call) {
      const chunks = ask(call)
      return { chunks, textOf: (text: string) => text, toStream: () => chunks }
    },
    async invoke() {
      let text = ''
      for await (const token of ask({})) text += token
      return text
    },
  }
}

export default library
