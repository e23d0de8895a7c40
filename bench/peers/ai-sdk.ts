import { type LanguageModel, type StreamTextTransform, streamText, type ToolSet } from 'ai'
import type { Hand } from '../lib/bare.ts'
import { type Client, question } from '../lib/library.ts'

/** A transform that listens and passes all on. */
const listening =
  (hear: Hand): StreamTextTransform<ToolSet> =>
  () =>
    new TransformStream({
      transform(part, controller) {
        if (part.type === 'text-delta') hear(part.text)
        controller.enqueue(part)
      },
    })

export function aiSdk(model: LanguageModel): Client {
  return {
    hears: true,
    stream({ signal, hear = [] }) {
      const { textStream } = streamText({
        model,
        prompt: question,
        ...(signal && { abortSignal: signal }),
        ...(hear.length > 0 && { experimental_transform: hear.map(listening) }),
      })
      return { chunks: textStream, textOf: (text: string) => text, toStream: () => textStream }
    },
    invoke: async () => streamText({ model, prompt: question }).text,
  }
}
