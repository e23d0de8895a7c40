import { type LanguageModel, type StreamTextTransform, streamText, type ToolSet } from 'ai'
import type { Hand } from '../lib/bare.ts'
import { type Client, question } from '../lib/library.ts'

/** A transform that reads all chunks and passes them on. */
const listening =
  (hand: Hand): StreamTextTransform<ToolSet> =>
  () =>
    new TransformStream({
      transform(part, controller) {
        if (part.type === 'text-delta') hand(part.text)
        controller.enqueue(part)
      },
    })

export function aiSdk(model: LanguageModel): Client {
  return {
    hasHandlers: true,
    stream({ signal, handlers = [] }) {
      const { textStream } = streamText({
        model,
        prompt: question,
        ...(signal && { abortSignal: signal }),
        ...(handlers.length > 0 && { experimental_transform: handlers.map(listening) }),
      })
      return { chunks: textStream, textOf: (text: string) => text, toStream: () => textStream }
    },
    invoke: async () => streamText({ model, prompt: question }).text,
  }
}
